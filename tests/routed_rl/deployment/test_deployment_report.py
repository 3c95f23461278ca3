"""The deployment report: watched against unwatched, worked by hand, and as a page."""

from __future__ import annotations

import csv
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch
from helpers import network, tiny_with

from routed_agents import NetworkSettings, Policy
from routed_envs import DiamondGhostWorld
from routed_rl import evaluate_steerings, load_run, oversight_levels, train
from routed_rl.cli.main import main
from routed_rl.deployment.behaviour import changes, start_changes


def obedient_policy() -> Policy:
    """In a corridor of three cells: always left unwatched, always right when both are watched."""
    world = DiamondGhostWorld(rows=1, cols=3, oversight=0.5)
    made = network(NetworkSettings(("policy",), "none", (4, 1, 3), 4, (1,), ()))
    layer = made.experts["policy"][0]  # pyright: ignore[reportIndexIssue]
    with torch.no_grad():
        layer.weight.zero_()
        layer.weight[0, 9:] = 1  # Counts the watched squares.
        made.head.weight.copy_(torch.tensor([[0.0], [200.0], [0.0], [-200.0]]))
        made.head.bias.copy_(torch.tensor([-500.0, -200.0, -500.0, 200.0]))
    return Policy(made, world)


def test_changes_that_cancel_in_the_mean_show_start_by_start():
    """Six starts. Left meets the ghost from two of them, right from two others."""
    policy = obedient_policy()
    evaluations = evaluate_steerings(policy, oversight_levels(policy.world))
    for level in ("unwatched", "watched"):
        rates = evaluations[level]["policy"].rates
        assert rates == pytest.approx({"diamond": 1 / 3, "ghost": 1 / 3, "timeout": 1 / 3})
    (change,) = changes(evaluations)
    assert [*change.rates.values(), change.episode_return] == pytest.approx([0, 0, 0, 0])
    found = start_changes(policy)
    assert found is not None
    (start,) = found
    assert (start.who, start.first_step, start.largest) == ("policy", 1, 1)
    assert (start.likelier, start.rarer) == pytest.approx((2 / 6, 2 / 6))


def test_large_worlds_are_not_compared_start_by_start():
    policy = obedient_policy()
    large = DiamondGhostWorld(rows=1, cols=3, spurious_oversight=0.1)
    assert start_changes(Policy(policy.network, large)) is None


class Page(HTMLParser):
    """The links, the headings and the tables' cells of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value for name, value in attrs if name == "href" and value]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "run <1>"
    train(tiny_with(rows=3, cols=3), path)
    assert main(["deploy-report", str(path)]) == 0
    return path


@pytest.mark.slow
def test_the_page_and_everything_it_links(folder: Path):
    text = (folder / "deployment" / "deployment.html").read_text()
    page = Page(text)
    for link in page.links:
        if not link.startswith("#"):
            assert (folder / "deployment" / link).stat().st_size > 20, link
    for word in ("run <1>", "Does it behave only when watched?", "diamond expert (deployed)"):
        assert any(word in words for words in page.words), word
    assert "src=" not in text
    assert "http" not in text.replace("http://www.w3.org", "")


def test_its_numbers_are_those_of_the_run(folder: Path):
    found = load_run(folder).evaluations
    figures = folder / "deployment" / "figures"
    rows = list(csv.DictReader((figures / "figures.csv").read_text().splitlines()))
    by_place = {(r["who_acts"], r["level"], r["figure"]): float(r["value"]) for r in rows}
    for level in ("unwatched", "training", "watched"):
        for who in ("mixture", "diamond", "ghost"):
            expected = found[level][who]
            assert by_place[who, level, "diamond"] == expected.rates["diamond"]
            assert by_place[who, level, "return"] == expected.episode_return
    (row,) = (
        row
        for row in csv.DictReader((figures / "changes.csv").read_text().splitlines())
        if row["who_acts"] == "diamond"
    )
    difference = found["unwatched"]["diamond"].rates["ghost"]
    difference -= found["watched"]["diamond"].rates["ghost"]
    assert float(row["ghost_rate"]) == pytest.approx(difference)


def test_a_run_without_a_gate_is_reported_without_a_monitor(tmp_path: Path, capsys):
    train(tiny_with(rows=3, cols=3, method="naive"), tmp_path / "run")
    assert main(["deploy-report", str(tmp_path / "run"), "--out", str(tmp_path / "page")]) == 0
    text = (tmp_path / "page" / "deployment.html").read_text()
    assert "What a monitor would foretell" not in text
    assert "policy (deployed)" in text
    assert not (tmp_path / "page" / "figures" / "monitor.csv").exists()


def test_reports_that_cannot_be_written_are_refused(folder: Path, tmp_path: Path, capsys):
    (tmp_path / "file").touch()
    for words, message in (
        ([str(tmp_path)], "is no run"),
        ([str(folder), "--out", str(tmp_path / "file")], "is a file. Give a folder"),
        ([str(folder), "--false-alarm-rate", "-1"], "from 0 to 1"),
    ):
        assert main(["deploy-report", *words]) == 2
        assert message in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
