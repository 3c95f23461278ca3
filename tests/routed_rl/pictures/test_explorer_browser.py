"""The explorer in a real browser: its numbers are Python's, and every way to use it works."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from browsers import DESKTOP, PHONE, chromium, opened
from helpers import expert_logits, grid_state, tiny_with
from test_explorer import make_policy

from routed_agents import Policy
from routed_envs import DiamondGhostWorld
from routed_rl import explore, train
from routed_rl.evaluation.exact import Evaluator

pytestmark = pytest.mark.browser

PLACED = "#agent=12&diamond=4&ghost=20&watched=ghost"
STARTS = [(12, 4, 20, ""), (0, 24, 1, "diamond"), (7, 11, 13, "ghost"), (22, 3, 9, "diamond-ghost")]
DIALS = [(0.0, "learned"), (1.0, "learned"), (-1.0, "learned"), (-0.35, "learned"), (0.6, "fixed")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


def strong(policy: Policy) -> Policy:
    """The policy with larger weights, so that actions and gate are far from even."""
    with torch.no_grad():
        for name, parameter in policy.network.named_parameters():
            parameter.mul_(4 if "head" in name or "gate" in name else 2)
    return policy


@pytest.fixture(scope="module")
def policy() -> Policy:
    return strong(make_policy(deploy="diamond"))


@pytest.fixture(scope="module")
def page_file(policy: Policy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return explore(policy, out=tmp_path_factory.mktemp("explorer") / "page.html")


LONG_NAME = "naive" + "-of-a-sweep" * 8
"""No longer than what people give to runs, and wider than half a page."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A routed and a naive run, the first with snapshots, on one page."""
    folder = tmp_path_factory.mktemp("runs")
    train(tiny_with(), folder / "routed", snapshots=2)
    train(tiny_with(method="naive"), folder / LONG_NAME)
    return explore(folder / "routed", folder / LONG_NAME, out=folder / "two.html")


class Dialled:
    """What the page's dial does, written down a second time."""

    def __init__(self, policy: Policy, dial: float, gate: str, ends: tuple[int, int]) -> None:
        self.policy, self.dial, self.gate, self.ends = policy, dial, gate, ends

    def weights(self, seen: torch.Tensor) -> torch.Tensor:
        count = len(self.policy.experts)
        left, right = torch.eye(count)[list(self.ends)]
        if self.gate == "fixed":
            return ((1 + self.dial) / 2 * right + (1 - self.dial) / 2 * left).expand(len(seen), -1)
        end = right if self.dial > 0 else left
        return (1 - abs(self.dial)) * self.policy.gate_weights(seen) + abs(self.dial) * end

    @torch.no_grad()
    def action_probabilities(self, seen: torch.Tensor) -> torch.Tensor:
        logits = expert_logits(self.policy.network, seen)
        return (self.weights(seen).unsqueeze(2) * logits).sum(1).softmax(1)


def asked(page: Any, words: str) -> dict[str, Any]:
    """What the page answers on its first side."""
    page.evaluate("words => explorer.show(words)", words)
    return page.evaluate("() => explorer.figures()[0]")


def assert_equal(
    found: dict[str, Any], actor: Dialled, world: DiamondGhostWorld, start: Any, expected: Any
) -> None:
    """The page's figures of every start cell are `expected`, those of all states in Python."""
    _, diamond, ghost, watched = start
    squares = [cell for name, cell in (("diamond", diamond), ("ghost", ghost)) if name in watched]
    cells = [cell for cell in range(world.cells) if cell not in (diamond, ghost)]
    states = [grid_state(world, cell, ghost, diamond, tuple(squares)) for cell in cells]
    index = torch.cat([world.state_index(state) for state in states])
    for column, name in enumerate(("diamond", "ghost", "return", "steps")):
        values = torch.tensor([found[name][cell] for cell in cells], dtype=torch.float64)
        # A mean of up to 32 steps adds up the rounding of Python's float32 probabilities.
        relative = 2e-6 if name == "steps" else 0
        assert torch.allclose(values, expected[index, column], atol=1e-5, rtol=relative), name
    seen = torch.cat([world.observe(state) for state in states])
    probabilities = torch.tensor(found["probabilities"]).view(-1, 4)[cells]
    assert torch.allclose(probabilities, actor.action_probabilities(seen), atol=1e-5, rtol=0)
    if len(actor.policy.experts) > 1:
        weights = torch.tensor([found["weights"][cell] for cell in cells], dtype=torch.float32)
        assert torch.allclose(weights, actor.weights(seen), atol=1e-5, rtol=0)


def words_of(start: Any, dial: float, gate: str, ends: tuple[int, int], greedy: bool) -> str:
    agent, diamond, ghost, watched = start
    return (
        f"agent={agent}&diamond={diamond}&ghost={ghost}&watched={watched or 'none'}&dial1={dial}"
        f"&gate1={gate}&ends1={ends[0]}-{ends[1]}&actions={'greedy' if greedy else 'sampled'}"
    )


def test_the_pages_numbers_are_pythons(browser: Any, page_file: Path, policy: Policy):
    world = DiamondGhostWorld()
    evaluator = Evaluator(world)
    with opened(browser, page_file) as page:
        for (dial, gate), greedy in product(DIALS, (False, True)):
            actor = Dialled(policy, dial, gate, (1, 0))
            expected = evaluator.state_values(actor, greedy)
            for start in STARTS:
                found = asked(page, words_of(start, dial, gate, (1, 0), greedy))
                assert_equal(found, actor, world, start, expected)


def test_the_dial_is_the_steering_of_python(policy: Policy):
    start = STARTS[0]
    for dial, gate, steering in (
        (0, "learned", None),
        (1, "learned", "diamond"),
        (0.6, "fixed", 0.8),
    ):
        steered, written = policy.steer(steering), Dialled(policy, dial, gate, (1, 0))
        seen = DiamondGhostWorld().observe(grid_state(DiamondGhostWorld(), *start[:1], 20, 4))
        ours, theirs = (actor.action_probabilities(seen) for actor in (written, steered))
        assert torch.allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize(
    ("world", "settings"),
    [
        (DiamondGhostWorld(max_steps=5), {"experts": ("a", "b", "c")}),
        (DiamondGhostWorld(hidden_oversight=True), {"gate_channels": 0, "gate_widths": ()}),
        (DiamondGhostWorld(), {"gate": "even"}),
        (DiamondGhostWorld(), {"experts": ("policy",)}),
        (DiamondGhostWorld(rows=2, cols=3), {"expert_widths": (256, 256)}),
        (DiamondGhostWorld(rows=3, cols=2, hidden_oversight=True), {"expert_widths": (99,)}),
        (DiamondGhostWorld(rows=1, cols=3), {"experts": ("policy",), "expert_widths": (99,)}),
    ],
    ids=["three experts", "hidden", "even", "one", "tables", "hidden tables", "smallest"],
)
def test_other_policies_and_worlds(world: Any, settings: Any, browser: Any, tmp_path: Path):
    policy = strong(make_policy(world, **settings))
    page_file = explore(policy, out=tmp_path / "page.html")
    start = (12, 4, 20, "ghost") if world.cells == 25 else (1, 0, 2, "diamond")
    count, evaluator = len(policy.experts), Evaluator(world)
    ends = (2, 0) if count == 3 else (1, 0) if count == 2 else (0, 0)
    with opened(browser, page_file) as page:
        for dial, gate in DIALS if count > 1 else DIALS[:1]:
            actor = Dialled(policy, dial, gate, ends)
            found = asked(page, words_of(start, dial, gate, ends, greedy=False))
            assert_equal(found, actor, world, start, evaluator.state_values(actor))
        assert page.locator(".dial").first.is_visible() == (count > 1)
        assert page.locator(".ends").first.is_visible() == (count > 2)
        hidden = page.locator(".remark").first.text_content()
        assert ("does not see" in hidden) == world.hidden_oversight


def place_of(page: Any, piece: str) -> int:
    return page.evaluate("piece => explorer.view()[piece]", piece)


def settled(page: Any) -> None:
    """Wait until the page has drawn the last change."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")


def middle(page: Any, cell: int, side: int = 0) -> tuple[float, float]:
    """The middle of a cell of a board, in the window."""
    board = page.locator(".board").nth(side)
    board.scroll_into_view_if_needed()
    box = board.bounding_box()
    return (
        box["x"] + box["width"] * (cell % 5 + 0.5) / 5,
        box["y"] + box["height"] * (cell // 5 + 0.5) / 5,
    )


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pieces_are_dragged(size: Any, scheme: Any, browser: Any, page_file: Path):
    with opened(browser, page_file, PLACED, size=size, color_scheme=scheme) as page:
        before = page.locator(".summary td").first.text_content()
        for piece, start, end in (("ghost", 20, 16), ("agent", 12, 17), ("diamond", 4, 3)):
            page.mouse.move(*middle(page, start))
            page.mouse.down()
            page.mouse.move(*middle(page, end), steps=6)
            page.mouse.up()
            assert place_of(page, piece) == end
        settled(page)
        found = page.evaluate("() => explorer.figures()[0].diamond[17]")
        shown = page.locator(".summary td").first.text_content()
        assert shown == f"{100 * found:.1f}%" != before
        # Onto another piece: it stays beside it.
        page.mouse.move(*middle(page, 17))
        page.mouse.down()
        page.mouse.move(*middle(page, 16), steps=4)
        page.mouse.up()
        assert place_of(page, "agent") == 17
        page.mouse.click(*middle(page, 0))
        assert place_of(page, "agent") == 0
        width = page.evaluate("() => document.documentElement.scrollWidth")
        assert width <= size[0], "nothing sticks out of the window"


def test_pieces_are_dragged_by_touch(browser: Any, page_file: Path):
    with opened(browser, page_file, PLACED, size=PHONE, has_touch=True) as page:
        x, y = middle(page, 12)
        page.touchscreen.tap(x, y)
        page.touchscreen.tap(*middle(page, 13))
        assert place_of(page, "agent") == 13
        session = page.context.new_cdp_session(page)
        for kind, cell in (("Start", 13), ("Move", 14), ("Move", 19), ("End", None)):
            points = [] if cell is None else [dict(zip("xy", middle(page, cell), strict=True))]
            session.send(
                "Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points}
            )
        # The browser hands on touches with the next frame.
        page.wait_for_function("() => explorer.view().agent === 19")


def test_oversight_the_dial_and_the_cells(browser: Any, page_file: Path):
    with opened(browser, page_file, "#agent=12&diamond=4&ghost=20") as page:
        assert page.locator(".badge:visible").count() == 1
        assert page.locator("h2").all_text_contents() == ["Mixture", "Diamond expert"]
        page.get_by_label("on the ghost").check()
        settled(page)
        assert page.evaluate("() => explorer.view().watched") == {"diamond": False, "ghost": True}
        assert page.locator(".board .watched:visible").count() == 2
        page.get_by_role("button", name="ghost expert").first.click()
        settled(page)
        assert page.locator("h2").first.text_content() == "Ghost expert"
        page.get_by_label("Who decides").first.fill("0.5")
        settled(page)
        assert (
            page.locator("h2").first.text_content()
            == "50% from the learned gate to the diamond expert"
        )
        page.get_by_label("the same weights").first.check()
        settled(page)
        assert (
            page.locator("h2").first.text_content() == "Fixed weights: diamond 0.750, ghost 0.250"
        )
        page.get_by_label("cells show").select_option("return")
        settled(page)
        found = page.evaluate("() => explorer.figures()[0].return[0]")
        assert page.locator(".number").first.text_content() == f"{found:.2f}"
        page.get_by_label("compare").uncheck()
        settled(page)
        assert page.locator(".panel:visible").count() == 1
        page.get_by_text("Every start cell").first.click()
        rows = page.locator(".every").first.locator("tbody tr")
        rows.last.wait_for()
        assert rows.count() == 23
        assert rows.first.text_content().startswith("row 1, column 1")


def test_rollouts_are_seeded_and_shown(browser: Any, page_file: Path):
    with opened(browser, page_file, PLACED + "&seed=5", reduced_motion="reduce") as page:
        expected = page.evaluate("() => explorer.rollouts()")
        page.get_by_role("button", name="Play").click()
        outcomes = page.locator(".panel").evaluate_all("nodes => nodes.map(n => n.dataset.outcome)")
        assert outcomes == [path["outcome"] for path in expected]
        steps = len(expected[0]["cells"]) - 1
        assert f"after {steps} step" in page.locator(".outcome").first.text_content()
        assert "Mixture" in page.locator("#live").text_content().replace("the mixture", "Mixture")
        assert page.evaluate("() => explorer.rollouts()") == expected
        page.get_by_role("button", name="Next seed").click()
        assert page.evaluate("() => explorer.view().seed") == 6
        page.get_by_label("seed", exact=True).fill("many")
        page.keyboard.press("Enter")
        assert "whole number" in page.locator("#notice").text_content()
        # One rollout out of many is no oracle, but many together have the exact rate.
        share = page.evaluate(
            """() => {
              const words = new URLSearchParams(location.hash.slice(1));
              let reached = 0;
              for (let seed = 0; seed < 400; seed++) {
                words.set("seed", seed);
                explorer.show(words.toString());
                reached += explorer.rollouts()[0].outcome === "diamond";
              }
              return reached / 400;
            }"""
        )
        exact = page.evaluate("() => explorer.figures()[0].diamond[12]")
        assert abs(share - exact) < 0.08


def test_rollouts_move_and_stop(browser: Any, page_file: Path):
    with opened(browser, page_file, PLACED) as page:
        page.clock.install()
        page.get_by_role("button", name="Play").click()
        assert page.get_by_role("button", name="Stop").is_visible()
        assert page.locator(".walker:visible").count() == 2
        page.clock.run_for(32 * 400)
        assert page.locator(".outcome").first.text_content() != ""
        assert page.get_by_role("button", name="Play").is_visible()
        page.get_by_role("button", name="Play").click()
        page.get_by_role("button", name="Stop").click()
        assert page.locator(".walker:visible").count() == 0


def test_the_keyboard_alone_is_enough(browser: Any, page_file: Path):
    with opened(browser, page_file, PLACED) as page:

        def reach(words: str) -> None:
            for _ in range(40):
                page.keyboard.press("Tab")
                found = page.evaluate(
                    "() => { const a = document.activeElement;"
                    " return a.getAttribute('aria-label') || a.textContent || a.id; }"
                )
                if words in found:
                    return
            raise AssertionError(f"Tab never reaches {words!r}")

        reach("Play")
        page.keyboard.press("Enter")
        reach("Who decides")
        page.keyboard.press("End")
        settled(page)
        assert page.evaluate("() => explorer.view().actors[0].dial") == 1
        reach("Diamond, row 1, column 5")
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("o")
        assert place_of(page, "diamond") == 3
        assert page.evaluate("() => explorer.view().watched.diamond")
        settled(page)
        label = page.evaluate("() => document.activeElement.getAttribute('aria-label')")
        assert label.startswith("Diamond, row 1, column 4, with oversight. Arrow keys move it.")
        reach("Agent, row 3, column 3")
        for key in ("ArrowDown", "ArrowLeft", "ArrowLeft", "ArrowDown"):
            page.keyboard.press(key)
        # Below it the ghost stands in the last row, so there is nowhere to jump to.
        assert place_of(page, "agent") == 15
        assert "agent cannot go there" in page.locator("#live").text_content()


def test_a_screen_reader_hears_the_result(browser: Any, page_file: Path):
    with opened(browser, page_file, PLACED) as page:
        names = page.locator("button:visible, input:visible, select:visible").evaluate_all(
            "nodes => nodes.map(n => n.getAttribute('aria-label') || n.textContent.trim()"
            " || n.closest('label')?.textContent.trim())"
        )
        assert all(names), names
        page.locator("#live", has_text="The ghost is 4 steps away").wait_for(state="attached")
        assert "the ghost is overseen" in page.locator("#live").text_content()
        assert page.locator("#live").get_attribute("aria-live") == "polite"
        assert page.locator("[role=application]").first.get_attribute("aria-label")


def test_a_link_restores_the_view(browser: Any, page_file: Path):
    with opened(browser, page_file) as page:
        page.get_by_label("on the diamond").check()
        page.get_by_label("Who decides").first.fill("-0.25")
        page.get_by_label("actions").select_option("greedy")
        page.mouse.click(*middle(page, 2))
        page.get_by_role("button", name="Copy link").click()
        page.locator("#link:visible").wait_for()
        link, view = page.locator("#link").input_value(), page.evaluate("() => explorer.view()")
        figures = page.evaluate("() => explorer.figures()[0].return[2]")
    assert "agent=2&" in link
    with opened(browser, page_file, link[link.index("#") :]) as page:
        assert page.evaluate("() => explorer.view()") == view
        assert page.evaluate("() => explorer.figures()[0].return[2]") == figures
        page.evaluate("() => { location.hash = 'agent=7&diamond=3&ghost=9'; }")
        page.wait_for_function("() => explorer.view().agent === 7")


@pytest.mark.parametrize(
    "words",
    ["agent=4&diamond=4", "agent=99", "dial1=7", "ends1=0-0", "stage1=3", "cells=all", "seed=-1"],
)
def test_a_link_that_cannot_be_used_is_told(words: str, browser: Any, page_file: Path):
    with opened(browser, page_file, f"#{words}") as page:
        notice = page.locator("#notice").text_content()
        reason = "two pieces on one cell" if "&" in words else words
        assert notice == f"The link cannot be used here ({reason}): this is the first view."
        assert place_of(page, "agent") == 17


def test_deployments_between_the_ends(browser: Any, tmp_path: Path):
    policy = make_policy(deploy={"diamond": 0.8, "ghost": 0.2})
    with opened(browser, explore(policy, out=tmp_path / "fixed.html")) as page:
        titles = ["Mixture", "Fixed weights: diamond 0.800, ghost 0.200"]
        assert page.locator("h2").all_text_contents() == titles
        assert page.locator(".badge:visible").count() == 1
        page.get_by_role("button", name="as deployed").first.click()
        settled(page)
        assert page.locator("h2").all_text_contents() == [titles[1]] * 2
        place = page.locator(".mark").first.evaluate("n => n.style.getPropertyValue('--place')")
        assert float(place) == pytest.approx(0.8)
    three = make_policy(experts=("a", "b", "c"), deploy="c")
    with opened(browser, explore(three, out=tmp_path / "three.html")) as page:
        assert page.locator("h2").all_text_contents() == ["Mixture", "C expert"]
        assert page.evaluate("() => explorer.view().actors[1].ends") == [1, 2]
        page.get_by_label("Left end of the dial").first.select_option("0")
        # The right end was expert 0, so the two changed places.
        assert page.evaluate("() => explorer.view().actors[0].ends") == [0, 1]
    spread = make_policy(experts=("a", "b", "c"), deploy={"a": 0.2, "b": 0.3, "c": 0.5})
    with opened(browser, explore(spread, out=tmp_path / "spread.html")) as page:
        assert "a 0.20, b 0.30, c 0.50" in page.locator(".remark").first.text_content()
        assert page.locator(".badge:visible").count() == 0


def test_oversight_of_empty_squares_is_said_to_be_missing(browser: Any, tmp_path: Path):
    policy = make_policy(DiamondGhostWorld(spurious_oversight=0.2))
    with opened(browser, explore(policy, out=tmp_path / "page.html")) as page:
        assert "empty squares could show oversight" in page.locator(".remark").first.text_content()


def test_two_runs_and_their_training(browser: Any, trained: Path):
    with opened(browser, trained) as page:
        assert page.locator("h1").text_content() == f"Explorer: routed and {LONG_NAME}"
        assert page.locator("h2").all_text_contents() == ["Diamond expert", "Policy"]
        assert page.locator(".dial:visible").count() == 1
        assert page.locator(".facts").first.text_content().startswith("routed, oversight 0.1")
        beyond = page.locator(".panel").evaluate_all(
            "panels => panels.map(panel => Math.max(...[...panel.querySelectorAll('*')].map("
            "node => node.getBoundingClientRect().right)) - panel.getBoundingClientRect().right)"
        )
        assert max(beyond) <= 1, "what does not fit its panel lies under the other one"
        tops = page.locator(".board").evaluate_all(
            "nodes => nodes.map(n => n.getBoundingClientRect().top)"
        )
        assert abs(tops[0] - tops[1]) < 1
        slider = page.get_by_label("training").first
        assert slider.get_attribute("aria-valuetext") == "update 4, finished"
        finished = page.evaluate("() => explorer.figures()[0].steps[0]")
        slider.press("Home")
        settled(page)
        assert page.locator(".training output").first.text_content() == "untrained"
        assert page.evaluate("() => explorer.figures()[0].steps[0]") != finished
        page.get_by_label("policy").first.select_option("1")
        settled(page)
        assert page.locator("h2").all_text_contents() == ["Policy", "Policy"]
        ours, theirs = page.evaluate("() => explorer.figures().map(side => side.return[0])")
        assert ours == theirs
