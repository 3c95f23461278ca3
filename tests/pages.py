"""What the tests of the pages share: their blocks of code, commands, links and headings."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[1]
README = HOUSE / "README.md"
PAGES = (README, HOUSE / "CONTRIBUTING.md", *sorted((HOUSE / "docs").rglob("*.md")))
BLOCK = re.compile(r"^```(\S*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(routed-rl [^`]+)`")
LINK = re.compile(r"\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def name(page: Path) -> str:
    """A page's place in the house."""
    return str(page.relative_to(HOUSE))


def blocks(page: Path, language: str) -> list[str]:
    """A page's blocks of code in a language."""
    return [code for found, code in BLOCK.findall(page.read_text()) if found == language]


def commands(page: Path) -> list[list[str]]:
    """The words of every command in a page's blocks marked `sh`, without comments."""
    found: list[list[str]] = []
    for line in (line for code in blocks(page, "sh") for line in code.splitlines()):
        words = shlex.split(line, comments=True)
        ends = [place for place, word in enumerate(words) if word in ("|", "&&")]
        for start, end in itertools.pairwise([-1, *ends, len(words)]):
            found += [words[start + 1 : end]] if words[start + 1 : end] else []
    return found


def mentioned(page: Path) -> list[list[str]]:
    """The words of every command of ours in a page's sentences, placeholders and all."""
    prose = re.sub(r"\s+", " ", BLOCK.sub("", page.read_text()))
    return [shlex.split(text) for text in INLINE.findall(prose)]


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """The files of ours that a page links to, each with the heading's anchor or nothing."""
    for link in LINK.findall(BLOCK.sub("", page.read_text())):
        if "://" not in link:
            place, _, anchor = link.partition("#")
            yield (page.parent / place).resolve() if place else page, anchor


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and the site make them."""
    titles = HEADING.findall(BLOCK.sub("", page.read_text()))
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}
