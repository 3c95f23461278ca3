"""What the pages of all studies say in the same words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from markupsafe import Markup

from routed_rl.charts.markup import Section, paragraph
from routed_rl.naming import counted
from routed_rl.report.series import Comparison, Series

SectionMaker = Callable[[Comparison, Path], Section | None]


def named(comparison: Comparison, series: Series, level: float) -> str:
    """A series, with the oversight where there are several."""
    return series.name if len(comparison.levels) == 1 else f"{series.name}, oversight {level:g}"


def lead(comparison: Comparison, about: str, data: str) -> list[Markup]:
    """What a study is about, how much of it there is, and what it learned from."""
    runs = counted(len(comparison.rows), "finished run")
    methods = counted(len(comparison.series), "method")
    facts = " \N{MIDDLE DOT} ".join((runs, methods, data))
    return [paragraph(about, "lead"), paragraph(facts, "facts")]
