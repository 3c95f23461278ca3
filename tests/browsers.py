"""What the tests in a real browser share: the browser, and pages that may not complain."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from helpers import patience

DESKTOP, PHONE = (1200, 900), (360, 740)
NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def chromium() -> Iterator[Any]:
    """A headless browser; the test is skipped where there is none."""
    reason = "there is no playwright: pip install playwright"
    playwright = pytest.importorskip("playwright.sync_api", reason=reason)
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip(f"there is no browser: apt-get install chromium (looked for {NAMES})")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(
    browser: Any,
    file: Path,
    words: str = "",
    *,
    size: tuple[int, int] = DESKTOP,
    **context: Any,
) -> Iterator[Any]:
    """A page from a file; anything in its console, and any request to a network, is a failure."""
    complaints: list[str] = []
    width, height = size
    own = browser.new_context(viewport={"width": width, "height": height}, **context)
    page = own.new_page()
    page.set_default_timeout(1000 * patience())
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request",
        lambda request: None if request.url.startswith("file:") else complaints.append(request.url),
    )
    page.goto(f"{file.resolve().as_uri()}{words}")
    yield page
    own.close()
    assert complaints == []
