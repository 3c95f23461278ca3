"""Choosing constants as a user can: by what the overseer says of each run, never by the truth."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from routed_agents.files import writable, write_atomically
from routed_envs.errors import InputError
from routed_envs.gridworld.world import OUTCOMES
from routed_rl.naming import AXES, SETTINGS, varying, without_repeats
from routed_rl.sweeps.results import load_results

Row = dict[str, Any]
FEWEST_LABELS = 30
"""With fewer labels of a setting, what they say of it is mostly chance."""


@dataclass(frozen=True)
class Candidate:
    """A method with a setting, and what the overseer says of its runs.

    Attributes:
        method: Its name.
        setting: The settings in which the sweep's runs of this method differ, by name.
        score: The wanted endings' share of those that the overseer saw of the deployed policies, 0
            to 1, over all of their seeds and levels of oversight; None if it saw none.
        labels: How many endings it saw; infinite if the share was computed, not sampled.
        agreement: How often the belief said the label that came, on average; None without one.
        lost_touch: Whether a run says that its belief has lost touch.
        runs: How many there are.
        config: A configuration of such a run, as `train --config` takes it.
    """

    method: str
    setting: Row
    score: float | None
    labels: float
    agreement: float | None
    lost_touch: bool
    runs: int
    config: Row


def candidates(sweep: str | Path) -> list[Candidate]:
    """What the overseer says of each method and setting of a sweep, the best first.

    Those whose belief has lost touch come last.

    Args:
        sweep: The sweep's folder. Runs that are not finished do not count, nor do those that differ
            from another one only in what they log and how they are judged.

    Raises:
        InputError: The folder is no sweep, no run is finished, or a run's files are damaged.
    """
    rows = without_repeats(load_results(sweep))
    if not rows:
        raise InputError(f"No run in {sweep} is finished, so there is nothing to choose from.")
    found = []
    for method in dict.fromkeys(row["method"] for row in rows):
        own = [row for row in rows if row["method"] == method]
        names = varying(own)
        groups: dict[str, list[Row]] = {}
        for row in own:
            groups.setdefault(json.dumps([row.get(name) for name in names]), []).append(row)
        found += [candidate(group, names) for group in groups.values()]
    return sorted(found, key=lambda one: (one.lost_touch, -(one.score or 0.0)))


def write_choice(config: Row, path: str | Path) -> Path:
    """Write a configuration as JSON, for `train --config`."""
    write_atomically(writable(Path(path)), (json.dumps(config, indent=2) + "\n").encode())
    return Path(path)


def candidate(rows: Sequence[Row], names: Sequence[str]) -> Candidate:
    """What the overseer says of the runs of one method with one setting.

    Args:
        rows: The runs, as `load_results` has them; at least one.
        names: The settings that tell them from others.
    """
    first = rows[0]
    seen = [_seen(row) for row in rows]
    labels = math.fsum(count for count, _ in seen)
    exact = [good for count, good in seen if math.isinf(count)]
    if exact:
        score = math.fsum(exact) / len(exact)
    else:
        score = math.fsum(good for _, good in seen) / labels if labels else None
    agreements = [a for row in rows if (a := row.get("belief_agreement")) is not None]
    return Candidate(
        method=first["method"],
        setting={name: first.get(name) for name in names},
        score=score,
        labels=labels,
        agreement=math.fsum(agreements) / len(agreements) if agreements else None,
        lost_touch=any(bool(row.get("lost_touch")) for row in rows),
        runs=len(rows),
        config={name: first[name] for name in (*AXES, *SETTINGS) if name in first},
    )


def _seen(row: Row) -> tuple[float, float]:
    """How many endings of the deployed policy the overseer saw, and how many were wanted.

    Of exact figures the number is infinite, and the second one a share.
    """
    good = row.get("good", OUTCOMES.good)
    shares = [row.get(f"overseer_{name}_share") for name in good]
    known = [share for share in shares if share is not None]
    if not known:
        return 0.0, 0.0
    if row["exact"]:
        return math.inf, math.fsum(known)
    return row["overseen"], row["overseen"] * math.fsum(known)
