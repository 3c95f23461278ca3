"""What a page says of how it was made."""

import sys
from datetime import date
from importlib.metadata import version

import pytest

from routed_rl.charts.markup import document
from routed_rl.charts.origin import MOST_LETTERS, origin

TODAY = f"{date.today().isoformat()} · routed-rl {version('routed-rl')}"


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["/anywhere/routed-rl", "report", "my sweep"], "routed-rl report 'my sweep'"),
        (["/anywhere/routed_rl/__main__.py", "report", "s"], "python -m routed_rl report s"),
        (["scripts/map.py"], "map.py"),
        (["routed-rl", "report", "\udcff"], "routed-rl report '\N{REPLACEMENT CHARACTER}'"),
    ],
)
def test_a_page_says_command_day_and_version(
    words: list[str], command: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys, "argv", words)
    assert origin() == f"{command} · {TODAY}"


def test_where_no_program_was_started_a_page_says_no_command(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "argv", [""])
    assert origin() == TODAY


def test_a_long_command_is_cut(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "argv", ["routed-rl", "x" * 1000])
    assert len(origin()) == MOST_LETTERS + 1 + len(f" · {TODAY}")


def test_it_stands_in_the_title_and_under_the_heading_escaped(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "argv", ["routed-rl", "report", "<b>"])
    page = document("First & <last>", [], [])
    shown = f"routed-rl report &#39;&lt;b&gt;&#39; · {TODAY}"
    assert f"<title>First &amp; &lt;last&gt; &middot; {shown}</title>" in page
    assert f'<h1>First &amp; &lt;last&gt;</h1>\n<p class="facts">{shown}</p>' in page
