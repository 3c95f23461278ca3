"""A report of methods with names that HTML would understand."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_report import Page, synthetic_sweep

from routed_rl.report import write_report

ODD = '<b>&"'


@pytest.mark.slow
def test_a_series_of_any_name_is_shown_literally(tmp_path: Path):
    rows, curves = synthetic_sweep(levels=(0.1, 0.8), seeds=2, evaluations=1)
    for row in (*rows, *curves):
        if row["method"] == "naive":
            row["method"] = ODD
    page = Page(write_report(rows, curves, tmp_path))
    assert page.words.count(ODD) > 3, "as the heading of rows"
    assert f", {ODD}" in page.text, "in the first sentence"
    assert "b" not in [tag for tag, _ in page.elements]
    assert "&lt;" not in page.text, "nothing is escaped twice"
