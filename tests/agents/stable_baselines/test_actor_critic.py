"""The routed policy of stable-baselines3: which parts learn from which label."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from baselines import (
    backward,
    lesson,
    routed_policy,
    routed_ppo,
    size,
    vec_env,
)

from routed_agents import (
    RoutedActorCriticPolicy,
    get_method,
)
from routed_agents.stable_baselines.extractor import SmallCnn
from routed_envs.gridworld.world import OUTCOMES


@pytest.mark.parametrize("routing", ["activations", "parameters"])
@pytest.mark.parametrize("label", OUTCOMES.labels)
def test_each_label_teaches_exactly_the_parts_that_its_row_opens(label: str, routing: str):
    policy, row = routed_policy(routing=routing), get_method("routed", OUTCOMES).rows[label]
    backward(policy, lesson(policy, label))
    for weight, expert in zip(row.experts, policy.mixture.experts.values(), strict=True):
        assert (size(expert) > 0) == (weight > 0)
    assert size(policy.mixture.head) > 0
    assert policy.mixture.gate is not None
    assert size(policy.mixture.gate) > 0  # From the policy's loss, or from the gate's own.
    backward(policy, lesson(policy, label), gate_only=True)
    assert (size(policy.mixture.gate) > 0) == (row.target is not None)
    assert size(policy.mixture.head) == 0


def test_the_gates_own_loss_has_the_gradient_of_its_cross_entropy():
    policy = routed_policy()
    given = lesson(policy, "ghost")
    backward(policy, given, gate_only=True)
    found = [p.grad.clone() for p in policy.mixture.gate.parameters() if p.grad is not None]  # type: ignore[union-attr]
    policy.zero_grad()
    logits = policy.mixture.gate_logits(given.observations.float().flatten(1))
    (0.5 * -logits.log_softmax(1)[:, 1].mean()).backward()
    for one, parameter in zip(found, policy.mixture.gate.parameters(), strict=True):  # type: ignore[union-attr]
        assert torch.allclose(one, parameter.grad)  # pyright: ignore[reportArgumentType]


def test_the_two_kinds_of_routing_differ_in_what_reaches_a_shared_trunk():
    found = {}
    for routing in ("activations", "parameters"):
        policy = routed_policy(
            routing=routing,
            features_extractor_class=SmallCnn,
            features_extractor_kwargs={"features_dim": 8, "channels": (2,)},
        )
        given = lesson(policy, "diamond")
        backward(policy, given)
        assert size(policy.mixture.experts["ghost"]) == 0
        trunk = [p.grad.clone() for p in policy.features_extractor.parameters()]  # pyright: ignore[reportOptionalMemberAccess]
        backward(policy, given, gate_only=True)
        gate = [p.grad for p in policy.features_extractor.parameters()]
        # What the policy's loss brings the trunk; the gate's own loss reaches it in both.
        found[routing] = [a - b for a, b in zip(trunk, gate, strict=True)]  # pyright: ignore[reportOperatorIssue]
        backward(policy, given.observations)
        found["open"] = [p.grad.clone() for p in policy.features_extractor.parameters()]  # pyright: ignore[reportOptionalMemberAccess]
    pairs = zip(found["parameters"], found["open"], strict=True)
    assert all(torch.allclose(one, other, atol=1e-6) for one, other in pairs)
    pairs = zip(found["activations"], found["open"], strict=True)
    assert not any(torch.allclose(one, other, atol=1e-6) for one, other in pairs)


def test_parts_that_are_not_shared_have_a_features_extractor_of_their_own():
    trunk = {
        "features_extractor_class": SmallCnn,
        "features_extractor_kwargs": {"features_dim": 8},
    }
    shared, apart = routed_policy(**trunk), routed_policy(shared=(), **trunk)
    mixed = routed_policy(shared=("experts", "value"), **trunk)

    def extractors(policy: RoutedActorCriticPolicy) -> int:
        return sum(isinstance(module, SmallCnn) for module in policy.modules())

    assert [extractors(policy) for policy in (shared, apart, mixed)] == [1, 4, 2]
    backward(apart, lesson(apart, "diamond"))
    assert size(apart.mixture.experts["ghost"]) == 0
    assert size(apart.mixture.experts["diamond"][0]) > 0  # pyright: ignore[reportIndexIssue]


def test_the_policy_alone_is_saved_and_loaded_as_in_the_library(tmp_path: Path):
    policy = routed_ppo().policy
    policy.save(str(tmp_path / "policy"))
    again = RoutedActorCriticPolicy.load(str(tmp_path / "policy"))
    seen = vec_env().reset()
    for steering in ("ghost", None):
        expected = policy.steer(steering).action_probabilities(seen)
        assert torch.equal(again.steer(steering).action_probabilities(seen), expected)
