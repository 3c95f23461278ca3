"""A figure with its numbers and its words, as files and as a part of the page."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from routed_agents.files import write_atomically
from routed_rl.charts.colours import DARK, PAPER, variable
from routed_rl.charts.tables import Record, file_name, table_text

DOTS_PER_INCH = 200


@dataclass(frozen=True)
class Drawing:
    """A figure with its numbers and its words.

    Attributes:
        name: Of its files, without an ending, as `file_name` makes it.
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

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", file_name(self.name))

    def save(self, folder: Path) -> str:
        """Write the figure as PNG and SVG, and its numbers as CSV, into a folder that exists.

        Returns:
            The SVG, to be put into the page.
        """
        picture, svg = folder / f"{self.name}.png", figure_bytes(self.figure, "svg")
        save_picture(picture, figure_bytes(self.figure, "png"), self.header, self.records)
        write_atomically(picture.with_suffix(".svg"), svg)
        return inline_svg(svg.decode(), self.name)


def save_picture(
    path: Path, picture: bytes, header: Iterable[str], records: Iterable[Record]
) -> None:
    """Write a picture, and its numbers as a table beside it, of the same name in `.csv`."""
    write_atomically(path, picture)
    write_atomically(path.with_suffix(".csv"), table_text(header, records))


def figure_bytes(figure: Figure, ending: str) -> bytes:
    """A figure as the content of a `png` or an `svg` file; letters in an SVG stay letters."""
    content = io.BytesIO()
    metadata = {"Date": None} if ending == "svg" else None
    figure.savefig(content, format=ending, dpi=DOTS_PER_INCH, metadata=metadata)
    return content.getvalue()


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
