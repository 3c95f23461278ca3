"""What is printed on a terminal, and how it fits there: the one place that decides it.

What is printed is text, never markup, whatever names hold. Sentences and tables fold between words
and between columns, at the terminal's width; a command that is to be copied stays whole. What is no
terminal, such as a file, has no width.
"""

from __future__ import annotations

import json
import math
import os
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.table import Table
    from rich.text import Text

UNBOUNDED = 10_000
"""So many characters has a line of what is no terminal, and has no `COLUMNS` in its environment."""

GAP = 2
"""Spaces between the columns of a table that has to be narrow."""

More = Callable[[float], None]
"""It is told how many more of some things are done."""


def ignored(more: float) -> None:
    """Tell nobody."""


def screen(error: bool = False) -> Console:
    """Standard output, or standard error, for tables, bars and text.

    A name with brackets, such as `exp[v2]`, is shown as it is.
    """
    from rich.console import Console  # Help need not wait for it.

    console = Console(stderr=error, markup=False, highlight=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = UNBOUNDED
    return console


def say(text: str, *, error: bool = False, console: Console | None = None) -> None:
    """Print sentences.

    Args:
        text: Each line is folded between words. One that begins with a space, such as a command
            that is to be copied, stays whole, as does a word that is longer than the terminal.
        error: On standard error; it is for progress and messages, standard output for results.
        console: Where instead, such as above a live table.
    """
    console = screen(error) if console is None else console
    lines = (_folded(line, console.width) for line in text.split("\n"))
    console.print("\n".join(lines), soft_wrap=True)


def _folded(line: str, width: int) -> str:
    if line.startswith(" "):
        return line
    return textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False)


def print_json(value: Any) -> None:
    """Print one JSON object on standard output: what has no number, such as NaN, is null."""
    print(json.dumps(_plain(value), allow_nan=False))


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, dict):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, Path):
        return str(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


@contextmanager
def counting(text: str, total: float, visible: bool = True) -> Iterator[More]:
    """Show a bar on standard error while things are done, and the time that is left.

    Args:
        text: What is being done, in a few words.
        total: How many things there are.
        visible: Show nothing if False, or if standard error is no terminal.

    Yields:
        What is to be told how many more are done.
    """
    from rich.progress import (  # Help need not wait for it.
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    console = screen(error=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TaskProgressColumn(),
        TimeRemainingColumn(compact=True),
    )
    hidden = not (visible and console.is_terminal)
    with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        task = bar.add_task(text, total=total)
        yield lambda more: bar.advance(task, more)


@dataclass
class ScreenTable:
    """A table that is broken between columns where it is wider than the terminal.

    Each part has the columns that name the rows, and as many of the others as fit. Names and titles
    are then folded between words.

    Attributes:
        header: The columns' titles.
        names: How many columns, the first ones, name the rows.
        justify: The side on which the other columns' cells stand: `right` is for numbers.
        title: Stands above.
        caption: Stands below.
        rows: The cells of each row, and its style; `add` adds one.
    """

    header: Sequence[str]
    names: int = 1
    justify: Literal["left", "right"] = "right"
    title: str = ""
    caption: str = ""
    rows: list[tuple[list[Text], str]] = field(default_factory=list)

    def add(self, *cells: str | Text, style: str = "") -> None:
        """Add a row: a cell for each column, and the style of its letters, such as `bold`."""
        from rich.text import Text

        made = [Text(cell) if isinstance(cell, str) else cell for cell in cells]
        self.rows.append((made, style))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The title, the table or its parts, and the caption."""
        from rich.text import Text

        if self.title:
            yield Text(self.title, "table.title")
        columns = range(len(self.header))
        natural = {column: _widest(self._texts(column)) for column in columns}
        if sum(natural.values()) + 3 * len(columns) - 1 <= options.max_width:
            yield self._drawn(natural, tight=False)
        else:
            yield ""
            for widths in self._parts(options.max_width):
                yield self._drawn(widths, tight=True)
                yield ""
        if self.caption:
            yield Text(self.caption, "table.caption")

    def _parts(self, width: int) -> Iterator[dict[int, int]]:
        """The columns of each part that such a width takes, with the width of each."""
        names = self._name_widths(width)
        room = _room(width, names)
        part: dict[int, int] = {}
        for column in range(self.names, len(self.header)):
            own = min(room, self._figure_width(column))
            if part and own + sum(part.values()) + GAP * len(part) > room:
                yield names | part
                part = {}
            part[column] = own
        yield names | part

    def _name_widths(self, width: int) -> dict[int, int]:
        """No more than words need if all columns fit then, else up to half of the terminal."""
        figures = [self._figure_width(c) for c in range(self.names, len(self.header))]
        columns, least = range(self.names), min(max(figures), width // 2)
        words = {column: _longest_word(self._texts(column)) for column in columns}
        if least > _room(width, words):  # Nothing is left but to break words.
            most = (width - least) // self.names - GAP
            words = {column: min(own, most) for column, own in words.items()}
        natural = {column: _widest(self._texts(column)) for column in columns}
        half = width // 2 // self.names
        wide = {column: max(words[column], min(natural[column], half)) for column in columns}
        together = sum(figures) + GAP * (len(figures) - 1)
        return words if together <= _room(width, words) or least > _room(width, wide) else wide

    def _figure_width(self, column: int) -> int:
        """What a column of figures needs under a title that is folded."""
        title, *cells = self._texts(column)
        return max(_longest_word([title]), _widest(cells))

    def _texts(self, column: int) -> list[str]:
        """The column's title and its cells."""
        return [self.header[column], *(cells[column].plain for cells, _ in self.rows)]

    def _drawn(self, widths: Mapping[int, int], tight: bool) -> Table:
        """Some columns as a table; a tight one has two spaces between them and none beside."""
        from rich import box
        from rich.table import Table

        # No vertical lines, which would take places of digits.
        padding = (0, 1, 0, 0) if tight else (0, 1)
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=padding, show_edge=not tight)
        for column, width in widths.items():
            side = "left" if column < self.names else self.justify
            table.add_column(self.header[column], justify=side, overflow="fold", width=width)
        for cells, style in self.rows:
            table.add_row(*(cells[column] for column in widths), style=style)
        return table


def _room(width: int, names: Mapping[int, int]) -> int:
    """What columns of names leave of a width to the others."""
    return width - sum(names.values()) - GAP * len(names)


def _widest(texts: Iterable[str]) -> int:
    """The places that the longest line takes, at least 1."""
    from rich.cells import cell_len

    return max((cell_len(line) for text in texts for line in text.split("\n")), default=1) or 1


def _longest_word(texts: Iterable[str]) -> int:
    """The places that the longest word takes, at least 1."""
    return _widest(word for text in texts for word in text.split())
