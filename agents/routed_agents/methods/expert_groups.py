"""Fewer experts than outcomes: several outcomes teach one expert."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from routed_agents.methods.record import Method, Row
from routed_agents.policies.steering import steering_weights
from routed_envs.errors import InputError

Groups = Mapping[str, Sequence[str]]


def group_experts(method: Method, groups: Groups) -> Method:
    """The same method with one expert for each group of its experts.

    What taught any expert of a group teaches the group's: ``group_experts(get_method("routed",
    outcomes), {"good": ("diamond", "coin"), "bad": ("ghost",)})``.

    Args:
        method: With an expert for each outcome, say.
        groups: The new experts' names, with the experts that each replaces.

    Raises:
        InputError: The groups are not two or more, or do not hold each expert once; or the method's
            experts act alone.
    """
    if method.acts == "experts":
        raise InputError(
            f"The experts of {method.name} act alone, each for its own outcome, and cannot be "
            "grouped. Give a method whose mixture acts, such as routed; or declare the outcomes of "
            "a group as one."
        )
    members = [name for group in groups.values() for name in group]
    if len(groups) < 2 or sorted(members) != sorted(method.experts):
        raise InputError(
            f"groups={dict(groups)!r}: give two groups or more that together hold each of the "
            f"experts {', '.join(method.experts)} once."
        )
    weights, deploy = steering_weights(method.deploy, method.experts), None
    if weights is not None:
        own = dict(zip(method.experts, weights, strict=True))
        deploy = {group: sum(own[name] for name in names) for group, names in groups.items()}
    rows = {label: _group(row, method.experts, groups) for label, row in method.rows.items()}
    return dataclasses.replace(method, experts=tuple(groups), rows=rows, deploy=deploy)


def _group(row: Row, experts: Sequence[str], groups: Groups) -> Row:
    """The row of the new experts: each takes the largest weight of those it replaces."""

    def largest(values: Sequence[float]) -> tuple[float, ...]:
        own = dict(zip(experts, values, strict=True))
        return tuple(max(own[name] for name in names) for names in groups.values())

    target = [group for group, names in groups.items() if row.target in names]
    return dataclasses.replace(
        row,
        experts=largest(row.experts),
        target=target[0] if target else None,
        activations=None if row.activations is None else largest(row.activations),
    )
