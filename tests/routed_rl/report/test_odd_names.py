"""Reports of methods and outcomes whose names HTML or a file system would understand."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_report import Page, Row, synthetic_sweep

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


def with_outcome(rows: list[Row], name: str) -> list[Row]:
    """The rows with the diamond called otherwise, as in an environment of one's own."""
    told = {"targets": [name, "ghost"], "good": [name]}
    return [{k.replace("diamond", name): v for k, v in row.items()} | told for row in rows]


@pytest.mark.slow
def test_an_outcome_of_any_name_writes_no_file_elsewhere_and_no_element(tmp_path: Path):
    rows, _ = synthetic_sweep([f"m{i}" for i in range(9)], (0.1, 0.8), seeds=1, evaluations=0)
    out = tmp_path / "report"
    for name in ("../../red", "red/blue", "left door", '"><img src=x onerror=alert(1)>'):
        page = Page(write_report(with_outcome(rows, name), [], out))
        assert "img" not in [tag for tag, _ in page.elements]
        assert f"{name} rate" in page.text
        linked = {link for link in page.all("a", "href") if link.startswith("figures/")}
        # Of the outcome before nothing is left.
        assert linked == {f"figures/{path.name}" for path in (out / "figures").iterdir()}
    assert list(tmp_path.iterdir()) == [out]
