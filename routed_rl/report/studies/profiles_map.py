"""Which topics a network knows, for every set of the parts that somebody may have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from routed_rl.charts.canvas import make_panels
from routed_rl.charts.colours import ACCENT, INK, MUTED, PAPER
from routed_rl.charts.drawing import Drawing
from routed_rl.charts.text import number_text
from routed_rl.report.series import Comparison, Series
from routed_rl.report.studies.study_words import judged

HEADER = ("method", "oversight", "parts", "documents", "loss", "runs")
ROW = 0.3
"""Inches of a row."""
KINDS = 22
"""Points above the rows in which the kinds of documents stand, below the title."""
SHADES = LinearSegmentedColormap.from_list("loss", [PAPER, ACCENT])
CAPTION = (
    "Loss on documents of each kind (columns) where somebody has only these parts (rows), the mean "
    "over seeds. Dark: not known; bold: the topic's part is there. From one training; each topic "
    "should be dark exactly where its part is missing, and the others as light as with all parts."
)


def draw_profiles_map(comparison: Comparison, sweep: Path) -> list[Drawing]:
    """A map for each series whose runs have profiles, at its most oversight.

    Args:
        comparison: The runs.
        sweep: Their folder.
    """
    found = [(series, judged(series, sweep, "profiles")) for series in comparison.series]
    known = [(series, [run for run in runs if run]) for series, runs in found if any(runs)]
    # The networks of ours are shown first, if they are there.
    ordered = sorted(known, key=lambda pair: not pair[0].method.startswith("inferred"))
    return [_drawing(number, *pair) for number, pair in enumerate(ordered)]


def _drawing(number: int, series: Series, runs: list[dict[str, dict[str, float]]]) -> Drawing:
    profiles, kinds = list(runs[0]), list(next(iter(runs[0].values())))
    means = np.array(
        [[np.mean([run[name][kind] for run in runs]) for kind in kinds] for name in profiles]
    )
    level = series.levels[-1]
    figure, (axes,) = make_panels([f"{series.name}, oversight {level:g}"], 1, ROW * len(profiles))
    low, high = float(means.min()), float(means.max())
    axes.pcolormesh(means, cmap=SHADES, vmin=low, vmax=high, edgecolors=PAPER, linewidth=2)
    for row, values in enumerate(means):
        for column, value in enumerate(values):
            dark = value > low + 0.6 * (high - low)
            axes.text(
                column + 0.5,
                row + 0.5,
                number_text(value, 2),
                ha="center",
                va="center",
                color=PAPER if dark else INK,
                fontsize=8.5,
                fontweight="bold" if kinds[column] in profiles[row].split(", ") else "normal",
            )
    axes.set_xticks([place + 0.5 for place in range(len(kinds))], kinds)
    axes.set_yticks([place + 0.5 for place in range(len(profiles))], profiles)
    axes.tick_params(labelcolor=MUTED, labeltop=True, labelbottom=False)
    axes.set_title(axes.get_title(loc="left"), pad=KINDS)
    axes.invert_yaxis()
    records = tuple(
        (series.name, level, name, kind, float(means[row, column]), len(runs))
        for row, name in enumerate(profiles)
        for column, kind in enumerate(kinds)
    )
    alt = f"A table of losses: {len(profiles)} sets of parts by {len(kinds)} kinds of documents."
    return Drawing(f"profiles_{number}", figure, HEADER, records, CAPTION, alt)
