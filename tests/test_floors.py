"""The house holds: a floor imports from the floors under it, a file's name says one thing."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import routed_agents
import routed_envs
import routed_rl

ROOT = Path(__file__).parents[1]
FLOORS = {"routed_envs": "envs", "routed_agents": "agents", "routed_rl": "."}
LEVELS = (
    ("routed_envs",),
    ("routed_agents",),
    ("config", "extras", "screen", "version"),
    ("environment_config", "study_configs"),
    ("any_config",),
    ("naming",),
    ("charts", "evaluation"),
    ("runs",),
    ("environments", "studies"),
    ("training",),
    ("sweeps", "pictures", "deployment"),
    ("report",),
    ("routed_rl",),  # The front door: what users import.
    ("cli",),
    ("__main__",),
)
"""The lowest first. Rooms of one level do not import each other."""
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}


def room(module: str) -> str:
    """A floor of its own, or a room of the top floor."""
    floor, _, inside = module.partition(".")
    inner = inside.partition(".")[0]
    return inner if floor == "routed_rl" and inner in LEVEL else floor


def imports(file: Path) -> Iterator[str]:
    """What a file imports from our floors, those inside functions too, as dotted names."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            names = [f"{'.' * node.level}{node.module}.{alias.name}" for alias in node.names]
        else:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        yield from (name for name in names if name.startswith((".", *FLOORS)))


def upward(file: Path, module: str) -> set[str]:
    """The imports of a module's file that do not go down."""
    here = room(module)
    return {
        f"{module} -> {name}"
        for name in imports(file)
        if room(name) != here
        if LEVEL.get(room(name), len(LEVELS)) >= LEVEL[here]
    }


@pytest.mark.parametrize("floor", FLOORS)
def test_imports_go_down_only(floor: str):
    home = ROOT / FLOORS[floor]
    found = set[str]()
    for file in (home / floor).rglob("*.py"):
        found |= upward(file, ".".join(file.relative_to(home).with_suffix("").parts))
    assert sorted(found) == []


def test_an_import_upwards_is_found_wherever_it_stands(tmp_path: Path):
    file = tmp_path / "exact.py"
    file.write_text(
        "def late():\n    from routed_rl.training import training\nimport routed_agents\n"
    )
    assert upward(file, "routed_rl.evaluation.exact") == {
        "routed_rl.evaluation.exact -> routed_rl.training.training"
    }
    assert len(upward(file, "routed_envs.errors")) == 2
    file.write_text("from routed_rl import train\nfrom .. import roc\n")
    assert len(upward(file, "routed_rl.report.page")) == 2
    assert len(upward(file, "routed_rl.cli.main")) == 1


def test_every_room_of_the_top_floor_has_its_level():
    found = [path for path in (ROOT / "routed_rl").iterdir() if path.name[:2] != "__"]
    rooms = {path.stem for path in found if path.suffix == ".py" or any(path.glob("*.py"))}
    assert sorted(rooms - set(LEVEL)) == []


@pytest.mark.parametrize(
    "folder", ["envs/routed_envs", "agents/routed_agents", "routed_rl", "scripts", "tests"]
)
def test_a_files_name_is_unique_on_its_floor(folder: str):
    files = [file for file in (ROOT / folder).rglob("*") if file.suffix in (".py", ".js", ".css")]
    names = Counter(file.name for file in files if file.stem not in ("__init__", "conftest"))
    assert [name for name, count in names.items() if count > 1] == []


def test_scripts_import_public_names_only():
    packages = (routed_envs, routed_agents, routed_rl)
    public = {f"{package.__name__}.{name}" for package in packages for name in package.__all__}
    found = {
        f"{file.name}: {name}"
        for file in (ROOT / "scripts").rglob("*.py")
        for name in imports(file)
        if name not in public | set(FLOORS)
    }
    assert sorted(found) == []
