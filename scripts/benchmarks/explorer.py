"""Measure what the explorer promises: the page's size, and how quickly it is written and answers.

    python -m scripts.benchmarks.explorer            about a minute

Needs playwright and a Chromium (pip install playwright; apt-get install chromium). Trains nothing:
the policies are fresh ones of both presets' sizes, which are as large and as slow as trained ones.
Exits with 1 if a figure misses its bar.
"""

from __future__ import annotations

import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from routed_agents import Policy
from routed_rl import PRESETS, Experiment, explore, save_policy
from scripts.benchmarks.measure import Row, at_most, print_rows, start, timed

OPENING = (
    "() => new Promise(done => {"
    " const wait = () => explorer.view().agent === TARGET"
    " ? requestAnimationFrame(() => setTimeout(() => done(performance.now())))"
    " : requestAnimationFrame(wait); wait(); })"
)
REDRAWING = """
async (places) => {
  const words = new URLSearchParams(location.hash.slice(1));
  const own = [], painted = [];
  for (const [agent, diamond, ghost] of places) {
    const change = { agent, diamond, ghost };
    for (const [piece, cell] of Object.entries(change)) words.set(piece, cell);
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    const start = performance.now();
    explorer.show(words.toString());
    document.body.getBoundingClientRect(); // With the layout that follows.
    own.push(performance.now() - start);
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    painted.push(performance.now() - start);
  }
  return { own, painted };
}
"""
SIZE_BAR, WRITING_BAR, OPENING_BAR, REDRAW_BAR = 2.5, 5.0, 1.0, 50.0


def fresh_policy(preset: str) -> Policy:
    """An untrained policy of a preset's size."""
    experiment = Experiment.of(PRESETS[preset])
    return experiment.policy(experiment.start())


def writing_times(policy: Policy, page_file: Path) -> tuple[float, float]:
    """Seconds that Python takes to write a page, and those of the whole command."""
    _, own = timed(explore, policy, out=page_file)
    saved = page_file.with_suffix(".safetensors")
    save_policy(policy, saved)
    words = [sys.executable, "-m", "routed_rl", "explore", str(saved), "--out", str(page_file)]
    _, command = timed(subprocess.run, words, check=True, stdout=subprocess.DEVNULL)
    return own, command


def first_drag(page: Any, page_file: Path) -> None:
    """Open a page, drag the agent, and wait until the page has answered."""
    page.goto(page_file.as_uri())
    agent, target = page.evaluate("() => [explorer.view().agent, explorer.view().diamond + 5]")
    box = page.locator(".board").first.bounding_box()

    def point_at(cell: int) -> None:
        right, down = (cell % 5 + 0.5) / 5, (cell // 5 + 0.5) / 5
        page.mouse.move(box["x"] + box["width"] * right, box["y"] + box["height"] * down)

    point_at(agent)
    page.mouse.down()
    point_at(target)
    page.evaluate(OPENING.replace("TARGET", str(target)))


def opening_time(browser: Any, page_file: Path) -> float:
    """Seconds from opening a page until it has answered its first drag."""
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    _, seconds = timed(first_drag, page, page_file)
    page.close()
    return seconds


def redraw_times(browser: Any, page_file: Path, count: int) -> tuple[float, float]:
    """Median milliseconds of a redraw with its layout, and until it is painted."""
    page, drawn = browser.new_page(viewport={"width": 1200, "height": 900}), random.Random(0)
    page.goto(f"{page_file.as_uri()}#seed=0")
    # Cells of agent, diamond and ghost in the 5 x 5 world, all different.
    found = page.evaluate(REDRAWING, [drawn.sample(range(25), 3) for _ in range(count)])
    page.close()
    return statistics.median(found["own"]), statistics.median(found["painted"])


def measure(browser: Any, preset: str, folder: Path, openings: int, redraws: int) -> list[Row]:
    """The figures of one preset's size."""
    policy, page_file = fresh_policy(preset), folder / f"{preset}.html"
    writing, command = writing_times(policy, page_file)
    opening = statistics.median(opening_time(browser, page_file) for _ in range(openings))
    own, painted = redraw_times(browser, page_file, redraws)
    both = folder / f"{preset}-two.html"
    explore(policy, fresh_policy(preset), out=both)
    two_own, _ = redraw_times(browser, both, redraws)
    size, two_sizes = (file.stat().st_size / 1e6 for file in (page_file, both))
    return [
        at_most(f"{preset}: the file", size, "MB", SIZE_BAR),
        at_most(f"{preset}: the file for two policies, each", two_sizes / 2, "MB", SIZE_BAR),
        Row(f"{preset}: writing it", f"{writing:.2f} s", "reported"),
        at_most(f"{preset}: the whole command", command, "s", WRITING_BAR),
        at_most(f"{preset}: open and answer the first drag, median", opening, "s", OPENING_BAR),
        at_most(f"{preset}: redraw, targets moved, median", own, "ms", REDRAW_BAR),
        Row(f"{preset}: the same until it is painted", f"{painted:.2f} ms", "reported"),
        at_most(f"{preset}: redraw of two policies, median", two_own, "ms", REDRAW_BAR),
    ]


def main(openings: int = 5, redraws: int = 60) -> int:
    """Measure, and print a table; returns the exit code.

    Args:
        openings: How often each page is opened.
        redraws: How many placements are drawn.
    """
    program = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        sizes = [measure(browser, name, Path(folder), openings, redraws) for name in PRESETS]
        browser.close()
    return print_rows([row for rows in sizes for row in rows])


if __name__ == "__main__":
    start(main, __doc__)
