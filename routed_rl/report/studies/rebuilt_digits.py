"""Pictures of digits that were rebuilt from the whole code and from each of its halves."""

from __future__ import annotations

from pathlib import Path

import torch
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from routed_envs.data.digits import Digits, load_digits
from routed_rl.charts.canvas import WIDTH
from routed_rl.charts.colours import GOOD, INK, MUTED, PAPER, UNWANTED
from routed_rl.charts.drawing import Drawing
from routed_rl.report.series import Comparison, Series
from routed_rl.studies.digits.digits_figures import DIGITS, errors
from routed_rl.studies.digits.digits_methods import FIRST_HIGH
from routed_rl.studies.digits.split_autoencoder import SplitAutoencoder
from routed_rl.studies.study_run import load_study

ROWS = ("the image", "from the whole code", "from the low half", "from the high half")
HEADER = ("method", "row", "digit", "absolute_error")
SQUARE = WIDTH / 12
"""Inches of an image, with its margin."""
INKS = LinearSegmentedColormap.from_list("ink", [PAPER, INK])


def draw_rebuilt(comparison: Comparison, sweep: Path) -> list[Drawing]:
    """One image of each digit, rebuilt by the first run of each series at its most oversight.

    Args:
        comparison: The runs.
        sweep: Their folder.
    """
    drawings, data = [], dict[str, Digits]()
    for number, series in enumerate(comparison.drawn):
        rows = [row for row in series.rows if row["oversight"] == series.levels[-1]]
        first = min(rows, key=lambda row: row["seed"])
        source = str(first["data"])
        if source not in data:
            data[source] = load_digits(source)[1]
        model = load_study(sweep / "runs" / first["run"]).model
        assert isinstance(model, SplitAutoencoder), "its configuration says so"
        drawings.append(_drawing(series, number, int(first["seed"]), model, data[source]))
    return drawings


def _drawing(
    series: Series, number: int, seed: int, model: SplitAutoencoder, testing: Digits
) -> Drawing:
    chosen = torch.tensor([int((testing.numbers == digit).nonzero()[0]) for digit in DIGITS])
    images, side = testing.images[chosen], testing.side
    with torch.no_grad():
        codes = model.encoder(images)
        low, high = model.certify(codes).values()
        decoded = model.rebuild(codes)
    is_high = testing.numbers[chosen] >= FIRST_HIGH
    whole = torch.where(is_high[:, None], decoded[-1], decoded[0])
    rebuilt = (images, whole, low, high)
    records = tuple(
        (series.name, name, digit, round(float(error), 4))
        for name, row in zip(ROWS[1:], rebuilt[1:], strict=True)
        for digit, error in zip(DIGITS, errors(row, images), strict=True)
    )
    return Drawing(
        name=f"rebuilt_{number}",
        figure=_figure(rebuilt, side, series.name),
        header=HEADER,
        records=records,
        caption=(
            f"{series.name}, seed {seed}: one image of each digit that nothing learned from. A row "
            "is rebuilt well where its half of the code holds the digit; blue digits belong into "
            "the low half, pink ones into the high one."
        ),
        alt=f"Ten digits, and what {series.name} rebuilds from the whole code and each half.",
    )


def _figure(rebuilt: tuple[torch.Tensor, ...], side: int, title: str) -> Figure:
    figure = Figure((WIDTH, SQUARE * len(rebuilt) + 0.45))
    panels = figure.subplots(len(rebuilt), len(DIGITS))
    figure.subplots_adjust(left=0.165, right=0.995, top=0.9, bottom=0.01, wspace=0.06, hspace=0.06)
    figure.text(0.005, 0.955, title, fontweight="bold", color=INK, va="center")
    for row, (name, images) in enumerate(zip(ROWS, rebuilt, strict=True)):
        for digit, image in zip(DIGITS, images, strict=True):
            axes = panels[row, digit]
            # Ink from -1 to 1; what lies beyond is drawn as the nearest.
            axes.imshow(image.reshape(side, side).numpy(), cmap=INKS, vmin=-1, vmax=1)
            axes.set(xticks=[], yticks=[])
            for spine in axes.spines.values():
                spine.set(visible=True, color=GOOD if digit < FIRST_HIGH else UNWANTED, linewidth=1)
        panels[row, 0].set_ylabel(name, rotation=0, ha="right", va="center", color=MUTED)
    return figure
