"""The page of a world's states in a real browser: an episode is walked, played and linked to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from browsers import DESKTOP, PHONE, chromium, opened
from test_states_page import ListedDoors, corridor_policy, doors_policy

from routed_agents import Policy
from routed_rl import evaluate, explore
from routed_rl.evaluation.exact import Evaluator
from scripts.own_world import INNER, Corridor

pytestmark = pytest.mark.browser

NEAR_THE_TREASURE = f"#start={2 * INNER + 1}&who=0"
"""The agent in the second cell, the treasure at the left, and the overseer watches."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def policy() -> Policy:
    return corridor_policy()


@pytest.fixture(scope="module")
def page_file(policy: Policy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return explore(policy, out=tmp_path_factory.mktemp("states") / "page.html")


def text(page: Any, name: str) -> str:
    return page.locator(name).text_content().strip()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_episode_is_walked(size: Any, scheme: Any, browser: Any, page_file: Path):
    with opened(browser, page_file, NEAR_THE_TREASURE, size=size, color_scheme=scheme) as page:
        assert text(page, "#state") == "agent 2, treasure 0, watched yes"
        assert text(page, "#ending") == "step 0 of at most 16"
        first = page.locator("#picture").get_attribute("src")
        left, right = page.locator(".action").all()
        assert "agent 1" in left.text_content()
        right.click()
        assert text(page, "#state") == "agent 3, treasure 0, watched yes"
        assert page.locator("#picture").get_attribute("src") != first
        for _ in range(3):
            left.click()
        assert text(page, "#ending") == "treasure after 4 steps, overseen"
        assert text(page, "#state") == "agent 1, treasure 0, watched yes, then left"
        assert left.is_disabled()
        assert text(page, "#live") == "Step 4: ended: treasure, overseen."
        # The agent covers the treasure, so that no picture of a running episode is like it.
        last = page.locator("#picture").get_attribute("src")
        page.get_by_role("button", name="Back").click()
        assert page.locator("#picture").get_attribute("src") != last
        page.locator("#path button").nth(1).click()
        assert text(page, "#state") == "agent 3, treasure 0, watched yes"
        page.get_by_role("button", name="To the start").click()
        assert page.locator("#picture").get_attribute("src") == first
        width = page.evaluate("() => document.documentElement.scrollWidth")
        assert width <= size[0], "nothing sticks out of the window"


def test_the_keyboard_walks_too(browser: Any, page_file: Path):
    with opened(browser, page_file, NEAR_THE_TREASURE) as page:
        for key in ("ArrowRight", "1", "Backspace", "ArrowLeft"):
            page.keyboard.press(key)
        assert page.evaluate("() => explorer.view().actions") == [1, 0]
        page.get_by_label("agent").focus()
        page.keyboard.press("ArrowRight")  # In a choice it chooses.
        assert page.evaluate("() => explorer.view().actions") != [1, 0, 1]
        names = page.locator("button:visible, input:visible, select:visible").evaluate_all(
            "nodes => nodes.map(n => n.getAttribute('aria-label') || n.textContent.trim()"
            " || n.closest('label')?.textContent.trim())"
        )
        assert all(names), names
        assert all(image.get_attribute("alt") for image in page.locator("img").all())


def test_the_shown_numbers_are_pythons(browser: Any, page_file: Path, policy: Policy):
    world = Corridor(0.1)
    seen = world.observe(world.enumerate_states())
    with opened(browser, page_file, NEAR_THE_TREASURE) as page:
        for who, steering in enumerate((None, "treasure", "trap")):
            actor = policy.steer(steering)
            values = Evaluator(world).state_values(actor)
            probabilities = actor.action_probabilities(seen)
            for state in range(world.state_count):
                found = page.evaluate("state => explorer.inState(state)", state)[who]
                shown = [*found["rates"].values(), found["return"], found["steps"]]
                treasure, trap, gained, steps = values[state, :4].tolist()
                expected = [treasure, trap, 1 - treasure - trap, gained, steps]
                assert shown == pytest.approx(expected, abs=1e-5, rel=1e-6)
                assert found["probabilities"] == pytest.approx(
                    probabilities[state].tolist(), abs=1e-5
                )
                if who > 0:
                    weight = float(policy.gate_weights(seen)[state, who - 1])
                    assert found["gate"] == pytest.approx(weight, abs=1e-5)
            for level, oversight in enumerate((0.0, 0.1, 1.0)):
                found = page.evaluate("level => explorer.fromStarts(level)", level)[who]
                judged = evaluate(actor, oversight)
                assert found["rates"] == pytest.approx(judged.rates, abs=1e-5)
                assert found["return"] == pytest.approx(judged.episode_return, abs=1e-5)
                assert found["steps"] == pytest.approx(judged.mean_length, abs=1e-5)
        likely = page.evaluate("() => explorer.inState(15)[0].rates.treasure")
        assert text(page, "#here td >> nth=0") == f"{100 * likely:.1f}%"


def test_who_acts_is_chosen_and_the_episode_played(browser: Any, page_file: Path):
    with opened(browser, page_file, NEAR_THE_TREASURE, reduced_motion="reduce") as page:
        assert page.locator(".badge").count() == 1
        before = text(page, ".action .share >> nth=0")
        page.get_by_label("trap expert").check()
        assert text(page, ".action .share >> nth=0") != before
        expected = page.evaluate("() => explorer.sampled()")
        page.get_by_role("button", name="Step").click()
        assert page.evaluate("() => explorer.view().actions") == expected[:1]
        page.get_by_role("button", name="Play").click()
        assert page.evaluate("() => explorer.view().actions") == expected
        assert text(page, "#live").startswith(f"Step {len(expected)}: ended: ")
        page.get_by_role("button", name="Next seed").click()
        assert page.evaluate("() => explorer.view().seed") == 1
        page.get_by_label("seed", exact=True).fill("many")
        page.keyboard.press("Enter")
        assert "whole number" in text(page, "#notice")
        page.locator("#starts select").nth(1).select_option(label="8")
        assert text(page, "#state") == "agent 2, treasure 8, watched yes"
        page.get_by_label("oversight").select_option(label="1 (all is watched)")
        page.get_by_role("button", name="Random start").click()
        assert "watched yes" in text(page, "#state")


def test_playing_moves_and_stops(browser: Any, page_file: Path):
    with opened(browser, page_file, NEAR_THE_TREASURE) as page:
        page.clock.install()
        expected = page.evaluate("() => explorer.sampled()")
        page.get_by_role("button", name="Play").click()
        page.clock.run_for(400)
        assert page.evaluate("() => explorer.view().actions") == expected[:1]
        page.clock.run_for(16 * 400)
        assert page.evaluate("() => explorer.view().actions") == expected
        page.get_by_role("button", name="Play").click()  # Over: from the start again.
        page.get_by_role("button", name="Stop").click()
        assert page.evaluate("() => explorer.view().actions") == []


def test_a_link_restores_the_view(browser: Any, page_file: Path):
    with opened(browser, page_file, NEAR_THE_TREASURE) as page:
        page.locator(".action").last.click()
        page.get_by_role("button", name="Copy link").click()
        link, view = page.locator("#link").input_value(), page.evaluate("() => explorer.view()")
        shown = text(page, "#sides")
    with opened(browser, page_file, link[link.index("#") :]) as page:
        assert page.evaluate("() => explorer.view()") == view
        assert text(page, "#sides") == shown
        page.evaluate("() => { location.hash = 'start=3'; }")
        page.wait_for_function("() => explorer.view().start === 3")
    with opened(browser, page_file, "#start=99") as page:
        notice = "The link cannot be used here (start=99): this is the first view."
        assert text(page, "#notice") == notice


def test_a_world_without_pictures_shows_what_the_agent_sees(browser: Any, tmp_path: Path):
    page_file = explore(doors_policy(ListedDoors()), out=tmp_path / "page.html")
    with opened(browser, page_file) as page:
        assert not page.locator("#picture").is_visible()
        assert page.locator("#seen-picture").is_visible()
        page.get_by_role("button", name="action 3").click()
        assert text(page, "#ending") == "time-out after 1 step"
        titles = page.locator("#who tbody label").all_text_contents()
        assert titles[-1] == "fixed mix of gold 0.75, trap 0.25"


def test_two_policies_stand_in_one_table(browser: Any, policy: Policy, tmp_path: Path):
    other = corridor_policy(0.3, seed=1)
    with opened(browser, explore(policy, other, out=tmp_path / "two.html")) as page:
        titles = page.locator("#who tbody label").all_text_contents()
        assert titles[0] == "policy: mixture"
        assert titles[5] == "policy 2: trap expert"
        assert page.locator(".badge").count() == 2
        levels = page.locator("#level option").all_text_contents()
        assert levels[1:3] == ["0.1 (as in training of policy)", "0.3 (as in training of policy 2)"]
        found = page.evaluate("() => explorer.fromStarts(0)[4].rates")
        with torch.no_grad():
            assert found == pytest.approx(evaluate(other.steer("treasure"), 0.0).rates, abs=1e-5)
