"""Steering: overriding the gate when a policy is used."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

from routed_envs.errors import InputError, unknown_name

Steering = str | float | Mapping[str, float] | None
"""An expert's name, a weight for each expert, the first of two experts' weight, or the gate."""


def steering_weights(steering: Steering, experts: Sequence[str]) -> tuple[float, ...] | None:
    """The weight of each expert, or None for the policy's own gate.

    Args:
        steering: An expert's name, a weight for each expert (those left out weigh 0; together 1),
            the first of two experts' weight, or None.
        experts: The experts' names.

    Returns:
        Weights in the order of the experts, with sum 1; or None.

    Raises:
        InputError: An unknown expert, a weight outside 0 to 1, weights whose sum is not 1, or a
            steering of another type.
    """
    if steering is None:
        return None
    if len(experts) == 1:
        raise InputError(
            f"steering={steering!r}: this policy has one expert, so there is nothing to steer. "
            "Leave it out, or give None (--steer deploy)."
        )
    if isinstance(steering, str):
        steering = {steering: 1.0}
    elif isinstance(steering, Real) and not isinstance(steering, bool):
        if len(experts) != 2:
            raise InputError(
                f"steering={steering!r}: a number steers between two experts; this policy has "
                f"{len(experts)}. Give a weight for each of {', '.join(experts)}."
            )
        steering = {experts[0]: float(steering), experts[1]: 1.0 - float(steering)}
    if not isinstance(steering, Mapping):
        raise InputError(
            f"steering={steering!r} is a {type(steering).__name__}. Give an expert's name, a "
            "weight for each expert, a number from 0 to 1, or None."
        )
    return _checked(steering, experts)


def plain_steering(steering: Steering) -> Steering:
    """A steering as JSON can hold it: NumPy's numbers as plain floats, a mapping as a dict."""
    if isinstance(steering, Mapping):
        return {name: _plain(weight) for name, weight in steering.items()}
    return _plain(steering)


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Real) and not isinstance(value, bool) else value


def _checked(weights: Mapping[str, float], experts: Sequence[str]) -> tuple[float, ...]:
    """The weights in the experts' order, or an error that says what is wrong with them."""
    for name in weights:
        if name not in experts:
            raise unknown_name("expert", name, experts)
    ordered = [weights.get(name, 0.0) for name in experts]
    if not all(isinstance(weight, Real) and 0 <= weight <= 1 for weight in ordered):
        raise InputError(f"Steering weights {dict(weights)!r}: each must be a number from 0 to 1.")
    total = math.fsum(ordered)
    if not math.isclose(total, 1, abs_tol=1e-6):
        raise InputError(
            f"Steering weights {dict(weights)!r} have the sum {total:g}. "
            "Give weights from 0 to 1 whose sum is 1."
        )
    return tuple(float(weight) for weight in ordered)
