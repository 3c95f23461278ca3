"""The map of methods: who is best in which situation."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from matplotlib.axes import Axes

from routed_envs import InputError
from routed_rl import write_map

SITUATIONS = {
    "plain": {"oversight": 0.1},
    "scarce <1%>": {"oversight": 0.01},
    "none": {"oversight": 1},
}


def row(method: str, level: float, seed: int, worth: float) -> dict[str, Any]:
    told = "the truth" if method == "ceiling" else "labels"
    return {
        "method": method,
        "oversight": level,
        "seed": seed,
        "episode_return": worth,
        "told": told,
    }


ROWS = [
    *(row("a", 0.1, seed, 0.9) for seed in range(3)),
    *(row("b", 0.1, seed, 0.5 + 0.1 * seed) for seed in range(3)),
    *(row("ceiling", 0.1, seed, 0.93) for seed in range(3)),
    *(row("a", 0.01, seed, 0.2 + 0.3 * seed) for seed in range(3)),
    *(row("b", 0.01, seed, 0.3 + 0.3 * seed) for seed in range(3)),
]


def test_the_map_says_who_is_best_by_how_much_and_whether_that_is_certain(tmp_path: Path):
    page = write_map(ROWS, SITUATIONS, ("a", "b", "ceiling"), tmp_path)
    text = page.read_text()
    assert "a: 0.900 [0.900, 0.900], 0.300 more than b (0.600 [0.500, 0.700])." in text
    assert "b: 0.600" in text
    assert "0.100 more than a" in text
    assert "the intervals overlap." in text
    assert "No run is finished." in text
    assert "scarce &lt;1%&gt;" in text
    assert "the truth" in text
    with (tmp_path / "figures" / "map.csv").open() as file:
        found = list(csv.DictReader(file))
    assert [(r["situation"], r["method"]) for r in found] == [
        *(("plain", method) for method in ("a", "b", "ceiling")),
        *(("scarce <1%>", method) for method in ("a", "b")),
    ]
    assert float(found[1]["mean"]) == pytest.approx(0.6)
    assert (tmp_path / "figures" / "map.png").stat().st_size > 1000


def test_what_reads_as_well_as_the_best_is_bold_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    written: list[tuple[str, str]] = []

    def text(_axes: Axes, _x: float, _y: float, said: str, weight: str, **_look: Any) -> None:
        written.append((said, weight))

    monkeypatch.setattr(Axes, "text", text)
    worth = {"a": 0.9295, "b": 0.931, "c": 0.92, "ceiling": 0.932}
    rows = [row(method, 0.1, 0, value) for method, value in worth.items()]
    write_map(rows, {"plain": SITUATIONS["plain"]}, tuple(worth), tmp_path)
    assert [said for said, _ in written] == ["0.93", "0.93", "0.92", "0.93"]
    assert [weight for _, weight in written] == ["bold", "bold", "normal", "normal"]


def test_a_run_that_is_judged_once_more_is_no_further_seed(tmp_path: Path):
    again = row("a", 0.1, 0, 0.1) | {"evaluation_episodes": 40, "evaluate_every": 5}
    write_map([*ROWS, again], SITUATIONS, ("a", "b", "ceiling"), tmp_path)
    with (tmp_path / "figures" / "map.csv").open() as file:
        first = next(csv.DictReader(file))
    assert (first["method"], first["seeds"], float(first["mean"])) == ("a", "3", 0.9)


def test_without_any_run_there_is_no_map(tmp_path: Path):
    with pytest.raises(InputError, match="No finished run"):
        write_map(ROWS, {"elsewhere": {"rows": 9}}, ("a", "b"), tmp_path)
