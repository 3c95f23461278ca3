"""Writing an explorer: the page's parts, put together into one file that needs nothing else."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import PackageLoader
from markupsafe import Markup

from routed_agents.files import writable, write_atomically
from routed_agents.policies.policy import Policy
from routed_envs.errors import InputError
from routed_envs.worlds import World
from routed_rl.charts.markup import templates
from routed_rl.pictures.explorer.bundling import bundled
from routed_rl.pictures.explorer.gridworld_page import gridworld_content, in_gridworld
from routed_rl.pictures.explorer.sources import Source, check_count, check_kind, read_source
from routed_rl.pictures.explorer.states.states_page import states_content
from routed_rl.runs.run_folder import RunFolder

SUFFIX = ".html"


def explore(
    *policies: str | Path | Policy,
    out: str | Path | None = None,
    experts: Sequence[str] | None = None,
    world: World[Any] | None = None,
) -> Path:
    """Write one HTML file in which a policy, or two, can be looked at from every side.

    The page needs no server and asks nothing of a network. In the gridworld it holds the policies
    themselves and computes what it shows; a run's snapshots (`train(..., snapshots=5)`) are put in
    too. In any other world whose states can be listed (`routed_envs.EnumerableWorld`) it holds
    what everybody who may act would do in each of them, and how episodes end that start there.

    Args:
        *policies: One or two run folders, policy files or policies; a policy's own steering does
            not matter.
        out: The page, a name that ends in .html; `explorer.html` in the (first) run's folder if
            None. Missing folders are made.
        experts: The experts at the left and the right end of the dial; the second and the first
            one if None. Only the gridworld's page has a dial, for policies with several experts.
        world: Where policies live that were trained in a world of your own; files and folders do
            not hold it. A run's own oversight takes the place of this world's.

    Returns:
        The page.

    Raises:
        InputError: A run is not finished, damaged or too large; its world is another than the
            other one's, or its states cannot be listed; an unknown expert; or a target that cannot
            be written. Nothing was written.
        OSError: The disk is full, say; an older page is untouched.
    """
    target = _target(policies, out)
    sources = [read_source(given, number, world) for number, given in enumerate(policies)]
    check_count(sources)
    text = page(_renamed(sources), experts)
    write_atomically(writable(target), text.encode())
    return target


def page(sources: Sequence[Source[World[Any]]], experts: Sequence[str] | None = None) -> str:
    """The explorer's page as text: the gridworld's own one, or that of any world's states.

    Args:
        sources: One or two policies.
        experts: The ends of the gridworld's dial, left and right.

    Raises:
        InputError: As `explore`.
    """
    if in_gridworld(sources):
        return _filled("explorer", gridworld_content(sources, experts))
    if experts is not None:
        raise InputError(
            "--experts: only the gridworld's page has a dial; this one shows every expert. Leave "
            "it out."
        )
    return _filled("states", states_content(sources))


def _filled(name: str, content: dict[str, Any]) -> str:
    """One of the pages with its content and its program."""
    program = Markup(bundled(f"{name}.js", _module))
    loader = PackageLoader("routed_rl.pictures.explorer", "web")
    template = templates(loader).get_template(f"{name}.html")
    return template.render(title="Explorer", content=content, program=program)


def _module(path: str) -> str:
    """The text of a module of the page's program."""
    return files("routed_rl.pictures.explorer").joinpath("web", path).read_text(encoding="utf-8")


def _target(policies: Sequence[str | Path | Policy], out: str | Path | None) -> Path:
    """Where the page goes, before anything is read."""
    for given in policies:
        check_kind(given)
    if out is None:
        if not policies or isinstance(policies[0], Policy):
            raise InputError("Say where the page shall go: explore(policy, out='explorer.html').")
        path = Path(policies[0])
        return RunFolder(path if path.is_dir() else path.parent).explorer
    target = Path(out)
    if target.is_dir() or target.suffix.lower() != SUFFIX:
        raise InputError(f"--out {out}: the explorer is a page; give a name that ends in {SUFFIX}.")
    return target


def _renamed(sources: Sequence[Source[World[Any]]]) -> list[Source[World[Any]]]:
    """The policies with names that tell them apart."""
    if len({source.name for source in sources}) == len(sources):
        return list(sources)
    return [
        dataclasses.replace(source, name=str(source.path or f"{source.name} {number + 1}"))
        for number, source in enumerate(sources)
    ]
