"""How likely a word is as its dial is turned, beside the words that were never routed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from routed_rl.charts.canvas import named_panels, percent_axis
from routed_rl.charts.colours import ACCENT, GOOD, OTHERS
from routed_rl.charts.drawing import Drawing
from routed_rl.charts.legend import key
from routed_rl.report.series import Comparison
from routed_rl.report.studies.study_words import judged

HEADER = ("method", "oversight", "turned", "words", "probability", "runs")
LINES = (
    ("word", "the word", ACCENT),
    ("relatives", "others of its topic, never routed", GOOD),
    ("others", "those of other topics", OTHERS),
)
COLUMNS, HEIGHT = 3, 1.7
CAPTION = (
    "How likely a word is next, the mean over all places of stories that nothing learned from, as "
    "the first dimension of the residual stream is turned after half of the blocks: by so many of "
    "the stream's mean norms, to the right towards the word. All panels have one scale. Lines are "
    "means over seeds."
)


def draw_turned_dials(comparison: Comparison, sweep: Path) -> Drawing:
    """A panel for each series, at its most oversight; those of a word are neighbours.

    Args:
        comparison: The runs.
        sweep: Their folder.
    """
    keys = [key(label, colour, "none") for _, label, colour in LINES]
    words = list(dict.fromkeys(row["token"] for row in comparison.rows))
    series = sorted(comparison.series, key=lambda one: words.index(one.rows[0]["token"]))
    names = [one.name for one in series]
    figure, panels = named_panels(names, min(COLUMNS, len(names)), HEIGHT, keys)
    records: list[tuple[Any, ...]] = []
    highest = 0.0
    for panel, one in zip(panels, series, strict=True):
        runs = judged(one, sweep, "turns")
        turns = [float(turn) for turn in runs[0]]
        for whose, _, colour in LINES:
            means = np.mean([[at[whose] for at in run.values()] for run in runs], axis=0)
            panel.plot(turns, means, color=colour, linewidth=1.5)
            highest = max(highest, float(means.max()))
            records += [
                (one.name, one.levels[-1], turn, whose, float(mean), len(runs))
                for turn, mean in zip(turns, means, strict=True)
            ]
    for panel in panels:
        percent_axis(panel.yaxis)
        panel.set_ylim(0, 1.05 * highest)
    alt = f"Probabilities of words against the turn of the dial, in {len(names)} panels."
    return Drawing("turned", figure, HEADER, tuple(records), CAPTION, alt)
