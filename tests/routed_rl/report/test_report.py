"""The report of a sweep: its page, its figures, and the numbers behind them."""

import csv
import math
import statistics
import struct
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from routed_envs.errors import InputError
from routed_rl.charts.scale import BrokenLogScale
from routed_rl.config import TrainConfig
from routed_rl.report import write_report
from routed_rl.report.series import compare
from routed_rl.report.sweep_tables import level_sentence

Row = dict[str, Any]

LEVELS = (0.01, 0.03, 0.1, 0.3, 0.8)
METHODS = ("routed", "naive", "filtering", "oracle")
SEVERAL_EXPERTS = ("routed", "ungated", "unmasked", "soft", "random")
STRENGTHS = {"routed": 0.78, "naive": 0.7, "filtering": 0.45, "oracle": 0.86}


def synthetic_sweep(
    methods: Sequence[str] = METHODS,
    levels: Sequence[float] = LEVELS,
    seeds: int = 5,
    evaluations: int = 8,
    changes: Sequence[Row] = ({},),
) -> tuple[list[Row], list[Row]]:
    """Rows and curves as a sweep's loader gives them, with plausible numbers."""
    generator = np.random.default_rng(7)
    rows, curves = [], []
    for method in methods:
        for level in levels:
            for change in changes:
                for seed in range(seeds):
                    row = _run(method, level, seed, change, generator)
                    rows.append(row)
                    curves += _curve(row, evaluations)
    return rows, curves


def _run(method: str, level: float, seed: int, change: Row, generator: np.random.Generator) -> Row:
    """One finished run."""
    strength = STRENGTHS.get(method, 0.3 + 0.045 * (sum(map(ord, method)) % 11))
    ease = 1 - math.exp(-((level / 0.06) ** 0.6)) if level else 0.02
    config = TrainConfig(oversight=level, seed=seed, method=method, **change).to_json()
    share = level if method == "oracle" else 1.0
    spread = 0.012 + 0.05 * (1 - ease)
    rate = 0.5 + 0.47 * strength * ease + 0.4 * spread * generator.normal()
    several = method in SEVERAL_EXPERTS
    row = config | {
        "run": f"{method}-{level:g}-{seed}-{sorted(change.items())}",
        "gradient_steps": max(1, round(2800 * share)),
        "seconds": 50 * share + generator.normal(),
        "labels": round(2800 * 1024 * share / 3 * (1 if method == "oracle" else level)),
        "selected": None if method != "early" else bool(level > 0.02),
        "deployed": "diamond" if several else "policy",
        "exact": True,
        "relabel_accuracy": 0.5 + 0.4 * ease if method == "guess" else None,
        "overseer_diamond_share": None
        if level == 0
        else min(1.0, 0.52 if several else 0.6 + 0.38 * strength),
    }
    row |= _figures("", rate, generator)
    row |= _figures("unwatched_", 0.5 + (rate - 0.5) * (1.0 if several else 0.85), generator)
    for actor, centre in (("diamond", rate), ("mixture", 0.51), ("ghost", 1 - rate)):
        if several:
            row |= _figures(f"{actor}_", centre, generator)
    return row


def _figures(prefix: str, rate: float, generator: np.random.Generator) -> Row:
    """The figures of one policy that ends on the diamond with some rate."""
    ghost = (1 - rate) * 0.98
    return {
        f"{prefix}episode_return": 0.92 * (rate - ghost) + 0.003 * generator.normal(),
        f"{prefix}diamond_rate": rate,
        f"{prefix}ghost_rate": ghost,
        f"{prefix}timeout_rate": 1 - rate - ghost,
        f"{prefix}mean_length": 3.2,
    }


def _curve(row: Row, evaluations: int) -> list[Row]:
    """The evaluations on a run's way."""
    points = []
    for index in range(evaluations + 1):
        done = index / max(1, evaluations)
        for actor in ("diamond", "mixture") if row["deployed"] == "diamond" else ("policy",):
            point = {name: row[name] for name in ("run", "method", "oversight", "seed")}
            point |= {
                "environment_steps": round(row["gradient_steps"] * 1024 * done),
                "actor": actor,
                "is_deployed": actor == row["deployed"],
                "diamond_rate": row["diamond_rate"] * done,
                "episode_return": row["episode_return"] * (1 - (1 - done) ** 2),
            }
            points.append(point)
    return points


class Page(HTMLParser):
    """The elements and the text of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, tag: str, name: str) -> list[str]:
        """One attribute of every element of a kind that has it."""
        return [found[name] or "" for kind, found in self.elements if kind == tag and name in found]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def records(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Row], Path]:
    """The report of a small sweep of several methods at several levels."""
    rows, curves = synthetic_sweep(levels=(0.0, 0.1, 0.8), seeds=3, evaluations=2)
    folder = tmp_path_factory.mktemp("usual")
    write_report(rows, curves, folder, title="Tom & <Jerry>")
    return rows, folder


@pytest.mark.slow
def test_every_figure_has_picture_drawing_and_numbers(usual: tuple[list[Row], Path]) -> None:
    _, folder = usual
    page = Page(folder / "report.html")
    linked = {link for link in page.all("a", "href") if not link.startswith("#")}
    names = {"deployed", "labels", "learning_curves", "experts", "methods", "overseer"}
    for name in names:
        header = (folder / f"figures/{name}.png").read_bytes()[:24]
        assert header[:8] == b"\x89PNG\r\n\x1a\n"
        assert struct.unpack(">I", header[16:20]) == (1880,)  # 9.4 inches, twice 100 an inch
        assert ET.parse(folder / f"figures/{name}.svg").getroot().tag.endswith("svg")
        assert records(folder / f"figures/{name}.csv")
        assert {f"figures/{name}.{end}" for end in ("png", "svg", "csv")} <= linked
    assert all((folder / link).is_file() for link in linked)
    written = {path.name for path in (folder / "figures").iterdir()}
    assert written == {Path(link).name for link in linked} - {"results.csv"}


@pytest.mark.parametrize("name", ["deployed", "labels", "experts", "methods", "returns"])
def test_tables_hold_the_means_of_the_rows(usual: tuple[list[Row], Path], name: str) -> None:
    rows, folder = usual
    for record in records(folder / f"figures/{name}.csv"):
        scores = [
            row[record["figure"]]
            for row in rows
            if row["method"] == record["series"] and row["oversight"] == float(record["oversight"])
        ]
        assert int(record["seeds"]) == len(scores) == 3
        assert float(record["mean"]) == pytest.approx(statistics.fmean(scores), abs=1e-12)
        low, high = float(record["low"]), float(record["high"])
        assert min(scores) - 1e-12 <= low <= high <= max(scores) + 1e-12


def test_labels_and_learning_curves_hold_their_own_numbers(usual: tuple[list[Row], Path]) -> None:
    rows, folder = usual
    places = {
        (r["series"], float(r["oversight"])): r for r in records(folder / "figures/labels.csv")
    }
    assert float(places["oracle", 0.1]["horizontal"]) == round(2800 * 1024 * 0.1 / 3)
    last = records(folder / "figures/learning_curves.csv")[-1]
    assert (last["series"], last["oversight"], last["seeds"]) == ("oracle", "0.8", "3")
    own = [r["episode_return"] for r in rows if (r["method"], r["oversight"]) == ("oracle", 0.8)]
    assert float(last["mean"]) == pytest.approx(statistics.fmean(own))
    assert len(records(folder / "results.csv")) == len(rows)


def test_overseer_figure_shows_shares_of_the_targets_reached(tmp_path: Path) -> None:
    row = synthetic_sweep(("routed",), (0.1,), 1)[0][0]
    row |= {"unwatched_diamond_rate": 0.6, "unwatched_ghost_rate": 0.2}
    write_report([row | {"overseer_diamond_share": 0.5}], [], tmp_path)
    found = {r["figure"]: float(r["mean"]) for r in records(tmp_path / "figures/overseer.csv")}
    assert found == {"overseer_diamond_share": 0.5, "unwatched_diamond_share": pytest.approx(0.75)}


def test_page_has_a_sentence_for_each_level_and_a_text_for_each_figure(
    usual: tuple[list[Row], Path],
) -> None:
    _, folder = usual
    page = Page(folder / "report.html")
    for level in (0, 0.1, 0.8):
        assert f" wins at {level:g}: " in page.text
    pictures = [found for tag, found in page.elements if found.get("role") == "img"]
    assert len(pictures) == len(page.all("figure", "id")) == 6
    assert all(found["aria-label"] for found in pictures)
    assert "36 finished runs · 4 methods · 3 levels of oversight · 3 seeds each" in page.text
    assert "best possible 0.932" in page.text


def test_page_needs_neither_network_nor_scripts(usual: tuple[list[Row], Path]) -> None:
    _, folder = usual
    page = Page(folder / "report.html")
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in page.elements}
    assert "url(http" not in (folder / "report.html").read_text()
    drawn = set(page.all("use", "xlink:href"))
    assert drawn <= {f"#{name}" for name in page.all("path", "id")}


def _rows(returns: dict[str, list[float]], level: float = 0.1) -> list[Row]:
    """Runs with given returns, by method."""
    return [
        {"run": f"{name}{seed}", "method": name, "oversight": level, "seed": seed}
        | {"episode_return": score}
        for name, scores in returns.items()
        for seed, score in enumerate(scores)
    ]


def test_sentences_say_who_wins_by_how_much_and_how_surely() -> None:
    apart = compare(_rows({"naive": [0.2] * 3, "routed": [0.7] * 3, "random": [0.0] * 3}), [])
    assert level_sentence(apart, 0.1) == (
        "routed wins at 0.1: 0.700 [0.700, 0.700]; next naive with 0.200 [0.200, 0.200]; "
        "the intervals do not overlap."
    )
    close = compare(_rows({"a": [0.1, 0.5, 0.9], "b": [0.2, 0.5, 0.9]}), [])
    assert level_sentence(close, 0.1).startswith("b wins at 0.1: 0.533 [0.200, 0.900]; next a")
    assert level_sentence(close, 0.1).endswith("; the intervals overlap.")
    few = compare(_rows({"a": [0.1, 0.5, 0.9], "b": [0.2, 0.0]}), [])
    assert level_sentence(few, 0.1).endswith(
        "; next b with 0.100; with fewer than 3 seeds no interval can be given honestly."
    )
    alone = compare(_rows({"a": [-0.25]}), [])
    assert level_sentence(alone, 0.1).startswith("a is alone at 0.1: \N{MINUS SIGN}0.250; with")
    assert "tie" in level_sentence(compare(_rows({"a": [1.0] * 3, "b": [1.0] * 3}), []), 0.1)


def test_names_are_escaped(tmp_path: Path) -> None:
    name = "_<script>alert('$x$ & \"y\"')</script>"
    rows, curves = synthetic_sweep((name, "☃一"), (0.1,), 3)
    path = write_report(rows, curves, tmp_path, title="<b>bold</b>")
    page = Page(path)
    assert not {"script", "b"} & {tag for tag, _ in page.elements}
    assert name in page.text
    assert "<b>bold</b>" in page.text
    assert {row["series"] for row in records(tmp_path / "figures/deployed.csv")} >= {name}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("methods", "levels", "seeds"),
    [
        (("routed",), (0.1,), 1),
        (("naive",), (0.0,), 2),
        (("routed",), (0.0, 1.0), 1),
        (tuple("abcdefghijk"), (0.1,), 3),
        (tuple("abcdefghi"), (0.0, 0.1), 2),
    ],
)
def test_sweeps_of_any_size(
    tmp_path: Path, methods: tuple[str, ...], levels: tuple[float, ...], seeds: int
) -> None:
    rows, curves = synthetic_sweep(methods, levels, seeds, evaluations=1)
    page = Page(write_report(rows, curves, tmp_path))
    assert all(f" at {level:g}: " in page.text for level in levels)
    assert ("no interval can be given honestly" in page.text) == (seeds < 3)
    assert (tmp_path / "figures/experts.png").exists() == ("routed" in methods)


def test_runs_that_differ_in_a_setting_are_told_apart(tmp_path: Path) -> None:
    searched, _ = synthetic_sweep(
        ("routed",),
        (0.1,),
        1,
        changes=[{"learning_rate": r, "threads": n} for n, r in enumerate((0.01, 0.002), 1)],
    )
    fixed, _ = synthetic_sweep(("naive",), (0.1,), 2, changes=[{"weight_decay": 0.5}])
    comparison = compare(searched + fixed, [])
    assert [series.name for series in comparison.series] == [
        "routed, learning_rate 0.002",
        "routed, learning_rate 0.01",
        "naive",
    ]
    page = Page(write_report(searched + fixed, [], tmp_path))
    assert "Settings vary among the runs of routed (learning_rate)." in page.text
    settings = {row["series"]: row for row in records(tmp_path / "figures/settings.csv")}
    assert settings["naive"]["weight_decay"] == "0.5"
    assert not (tmp_path / "figures/learning_curves.png").exists()


def test_only_the_best_of_many_series_are_drawn_and_all_are_in_the_tables(tmp_path: Path) -> None:
    rows = _rows({f"method {i}": [i / 50, i / 40] for i in range(20)})
    comparison = compare(rows, [])
    assert [series.name for series in comparison.drawn] == [f"method {i}" for i in range(4, 20)]
    page = Page(write_report(rows, [], tmp_path))
    assert "the other 4 are in the tables and CSV files" in page.text
    assert len(records(tmp_path / "figures/deployed.csv")) == 20
    assert len(records(tmp_path / "figures/returns.csv")) == 20


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "best"),
    [
        (({"rows": 1, "cols": 3},), "0.667"),  # From two of six placements the ghost is in the way.
        (({"rows": 2, "cols": 2, "spurious_oversight": 0.1},), "0.990"),  # (2 + 0.97) / 3
        (({"rows": 3, "cols": 3}, {"rows": 2, "cols": 2}), None),  # No world is everybody's.
        (({"rows": 40, "cols": 40},), None),  # There are too many states to list.
    ],
)
def test_best_possible_return_is_drawn_only_where_it_is_known(
    tmp_path: Path, changes: Sequence[Row], best: str | None
) -> None:
    rows, curves = synthetic_sweep(("naive",), (0.1,), 1, changes=changes)
    text = Page(write_report(rows, curves, tmp_path)).text
    assert ("best return" in text) == (best is not None)
    assert best is None or f"the best return that any policy can have, {best};" in text
    write_report([{k: v for k, v in row.items() if k != "rows"} for row in rows], [], tmp_path)
    assert "best return" not in Page(tmp_path / "report.html").text  # The world is not told.


@pytest.mark.slow
def test_guesses_and_early_stopping_are_told(tmp_path: Path) -> None:
    rows, _ = synthetic_sweep(("guess", "early"), (0.01, 0.1), 3)
    rows[-4]["selected"] = None
    text = Page(write_report(rows, [], tmp_path)).text
    assert "never triggered, so that it chose no policy, for early at 0.01 (2 of 3 seeds)." in text
    accuracies = records(tmp_path / "figures/relabel_accuracy.csv")
    assert [(row["series"], row["oversight"]) for row in accuracies] == [
        ("guess", "0.01"),
        ("guess", "0.1"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("seeds", "shown"), [(2, False), (3, True)])
def test_intervals_are_spoken_of_where_there_are_some(
    seeds: int, shown: bool, tmp_path: Path
) -> None:
    rows, curves = synthetic_sweep(METHODS[:2], LEVELS[:2], seeds, evaluations=2)
    page = write_report(rows, curves, tmp_path).read_text()
    assert ("95%" in page) is shown
    assert ("There are no intervals: they take 3 seeds." in page) is not shown
    drawings = [path.read_text() for path in (tmp_path / "figures").glob("*.svg")]
    assert any("95%" in drawing for drawing in drawings) is shown


def test_beliefs_are_told_and_those_that_lost_touch_are_named(tmp_path: Path) -> None:
    rows, _ = synthetic_sweep(("guess", "naive"), (0.01, 0.1), 3)
    for row in rows:
        if row["method"] == "guess":
            lost = row["oversight"] == 0.01 and row["seed"] > 0
            row |= {"belief_agreement": 0.6, "belief_sureness": 0.97, "lost_touch": lost}
            row |= {"told": "labels, the final observation"}
    text = Page(write_report(rows, [], tmp_path)).text
    assert "lost touch guess at 0.01 (2 of 3 seeds)" in " ".join(text.split())
    assert "labels, the final observation" in text
    assert {row["series"] for row in records(tmp_path / "figures/belief_agreement.csv")} == {
        "guess"
    }
    sureness = float(records(tmp_path / "figures/belief_sureness.csv")[0]["mean"])
    assert sureness == pytest.approx(0.97)


@pytest.mark.slow
def test_what_runs_warned_of_is_told_with_the_runs(tmp_path: Path) -> None:
    rows, _ = synthetic_sweep(("routed", "naive"), (0.01, 0.1), 3)
    for row in rows:
        warned = row["method"] == "routed" and row["oversight"] == 0.01
        row["warnings"] = ["experts alike", "gate alike"][: row["seed"]] if warned else []
    text = " ".join(Page(write_report(rows, [], tmp_path)).text.split())
    assert "experts alike routed at 0.01 (2 of 3 seeds)" in text
    assert "gate alike routed at 0.01 (1 of 3 seeds)" in text
    (row,) = [
        row
        for row in records(tmp_path / "figures/warnings.csv")
        if row["warning"] == "gate alike" and int(row["runs"])
    ]
    assert (row["series"], row["oversight"], row["of"]) == ("routed", "0.01", "3")
    quiet, _ = synthetic_sweep(("routed",), (0.1,), 3)
    assert "warned" not in write_report(quiet, [], tmp_path).read_text()


def test_aggregate_is_over_shared_levels_only(tmp_path: Path) -> None:
    rows = [
        *_rows({"a": [0.0, 0.2, 0.4, 1.0], "b": [0.5] * 4}, 0.1),
        *_rows({"a": [0.1, 0.3, 0.5, 0.9], "b": [0.5] * 4}, 0.3),
        *_rows({"a": [1.0] * 4}, 0.8),
    ]
    text = Page(write_report(rows, [], tmp_path)).text
    assert "levels that every method has (0.1, 0.3)" in text
    first, second = records(tmp_path / "figures/aggregate.csv")
    assert (first["series"], second["series"]) == ("b", "a")
    assert float(second["interquartile_mean"]) == pytest.approx((0.2 + 0.3 + 0.4 + 0.5) / 4)


def test_every_level_counts_the_same_in_the_aggregate(tmp_path: Path) -> None:
    rows = [
        *_rows({"a": [0.0] * 12, "b": [0.4] * 3}, 0.1),
        *_rows({"a": [1.0] * 3, "b": [0.4] * 12}, 0.3),
    ]
    write_report(rows, [], tmp_path)
    first, second = records(tmp_path / "figures/aggregate.csv")
    assert (first["series"], second["series"]) == ("a", "b")
    for record, value in ((first, 0.5), (second, 0.4)):
        found = [float(record[name]) for name in ("interquartile_mean", "low", "high")]
        assert found == pytest.approx([value] * 3)


def test_runs_that_differ_in_their_log_only_are_no_seeds_of_their_own(tmp_path: Path) -> None:
    rows, _ = synthetic_sweep(
        ("naive",), (0.1,), 2, changes=[{"evaluate_every": every} for every in (5, 7)]
    )
    (series,) = compare(rows, []).series
    assert [(row["seed"], row["evaluate_every"]) for row in series.rows] == [(0, 5), (1, 5)]
    text = Page(write_report(rows, [], tmp_path)).text
    assert "2 runs left out: equal to another in all that decides what it is." in text
    assert len(records(tmp_path / "results.csv")) == 4


@pytest.mark.slow
def test_an_earlier_report_is_replaced_and_other_files_stay(tmp_path: Path) -> None:
    rows, curves = synthetic_sweep(("routed", "naive"), (0.1, 0.3), 1, evaluations=1)
    write_report(rows, curves, tmp_path)
    (tmp_path / "figures/own.png").write_bytes(b"mine")
    before = (tmp_path / "figures/deployed.csv").read_text()
    assert (tmp_path / "figures/methods.svg").exists()
    rows, _ = synthetic_sweep(("naive",), (0.1,), 1)
    write_report(rows, [], tmp_path)
    left = {path.name for path in (tmp_path / "figures").iterdir()}
    assert left & {"methods.svg", "experts.csv", "learning_curves.png"} == set()
    assert {"own.png", "deployed.csv"} <= left
    assert (tmp_path / "figures/deployed.csv").read_text() != before


@pytest.mark.slow
def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    rows, curves = synthetic_sweep(("naive",), (0.1,), 3, evaluations=1)
    for name in ("one", "two"):
        write_report(rows, curves, tmp_path / name)
    for path in (tmp_path / "one").rglob("*.*"):
        assert (
            path.read_bytes()
            == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()
        )


def test_a_sweep_without_finished_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no finished run.*routed-rl status.*routed-rl sweep"):
        write_report([], [], tmp_path)
    assert not list(tmp_path.iterdir())


def test_zero_has_a_place_left_of_the_break() -> None:
    scale = BrokenLogScale.of([0.1, 0.0, 0.01, 0.1])
    assert scale.position(0.1) - scale.position(0.01) == pytest.approx(1)
    assert scale.position(0.0) < scale.position(0.01) - 0.25
    assert BrokenLogScale.of([0.0, 900, 20_000]).round_values() == (0.0, 1000.0, 10_000.0)
    for values, labels in (
        ([20_000, 45_000], (20_000, 50_000)),
        ([150, 700], (200, 500)),
        ([0, 150, 700], (0, 200, 500)),
        ([300, 310], (300, 310)),
        ([10, 1000], (10, 100, 1000)),
    ):
        assert BrokenLogScale.of(values).round_values() == labels
    assert scale.dodge(0, 3) == -scale.dodge(2, 3) < 0 == scale.dodge(1, 3)
