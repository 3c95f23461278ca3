"""Numbers are written in one way on every page and in the terminal."""

from __future__ import annotations

import json
from pathlib import Path

from routed_rl.charts.text import number_text, percent_text

CASES = Path(__file__).parents[1] / "pictures" / "web" / "texts.json"


def test_numbers_are_written_as_on_the_explorers_page():
    """The page's own test, texts.test.js, reads the same cases."""
    for case in json.loads(CASES.read_text(encoding="utf-8")):
        value = case["value"]
        assert (number_text(value), percent_text(value)) == (case["number"], case["percent"])


def test_what_there_is_not_is_a_dash():
    assert percent_text(None) == "\N{EN DASH}"
