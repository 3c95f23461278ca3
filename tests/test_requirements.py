"""The pinned versions: the same everywhere, with hashes, and from nowhere in particular."""

from __future__ import annotations

import re
import runpy
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCKS = [ROOT / "requirements" / name for name in ("base.txt", "dev.txt")]
TORCH = {"torch", "fsspec", "mpmath", "networkx", "sympy"}
"""PyTorch and what it needs, some of which only it needs."""
BUILD = {
    *("editables", "hatchling", "hatch-vcs", "pathspec", "setuptools-scm", "tomlkit"),
    *("trove-classifiers", "vcs-versioning"),
}


def pins(path: Path) -> dict[str, str]:
    """The versions in a file, by the packages' names."""
    lines = re.findall(r"(?m)^([\w.-]+)==([^\s;]+)", path.read_text())
    return {canonicalize_name(name): version for name, version in lines}


def declared(*extras: str) -> dict[str, Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    words = [*project["dependencies"]]
    words += [word for extra in extras for word in project["optional-dependencies"][extra]]
    return {canonicalize_name(need.name): need for need in map(Requirement, words)}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_has_a_hash_for_every_version_and_no_address(lock: Path):
    entries = re.split(r"(?m)^(?=\w)", lock.read_text())[1:]
    assert len(entries) == len(pins(lock)) > 30
    assert all("--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"://|--index|--find-links|@ ", lock.read_text())


@pytest.mark.parametrize(("lock", "extras"), [(LOCKS[0], []), (LOCKS[1], ["dev"])])
def test_a_lock_has_what_is_declared_but_pytorch(lock: Path, extras: list[str]):
    needed = declared(*extras)
    assert needed.keys() - pins(lock).keys() == {"torch"}
    for name, version in pins(lock).items():
        assert name not in needed or needed[name].specifier.contains(version)


def test_locks_and_constraints_have_the_same_versions():
    pinned, (base, dev) = pins(ROOT / "constraints.txt"), map(pins, LOCKS)
    assert base.items() <= dev.items()
    for name, version in pinned.items():
        assert dev.get(name, version) == version
    assert pinned.keys() - dev.keys() <= TORCH | BUILD
    # For Windows, for browsers, and one of which PyTorch and others want different versions.
    assert dev.keys() - pinned.keys() == {"colorama", "httpx2-jsfetch", "setuptools"}


def verdict(*packages: dict[str, Any]) -> int:
    audit = runpy.run_path(str(ROOT / ".ci" / "audit.py"))
    return audit["verdict"]({"dependencies": packages})


def test_an_audit_names_holes_and_says_when_there_was_none(capsys: pytest.CaptureFixture[str]):
    sound = {"name": "a", "version": "1", "vulns": []}
    hole = {"name": "b", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["2.1", "3"]}]}
    assert verdict(sound, hole) == 1
    assert "b 2: CVE-1, fixed in 2.1 or 3" in capsys.readouterr().out
    assert verdict(sound) == 0
    assert "1 of 1 pinned versions" in capsys.readouterr().out
    assert verdict({"name": "a", "skip_reason": "not found"}) == 0
    assert "no audit was made" in capsys.readouterr().out


def test_an_audit_without_an_answer_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    silent = subprocess.CompletedProcess([], 1, "", "ConnectionError: no route")
    monkeypatch.setattr(subprocess, "run", lambda *words, **options: silent)
    audit = runpy.run_path(str(ROOT / ".ci" / "audit.py"))
    assert audit["main"]("constraints.txt") == 0
    assert "No audit was made" in capsys.readouterr().out
