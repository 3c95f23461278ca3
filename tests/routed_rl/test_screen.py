"""What is printed fits the terminal: nothing is broken that is one word, or one command."""

from __future__ import annotations

import io
import json
import math
import sys
from pathlib import Path

import pytest

from routed_rl.cli.terminal import exit_code
from routed_rl.screen import ScreenTable, counting, print_json, say, screen

NAMES = ("mixture", "diamond expert (deployed)", "scripts.custom_method:cautious, rate 0.001")
TITLES = ("who acts", "return", "diamond", "false alarms", "timeout", "overseer", "steps", "labels")


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line.rstrip() for line in capsys.readouterr().out.split("\n")]


def print_table(names: int = 1, titles: tuple[str, ...] = TITLES) -> None:
    table = ScreenTable(titles, names, title="runs/first, oversight 0.1", caption="exact")
    for row, name in enumerate(NAMES):
        figures = (f"{row}.{column}0%" for column in range(len(titles) - names))
        table.add(*(name for _ in range(names)), *figures)
    screen().print(table)


@pytest.mark.parametrize(
    ("width", "names", "parts"), [(44, 1, 7), (60, 1, 3), (80, 1, 2), (80, 2, 5), (200, 2, 1)]
)
def test_a_table_is_broken_between_columns_and_words(
    width: int,
    names: int,
    parts: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    print_table(names)
    whole = " ".join(lines(capsys)).replace("─", "")
    monkeypatch.setenv("COLUMNS", str(width))
    print_table(names)
    shown = lines(capsys)
    assert max(map(len, shown)) <= width
    assert set(" ".join(shown).replace("─", "").split()) == set(whole.split())
    assert sum("─" in line for line in shown) == parts
    assert sum("mixture" in line for line in shown) == parts


def test_a_word_that_is_wider_than_the_terminal_loses_no_letter(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("COLUMNS", "20")
    table = ScreenTable(("method", "return"))
    table.add("abcdefghijklmnopqrstuvwxyz", "0.930")
    screen().print(table)
    shown = lines(capsys)
    assert "".join(line[:12].strip() for line in shown[3:]) == "abcdefghijklmnopqrstuvwxyz"
    assert shown[3].endswith("0.930")


def test_a_table_that_fits_is_as_wide_as_its_cells(capsys: pytest.CaptureFixture[str]):
    print_table(titles=("who", "return"))
    assert lines(capsys)[:6] == [
        "runs/first, oversight 0.1",
        "",
        " who                                          return",
        " ───────────────────────────────────────────────────",
        " mixture                                       0.00%",
        " diamond expert (deployed)                     1.00%",
    ]


def test_a_sentence_is_folded_and_a_command_is_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    command = "  routed-rl train --out runs/a-folder/with-a-name --resume"
    place = "runs/with/a/path/that/is/longer/than/the/terminal/itself"
    text = f"Saved in {place}. Go on with the same command, to be copied:\n{command}"
    say(text)
    assert lines(capsys) == [*text.split("\n"), ""]
    monkeypatch.setenv("COLUMNS", "40")
    say(text)
    assert lines(capsys) == [
        "Saved in",
        f"{place}.",
        "Go on with the same command, to be",
        "copied:",
        command,
        "",
    ]


def test_names_are_text_whatever_they_look_like(capsys: pytest.CaptureFixture[str]):
    say("runs/exp[v2] and a[/b] and own:car:make")
    assert lines(capsys)[0] == "runs/exp[v2] and a[/b] and own:car:make"


def test_what_is_no_number_is_null_in_json(capsys: pytest.CaptureFixture[str]):
    print_json({"a": math.nan, "b": [math.inf, 1.5, (2,)], 0.1: Path("runs/demo"), "c": True})
    assert json.loads(lines(capsys)[0], parse_constant=pytest.fail) == {
        "a": None,
        "b": [None, 1.5, [2]],
        "0.1": "runs/demo",
        "c": True,
    }


def test_a_minus_keeps_its_meaning_where_the_output_lacks_it(monkeypatch: pytest.MonkeyPatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    assert exit_code(lambda: say("\N{MINUS SIGN}0.014 \N{EN DASH} \N{BLACK CIRCLE}")) == 0
    assert written.getvalue() == b"-0.014 - ?\n"


def test_progress_is_shown_in_terminals_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    for forced, shown in (("", False), ("1", True)):
        monkeypatch.setenv("FORCE_COLOR", forced)
        with counting("Following episodes", 4) as more:
            more(4)
        written = capsys.readouterr()
        assert ("Following episodes" in written.err) is shown
        assert written.out == ""
    with counting("Following episodes", 4, visible=False) as more:
        more(1)
    assert capsys.readouterr().err == ""
