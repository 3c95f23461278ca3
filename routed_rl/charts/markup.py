"""HTML of a report: text, tables, figures, sections and the page around them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path

from routed_rl.charts.colours import declarations
from routed_rl.charts.drawing import Drawing
from routed_rl.charts.tables import NumberTable

FIGURES = "figures"
"""A folder of this name, beside the page, holds figures and tables."""
GENERATOR = '<meta name="generator" content="routed-rl report">'
"""By it a page is known as ours."""


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        name: Its anchor.
        title: Its heading.
        blocks: Its content, as HTML.
    """

    name: str
    title: str
    blocks: tuple[str, ...]


def paragraph(text: str, kind: str = "") -> str:
    """Plain text as a paragraph.

    Args:
        text: Is escaped.
        kind: Its class in the style sheet.
    """
    attribute = f' class="{kind}"' if kind else ""
    return f"<p{attribute}>{escape(text)}</p>"


def table(
    header: Sequence[str], records: Iterable[Sequence[str]], prose: Sequence[int] = ()
) -> str:
    """Texts as a table that scrolls inside itself where the window is narrow.

    Args:
        header: The columns; the first one names the rows.
        records: The rows.
        prose: Columns that hold sentences, which may break.
    """
    kinds = [_kind(index, index in prose) for index in range(len(header))]
    head = "".join(
        f'<th scope="col"{kind}>{escape(text)}</th>'
        for kind, text in zip(kinds, header, strict=True)
    )
    body = "".join(f"<tr>{_cells(record, kinds)}</tr>\n" for record in records)
    return (
        f'<div class="scroll" tabindex="0" role="group" aria-label="table"><table>'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>"
    )


def details(summary: str, content: str) -> str:
    """Content that is folded away at first.

    Args:
        summary: What stands there instead.
        content: HTML.
    """
    return f"<details><summary>{escape(summary)}</summary>\n{content}</details>"


def links(name: str, endings: Sequence[str]) -> str:
    """Links to the files of a figure or a table.

    Args:
        name: Of the files.
        endings: Theirs.
    """
    parts = (f'<a href="{FIGURES}/{name}.{end}">{end.upper()}</a>' for end in endings)
    return f'<span class="files">{" ".join(parts)}</span>'


def figure(drawing: Drawing, svg: str) -> str:
    """A figure with its caption and its files.

    Args:
        drawing: Whose caption and alternative text are used.
        svg: As it is drawn on the page.
    """
    return (
        f'<figure id="figure-{drawing.name}">\n<div class="scroll" tabindex="0" role="img" '
        f'aria-label="{escape(drawing.alt)}">\n{svg}</div>\n<figcaption>{escape(drawing.caption)} '
        f"{links(drawing.name, ('png', 'svg', 'csv'))}</figcaption>\n</figure>"
    )


def saved_figure(drawing: Drawing, folder: Path) -> str:
    """Write a figure's files and give its place on the page.

    Args:
        drawing: The figure.
        folder: Exists, and is called `FIGURES`.
    """
    return figure(drawing, drawing.save(folder))


def saved_table(numbers: NumberTable, folder: Path, prose: Sequence[int] = ()) -> str:
    """Write a table's file and give its place on the page.

    Args:
        numbers: The table.
        folder: Exists, and is called `FIGURES`.
        prose: Columns that hold sentences, which may break.
    """
    numbers.save(folder)
    content = table(numbers.header, numbers.texts, prose)
    return f'{content}\n<p class="note">{links(numbers.name, ("csv",))}</p>'


def document(title: str, lead: Sequence[str], sections: Sequence[Section]) -> str:
    """The whole page.

    Args:
        title: Is escaped.
        lead: What stands above the sections, as HTML.
        sections: In order.
    """
    style = files("routed_rl.charts").joinpath("page.css").read_text(encoding="utf-8")
    contents = "".join(
        f'<li><a href="#{section.name}">{escape(section.title)}</a></li>' for section in sections
    )
    body = "\n".join(
        f'<section id="{section.name}">\n<h2>{escape(section.title)}</h2>\n'
        + "\n".join(section.blocks)
        + "\n</section>"
        for section in sections
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"{GENERATOR}\n<title>{escape(title)}</title>\n"
        f"<style>\n:root {{ {declarations(dark=False)} }}\n"
        "@media (prefers-color-scheme: dark) {\n"
        f":root {{ {declarations(dark=True)} }}\n}}\n{style}</style>\n</head>\n<body>\n<main>\n"
        f"<header>\n<h1>{escape(title)}</h1>\n" + "\n".join(lead) + "\n</header>\n"
        f'<nav aria-label="Contents"><ul>{contents}</ul></nav>\n{body}\n</main>\n</body>\n</html>\n'
    )


def _kind(index: int, prose: bool) -> str:
    """The class of a column's cells: names left, numbers right, sentences free to break."""
    return ' class="prose"' if prose else "" if index == 0 else ' class="number"'


def _cells(record: Sequence[str], kinds: Sequence[str]) -> str:
    """A row's cells; the first one is its heading."""
    first = f'<th scope="row">{escape(record[0])}</th>'
    rest = zip(kinds[1:], record[1:], strict=True)
    return first + "".join(f"<td{kind}>{escape(text)}</td>" for kind, text in rest)
