"""Docstrings become what Sphinx reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest
from pydantic import Field

docstrings = pytest.importorskip("docstrings", reason="there is no Sphinx: pip install sphinx")


@dataclass(frozen=True)
class Record:
    """Three fields."""

    share: Annotated[float, Field(description="a number from 0 to 1")] = 0.5
    names: tuple[str, ...] = ()
    count: int = 3


def test_shapes_and_markdown_are_rewritten():
    said = ["A shape [B, *rest].", "## Rewards", "One.", "```python", "a = 1", "```", "`World` it"]
    assert docstrings.restructured(said) == [
        r"A shape [B, \*rest].",
        *("", ".. rubric:: Rewards", "", "One."),
        *("", ".. code-block:: python", "", "    a = 1"),
        ":py:obj:`.World` it",
    ]


def test_emphasis_and_products_stay():
    said = ["*told* of 2 * 3, and `nothing public`, and ``World``"]
    assert docstrings.restructured(said) == said


def test_fields_are_listed_with_their_bounds_and_defaults():
    said = [
        "What.",
        "",
        "Attributes:",
        "    share: Of it.",
        "        More: of it.",
        "    names: Them.",
    ]
    assert docstrings.listed_fields([*said, "", "Raises:", "    count: No."], Record) == [
        *("What.", "", "Attributes:"),
        "    share (a number from 0 to 1; default 0.5): Of it.",
        "        More: of it.",
        "    names (tuple[str, ...]; default ()): Them.",
        *("", "Raises:", "    count: No."),
    ]
