"""The built site in a real browser: nothing from a network, phone width, dark, search, keyboard."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import check_site
import pytest
from browsers import PHONE, chromium, opened
from helpers import environment
from pages import HOUSE

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it."""
    pytest.importorskip("sphinx", reason="there is no Sphinx: pip install sphinx")
    folder = tmp_path_factory.mktemp("site")
    options = ["--fail-on-warning", "--keep-going", "--quiet", "-d", f"{folder}/doctrees"]
    words = [sys.executable, "-m", "sphinx", *options, str(HOUSE / "docs"), f"{folder}/site"]
    done = subprocess.run(
        words, env=environment(), cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder / "site"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


def test_no_link_is_dead_and_no_name_is_missing(site: Path):
    assert check_site.faults(site) == []


def test_every_page_fits_a_phone_and_asks_nothing_of_a_network(site: Path, browser: Any):
    names = (file.relative_to(site) for file in sorted(site.rglob("*.html")))
    pages = [name for name in names if not name.parts[0].startswith("_")]
    assert len(pages) > 35
    with opened(browser, site / pages[0], size=PHONE) as page:
        for name in pages:
            page.goto((site / name).as_uri())
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= PHONE[0], f"{name} is {width} wide"


def test_a_search_finds_a_word_without_a_server(site: Path, browser: Any):
    with opened(browser, site / "index.html") as page:
        page.keyboard.press("/")
        page.keyboard.type("responsibility")
        page.keyboard.press("Enter")
        page.locator("ul.search li a", has_text="Concepts").wait_for()


def test_dark_and_light_are_told_apart(site: Path, browser: Any):
    colours = []
    for scheme in ("light", "dark"):
        with opened(browser, site / "concepts.html", color_scheme=scheme) as page:
            drawn = page.locator("svg.drawing text").first
            colours.append(drawn.evaluate("text => getComputedStyle(text).fill"))
            assert page.locator("svg.drawing title").first.text_content()
    assert colours[0] != colours[1]


def test_the_keyboard_skips_to_the_content_and_turns_pages(site: Path, browser: Any):
    with opened(browser, site / "start.html") as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to content"
        page.keyboard.press("ArrowRight")
        page.wait_for_url("**/concepts.html")


def test_the_embedded_explorer_answers(site: Path, browser: Any):
    with opened(browser, site / "guides" / "explorer.html") as page:
        explorer = page.frame_locator("iframe.explorer")
        page.locator("iframe.explorer").scroll_into_view_if_needed()
        explorer.get_by_role("button", name="Shuffle pieces").click()
        explorer.locator("text=diamond expert").first.wait_for()
