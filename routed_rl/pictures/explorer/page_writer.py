"""Writing an explorer: the page's parts, put together into one file that needs nothing else."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import PackageLoader
from markupsafe import Markup

from routed_agents.files import write_atomically
from routed_agents.policies.policy import Policy
from routed_agents.policies.steering import steering_weights
from routed_envs.errors import InputError
from routed_rl.charts.markup import templates
from routed_rl.evaluation.record import DISCOUNT
from routed_rl.pictures.explorer.bundling import bundled
from routed_rl.pictures.explorer.packing import pack
from routed_rl.pictures.explorer.sources import (
    Source,
    check_kind,
    check_together,
    dial_ends,
    read_source,
)
from routed_rl.runs.run_folder import RunFolder

PAGE = "explorer.html"
SUFFIX = ".html"


def explore(
    *policies: str | Path | Policy,
    out: str | Path | None = None,
    experts: Sequence[str] | None = None,
) -> Path:
    """Write one HTML file in which a policy, or two, can be looked at from every side.

    The page holds the policies themselves and computes what it shows; it needs no server and asks
    nothing of a network. A run's snapshots (`train(..., snapshots=5)`) are put in too.

    Args:
        *policies: One or two run folders, policy files or policies; a policy's own steering does
            not matter.
        out: The page, a name that ends in .html; `explorer.html` in the (first) run's folder if
            None. Missing folders are made.
        experts: The experts at the left and the right end of the dial; the second and the first
            one if None. Only policies with several experts have a dial.

    Returns:
        The page.

    Raises:
        InputError: A run is not finished, damaged, too large, or lives in another world; an
            unknown expert; or a target that cannot be written. Nothing was written.
        OSError: The disk is full, say; an older page is untouched.
    """
    target = _target(policies, out)
    sources = [read_source(given, number) for number, given in enumerate(policies)]
    check_together(sources)
    if experts is not None and all(len(source.policy.experts) == 1 for source in sources):
        raise InputError("--experts: a policy with one expert has no dial. Leave it out.")
    text = page(_renamed(sources), experts)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, text.encode())
    except (PermissionError, FileExistsError, FileNotFoundError, NotADirectoryError) as error:
        raise InputError(
            f"{target} cannot be written ({error.strerror}). Give another file with --out."
        ) from None
    return target


def page(sources: Sequence[Source], experts: Sequence[str] | None = None) -> str:
    """The explorer's page as text.

    Args:
        sources: One or two policies that `check_together` does not refuse.
        experts: The ends of the dial, left and right.
    """
    content = {
        "discount": DISCOUNT,
        "policies": [_described(source, experts) for source in sources],
    }
    program = Markup(bundled("explorer.js", _module))
    template = templates(PackageLoader("routed_rl.pictures.explorer", "web")).get_template(PAGE)
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


def _renamed(sources: Sequence[Source]) -> list[Source]:
    """The policies with names that tell them apart."""
    if len({source.name for source in sources}) == len(sources):
        return list(sources)
    return [
        dataclasses.replace(source, name=str(source.path or f"{source.name} {number + 1}"))
        for number, source in enumerate(sources)
    ]


def _described(source: Source, experts: Sequence[str] | None) -> dict[str, Any]:
    """A policy as the page reads it."""
    policy, world = source.policy, source.world
    left, right = dial_ends(policy, experts if len(policy.experts) > 1 else None)
    weights = steering_weights(policy.deploy, policy.experts)
    return {
        "name": source.name,
        "facts": source.facts,
        "world": {
            "rows": world.rows,
            "cols": world.cols,
            "maxSteps": world.max_steps,
            "hidden": world.hidden_oversight,
            "spurious": world.spurious_oversight > 0,
        },
        "experts": list(policy.experts),
        "gate": policy.network.settings.gate,
        "deploy": None if weights is None else list(weights),
        "ends": [left, right],
        **pack(source),
    }
