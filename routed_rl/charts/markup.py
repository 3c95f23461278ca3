"""HTML of pages: their templates, and the blocks that the sections of a report are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from routed_rl.charts.colours import declarations
from routed_rl.charts.drawing import Drawing
from routed_rl.charts.origin import origin
from routed_rl.charts.tables import NumberTable

FIGURES = "figures"
"""A folder of this name, beside the page, holds figures and tables."""
GENERATOR = Markup('<meta name="generator" content="routed-rl report">')
"""By it a page is known as ours."""


def templates(*more: PackageLoader) -> Environment:
    """The templates of pages. What they are filled with is escaped, unless it is HTML already.

    Args:
        *more: Where further ones lie; they can extend and include those of all pages.
    """
    loader = ChoiceLoader([PackageLoader("routed_rl.charts"), *more])
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals |= {"colours": declarations, "figures": FIGURES, "generator": GENERATOR}
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    return environment


REPORT = templates()


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        name: Its anchor.
        title: Its heading.
        blocks: Its content.
    """

    name: str
    title: str
    blocks: tuple[Markup, ...]


def block(name: str, *values: object) -> Markup:
    """A block of a section.

    Args:
        name: The macro of blocks.html that says how it looks.
        *values: What the macro is filled with.
    """
    return getattr(REPORT.get_template("blocks.html").module, name)(*values)


def paragraph(text: str, kind: str = "") -> Markup:
    """Plain text as a paragraph, of a class in the style sheet."""
    return block("paragraph", text, kind)


def table(
    header: Sequence[str], records: Iterable[Sequence[str]], prose: Sequence[int] = ()
) -> Markup:
    """Texts as a table that scrolls inside itself where the window is narrow.

    Args:
        header: The columns; the first one names the rows.
        records: The rows.
        prose: Columns that hold sentences, which may break.
    """
    return block("table", header, records, prose)


def details(summary: str, content: Markup) -> Markup:
    """Content that is folded away at first, behind a summary."""
    return block("details", summary, content)


def saved_figure(drawing: Drawing, folder: Path) -> Markup:
    """Write a figure's files into a folder called `FIGURES`, and give its place on the page."""
    return block("figure", drawing, Markup(drawing.save(folder)))


def saved_table(numbers: NumberTable, folder: Path, prose: Sequence[int] = ()) -> Markup:
    """Write a table's file into a folder called `FIGURES`, and give its place on the page.

    The columns `prose` hold sentences, which may break.
    """
    numbers.save(folder)
    return block("saved_table", numbers, prose)


def document(title: str, lead: Sequence[Markup], sections: Sequence[Section]) -> str:
    """The whole page: a heading, what made it, what leads in, and the sections."""
    template = REPORT.get_template("report.html")
    return template.render(title=title, origin=origin(), lead=lead, sections=sections)
