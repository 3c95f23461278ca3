"""How rows of a study's tables are called."""

from __future__ import annotations

from routed_rl.report.series import Comparison, Series


def named(comparison: Comparison, series: Series, level: float) -> str:
    """A series, with the oversight where there are several."""
    return series.name if len(comparison.levels) == 1 else f"{series.name}, oversight {level:g}"
