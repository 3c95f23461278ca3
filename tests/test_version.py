"""The version: one place says it, and nobody pays for it who does not ask."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

from helpers import environment

ROOT = Path(__file__).parents[1]


def test_the_version_is_that_of_the_installed_package():
    import routed_rl

    assert routed_rl.__version__ == version("routed-rl")
    assert "version" in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dynamic"]


def test_importing_us_does_not_look_it_up():
    code = "import sys, routed_rl; print('routed_rl.version' in sys.modules)"
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=environment())
    assert done.stdout.strip() == "False"


def test_the_changelog_has_its_headings_and_no_others():
    lines = (ROOT / "CHANGELOG.md").read_text().splitlines()
    versions = [line for line in lines if line.startswith("## ")]
    headings = [line for line in lines if line.startswith("### ")]
    assert versions[0].startswith("## 0.2.0 ")
    assert headings == ["### Added", "### Changed", "### Removed", "### Fixed"] * len(versions)


def test_a_release_without_its_heading_is_refused_before_anything_is_built():
    words = [str(ROOT / ".ci" / "release"), "9.9.9"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "no heading '## 9.9.9 (YYYY-MM-DD)'" in done.stdout


def test_a_container_is_given_all_that_it_copies():
    """What a `COPY` names passes `.dockerignore`, and so does all that a wheel is made of."""
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line[0] == "!"}
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    copied = {line.split()[1] for line in lines if line.startswith("COPY ")} - {"--from=build", "."}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    needed = copied | {Path(folder).parts[0] for folder in wheel} | {"README.md", "LICENSE"}
    assert needed <= kept
    assert all((ROOT / name).exists() for name in kept)
