"""A picture of how the figures changed while a run trained."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from routed_agents.files import write_atomically
from routed_envs.gridworld.drawing import DIAMOND, GHOST

COLOURS = {"diamond": DIAMOND, "ghost": GHOST, "mixture": "#4b5563", "policy": "#4b5563"}
LABELS = {"mixture": "mixture (unsteered)", "policy": "policy"}


def save_learning_curve(entries: Sequence[dict[str, Any]], path: Path) -> bool:
    """Draw the evaluations of a log, and write their numbers as a table beside the figure.

    Args:
        entries: The log's entries.
        path: The PNG; the table has the same name and ends in `.csv`.

    Returns:
        False if the log has no evaluation, so that there is nothing to draw.
    """
    rows = [
        (entry["environment_steps"], name, figures["diamond_rate"], figures["episode_return"])
        for entry in entries
        for name, figures in (entry["evaluation"] or {}).items()
    ]
    if not rows:
        return False
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("environment_steps", "who_acts", "diamond_rate", "episode_return"))
    table.writerows(rows)
    write_atomically(path.with_suffix(".csv"), text.getvalue().encode())
    buffer = io.BytesIO()
    _draw(rows).savefig(buffer, format="png")
    write_atomically(path, buffer.getvalue())
    return True


def _draw(rows: list[tuple[int, str, float, float]]) -> Figure:
    """The diamond rate and the return against the steps, a line for each steering."""
    with rc_context({"font.size": 11, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(9, 4), dpi=110, layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(1, 2)
        for panel, column, limits in ((panels[0], 2, (0, 1.02)), (panels[1], 3, (-1, 1))):
            for name in dict.fromkeys(row[1] for row in rows):
                points = [(row[0] / 1e6, row[column]) for row in rows if row[1] == name]
                label = LABELS.get(name, f"{name} expert (steered)")
                panel.plot(
                    *zip(*points, strict=True),
                    color=COLOURS.get(name),
                    label=label,
                    marker="o",
                    ms=3,
                )
            panel.set(xlabel="million environment steps", ylim=limits)
            panel.grid(alpha=0.25)
        panels[0].set_title("share of episodes that end on the diamond", fontsize=11)
        panels[1].set_title("discounted return (+1 diamond, -1 ghost)", fontsize=11)
        panels[1].axhline(0.0, color="#9ca3af", lw=0.8)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    return figure
