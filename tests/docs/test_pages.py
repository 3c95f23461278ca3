"""What README and pages say: commands, links, code and names are right."""

from __future__ import annotations

import ast
import functools
import importlib
import io
import json
import re
import tomllib
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from pages import HOUSE, PAGES, README, anchors, blocks, commands, links, mentioned, name

import routed_agents
from routed_envs.gridworld.world import OUTCOMES
from routed_rl.any_config import STUDIES
from routed_rl.cli.main import COMMANDS, parse

PROJECT = tomllib.loads((HOUSE / "pyproject.toml").read_text())["project"]
PACKAGES = ("routed_rl", "routed_agents", "routed_envs")
AS_THEY_ARE = [
    [".", ".venv/bin/activate"],
    [".ci/run"],
    ["jq", '.figures[] | select(.figure == "episode_return")'],
]
"""Commands of which there is nothing to check."""
TOLD = "| methods | labels |"

each_page = pytest.mark.parametrize("page", PAGES, ids=name)


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the files are that commands read."""
    monkeypatch.chdir(tmp_path)


@each_page
def test_every_command_of_a_page_is_understood(page: Path):
    for words in commands(page):
        fault = _fault(words)
        assert fault is None, f"{name(page)}: {' '.join(words)}\n{fault}"


def test_a_command_that_is_not_understood_is_found():
    assert _fault(["routed-rl", "train", "--overseight", "0.1"]) is not None
    assert _fault(["routed-rl", "trian"]) is not None
    assert _fault(["make", "coffee"]) is not None
    assert _fault(["python", "scripts/nothing.py"]) is not None
    assert _fault(["python", "scripts/map_methods.py", "--sedes", "2"]) is not None
    assert _fault(["pip", "install", "routed-rl[everything]"]) is not None
    assert _fault(["rm", "-rf", "runs"]) is not None


@each_page
def test_every_option_that_a_sentence_mentions_exists(page: Path):
    for words in mentioned(page):
        if words[1].startswith("--"):
            continue
        assert words[1] in COMMANDS, f"{name(page)}: {' '.join(words)}"
        study = words[2] if words[1] == "study" and words[2] in STUDIES else ""
        known = _help(words[1], "env" if "--env" in words else study)
        for word in words[2:]:
            if word.startswith("--"):
                assert word in known, f"{name(page)}: {' '.join(words)}"


@each_page
def test_every_command_stands_in_a_block_that_says_so(page: Path):
    for code in blocks(page, ""):
        assert not re.search(r"^(routed-rl|make|pip|python|torchrun) ", code, re.MULTILINE), code


def _fault(words: list[str]) -> str | None:
    """What is wrong with a command, or None."""
    program, *rest = words
    if words in AS_THEY_ARE:
        return None
    if program == "routed-rl":
        return _refusal(rest)
    if program == "make":
        targets = re.findall(r"^(\w+):", (HOUSE / "Makefile").read_text(), re.MULTILINE)
        return None if set(rest) <= set(targets) else "There is no such target."
    if program == "pip":
        extras = re.findall(r"\[(\w+)\]", words[-1])
        known = PROJECT["optional-dependencies"]
        return None if extras and set(extras) <= set(known) else "There is no such extra."
    if program in ("python", "torchrun"):
        return _program_fault(rest)
    return "No test knows this program."


def _refusal(words: list[str]) -> str | None:
    """Why our command line does not take some words, or None; nothing is run."""
    said = io.StringIO()
    if "--config" in words:
        file = Path(words[words.index("--config") + 1])
        file.parent.mkdir(parents=True, exist_ok=True)
        there = {"env": words[words.index("--env") + 1]} if "--env" in words else {}
        file.write_text(json.dumps(there))
    try:
        with redirect_stderr(said), redirect_stdout(said):
            parse(words)
    except SystemExit as stop:
        return said.getvalue() if stop.code else None
    except Exception as refusal:
        return str(refusal)
    return None


def _program_fault(words: list[str]) -> str | None:
    """What is wrong with the call of a program in scripts/, or None."""
    place = next((word for word in words if "scripts" in word), "")
    file = HOUSE / (place if place.endswith(".py") else f"{place.replace('.', '/')}.py")
    if not file.is_file():
        return f"There is no program {place!r}."
    source = file.read_text()
    for word in words[words.index(place) + 1 :]:
        option = word.removeprefix("--")
        if word.startswith("--") and option.replace("-", "_") not in source:
            return f"{place} has no option {word}."
    return None


@functools.cache
def _help(command: str, kind: str) -> str:
    """What the help of a command says; of a study's, or of a command in environments."""
    words = {"": [], "env": ["--env", "CartPole-v1"]}.get(kind, [kind])
    said = io.StringIO()
    with redirect_stdout(said), pytest.raises(SystemExit):
        parse([command, *words, "--help"])
    return said.getvalue()


@each_page
def test_no_link_of_a_page_is_dead(page: Path):
    for target, anchor in links(page):
        assert target.exists(), f"{name(page)} links to {target}"
        if anchor:
            assert anchor in anchors(target), f"{name(page)} links to {target}#{anchor}"


def test_links_and_headings_are_read_as_they_stand(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("# A word, `two`: what?\n\n[x](#a) [y](z.md#b-c) [w](https://w.example/)\n")
    assert anchors(page) == {"a-word-two-what"}
    assert list(links(page)) == [(page, "a"), (tmp_path / "z.md", "b-c")]


@each_page
def test_python_of_a_page_uses_public_names(page: Path):
    for code in blocks(page, "python"):
        for package, used in _names(ast.parse(code)):
            public = importlib.import_module(package).__all__
            assert used in public, f"{name(page)}: {package}.{used}"


def _names(tree: ast.AST) -> list[tuple[str, str]]:
    """Every name of ours in some code, with its package."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in PACKAGES:
            found += [(node.module, one.name) for one in node.names]
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found += [(node.value.id, node.attr)] if node.value.id in PACKAGES else []
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_in_the_reference(package: str):
    page = (HOUSE / "docs" / "api" / f"{package}.md").read_text()
    described = re.findall(r"^\.\. auto\w+:: (\w+)$", page, re.MULTILINE)
    assert sorted(described) == sorted(importlib.import_module(package).__all__)


def test_the_readme_is_short():
    assert len(README.read_text().splitlines()) <= 150


def test_every_picture_is_shown():
    text = "\n".join(page.read_text() for page in PAGES)
    pictures = [file for file in (HOUSE / "docs").iterdir() if file.suffix in (".png", ".gif")]
    assert pictures
    assert [file.name for file in pictures if file.name not in text] == []
    drawings = (HOUSE / "docs" / "drawings").iterdir()
    assert [file.name for file in drawings if f"drawings/{file.name}" not in text] == []


def test_what_methods_are_told_is_what_they_say():
    rows = [line for line in README.read_text().splitlines() if line.startswith("| `")]
    table = {}
    for line in rows:
        first, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        if len(cells) == 4 and set(cells) <= {"yes", "no", ""}:
            methods = re.findall(r"`([\w-]+)`", first)
            table |= {method: [cell == "yes" for cell in cells] for method in methods}
    words = ("labels", "which entries show oversight", "the final observation", "the truth")
    assert len(table) == 11
    for method, told in table.items():
        said = routed_agents.get_method(method, OUTCOMES).told
        assert said == tuple(w for w, yes in zip(words, told, strict=True) if yes), method


def test_readme_and_concepts_tell_the_same():
    tables = [
        page.read_text().split(TOLD)[1].split("\n\n")[0]
        for page in (README, HOUSE / "docs" / "concepts.md")
    ]
    assert tables[0] == tables[1]


def test_the_citation_is_that_of_the_file():
    bibtex = blocks(HOUSE / "docs" / "comparison.md", "bibtex")[0]
    cited = (HOUSE / "CITATION.cff").read_text()
    for field in ("title", "version"):
        value = re.search(rf"{field} += \{{(.+)\}}", bibtex)
        assert value is not None
        assert re.search(rf'^{field}: "?{re.escape(value[1])}"?$', cited, re.MULTILINE)
    assert "2410.04332" in bibtex
