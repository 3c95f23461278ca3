"""A figure with its numbers and its words, as files and as a part of the page."""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from routed_agents.files import write_atomically
from routed_rl.charts.colours import DARK, PAPER, variable
from routed_rl.charts.statistics import Summary

DOTS_PER_INCH = 200
SUMMARY_HEADER = (
    *("series", "oversight", "figure", "seeds"),
    *("mean", "interquartile_mean", "low", "high"),
)

Record = Sequence[Any]


@dataclass(frozen=True)
class Drawing:
    """A figure of the report.

    Attributes:
        name: Of its files, without an ending.
        figure: What is drawn.
        header: The columns of its table.
        records: The rows of its table, which hold every number that is drawn.
        caption: Says how to read it, as plain text.
        alt: What it shows, for those who cannot see it.
    """

    name: str
    figure: Figure
    header: tuple[str, ...]
    records: tuple[Record, ...]
    caption: str
    alt: str

    def save(self, folder: Path) -> str:
        """Write the figure as PNG and SVG, and its numbers as CSV.

        Args:
            folder: Exists.

        Returns:
            The SVG, to be put into the page.
        """
        with warnings.catch_warnings():
            # A method may be named in letters that the font lacks; browsers have them.
            warnings.filterwarnings("ignore", message="Glyph")
            picture, text = io.BytesIO(), io.StringIO()
            self.figure.savefig(picture, format="png", dpi=DOTS_PER_INCH)
            self.figure.savefig(text, format="svg", metadata={"Date": None})
        write_atomically(folder / f"{self.name}.png", picture.getvalue())
        write_atomically(folder / f"{self.name}.svg", text.getvalue().encode())
        write_atomically(folder / f"{self.name}.csv", table_text(self.header, self.records))
        return inline_svg(text.getvalue(), self.name)


def table_text(header: Iterable[str], records: Iterable[Record]) -> bytes:
    """A table as comma-separated values; None becomes an empty field.

    Args:
        header: The columns.
        records: The rows.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(header)
    table.writerows(records)
    return text.getvalue().encode()


def summary_record(series: str, level: float, column: str, summary: Summary) -> tuple[Any, ...]:
    """A row under `SUMMARY_HEADER`.

    Args:
        series: The series' name.
        level: The oversight.
        column: Which figure is summed up.
        summary: What its seeds say.
    """
    low, high = (summary.interval.low, summary.interval.high) if summary.interval else (None, None)
    figures = (summary.mean, summary.interquartile_mean, low, high)
    return (series, level, column, len(summary.scores), *figures)


def inline_svg(text: str, name: str) -> str:
    """An SVG file as an element of the page, in the page's own colours and letters.

    Args:
        text: The file that Matplotlib wrote.
        name: Keeps its identifiers apart from other figures'.
    """
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", text, flags=re.S)
    text = re.sub(r'<g id="[^"]*"', "<g", text)
    text = re.sub(r'(\sid="|href="#|url\(#)', rf"\g<1>{name}-", text)
    text = re.sub(r" font-family: [^;\"]*;?", "", text)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*" height="[^"]*"', r'\1 aria-hidden="true"', text)
    text = re.sub(r' transform="rotate\(-?0 [^)]*\)"', "", text)
    text = text.replace(f'style="fill: {PAPER}"', 'style="fill: none"')
    pattern = "|".join(DARK)
    text = re.sub(pattern, lambda found: f"var({variable(found.group())})", text)
    return re.sub(r"\s*\n\s*", "\n", text)
