"""A picture of how the figures changed while a run trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from routed_envs.outcomes import Outcomes
from routed_rl.charts.canvas import (
    make_panels,
    our_look,
    percent_axis,
    reference_line,
    step_axis,
)
from routed_rl.charts.colours import target_colour
from routed_rl.charts.drawing import figure_bytes, save_picture
from routed_rl.charts.legend import key
from routed_rl.charts.tables import Record

NAMES = {"mixture": "mixture (unsteered)", "policy": "policy"}


def save_learning_curve(entries: Sequence[dict[str, Any]], path: Path, outcomes: Outcomes) -> bool:
    """Draw the evaluations of a log as a PNG, with a table beside it; False if there are none."""
    rate = f"{outcomes.good[0]}_rate"
    rows = [
        (entry["environment_steps"], name, figures[rate], figures["episode_return"])
        for entry in entries
        for name, figures in (entry["evaluation"] or {}).items()
    ]
    if not rows:
        return False
    with our_look():
        picture = figure_bytes(_draw(rows, outcomes), "png")
    save_picture(path, picture, ("environment_steps", "who_acts", rate, "episode_return"), rows)
    return True


def _draw(rows: Sequence[Record], outcomes: Outcomes) -> Figure:
    """Rate and return against the steps, a line for each who acts: rows of the four columns."""
    keys = {
        who: key(NAMES.get(who, f"{who} expert (steered)"), target_colour(who, outcomes))
        for who in dict.fromkeys(row[1] for row in rows)
    }
    good, unwanted = (" or ".join(names) for names in (outcomes.good, outcomes.unwanted))
    titles = [
        f"share of episodes that end on the {good}",
        f"discounted return (+1 {good}, \N{MINUS SIGN}1 {unwanted})",
    ]
    figure, (rates, returns) = make_panels(titles, 2, 3.1, list(keys.values()))
    for panel, column in ((rates, 2), (returns, 3)):
        for who, line in keys.items():
            own = [row for row in rows if row[1] == who]
            steps, values = [row[0] for row in own], [row[column] for row in own]
            look: dict[str, Any] = {"linewidth": 1.7, "markersize": 4, "clip_on": False}
            panel.plot(steps, values, "o-", color=line.get_color(), **look)
        step_axis(panel, max(row[0] for row in rows))
        panel.grid(axis="y")
    rates.set_ylim(-0.02, 1.02)
    percent_axis(rates.yaxis)
    returns.set_ylim(-1, 1)
    reference_line(returns, 0.0)
    return figure
