"""Responsibilities: what is believed of endings that nobody saw, by hand and by contract."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
import torch
from helpers import baseline, loss_settings, network, rollout_ending_as, tiny_with
from hypothesis import given
from hypothesis import strategies as st

from routed_agents import (
    BestOverseen,
    GateMemory,
    Method,
    Responsibilities,
    Row,
    get_method,
    policy_belief,
)
from routed_agents.learner import loss, make_batch
from routed_agents.methods.ending_model import EndingModel
from routed_agents.methods.gate_memory import draw, drop_channels, remember
from routed_agents.methods.responsibilities import (
    TRIED_ON,
    ModelBelief,
    belief_figures,
    log_likelihoods,
    lost_touch,
)
from routed_agents.methods.table import Table
from routed_agents.policies.mixture import Mixture, deal
from routed_agents.rollout import Rollout, spread_labels
from routed_envs import InputError, Outcomes
from routed_envs.gridworld.world import OUTCOMES
from routed_rl import Experiment

DIAMOND, GHOST, TIMEOUT, UNKNOWN, UNFINISHED = range(5)
INFERRED = get_method("inferred", OUTCOMES)
INFERRING = ("inferred", "inferred-model", "inferred-model-final")


def ending_as(codes: list[int], **changes: Any) -> Rollout:
    """One-step episodes of which the overseer says the given things, and the policy that acted."""
    labels = torch.tensor([codes])
    rollout = rollout_ending_as("unknown", steps=1, count=len(codes))
    own = {"labels": labels, "ended": labels != UNFINISHED, "policy": network()}
    own |= {"actors": deal(len(codes), 2)}
    return dataclasses.replace(rollout, **own | changes)


def believing(*beliefs: float) -> Responsibilities:
    """Always the same belief in the diamond, ending by ending."""

    def belief(rollout: Rollout, where: torch.Tensor, memory: dict, generator: torch.Generator):
        first = torch.tensor(beliefs)[: int(where.sum())]
        return torch.stack((first, 1 - first), 1), memory

    return Responsibilities(belief, window=4)


def test_the_policys_belief_is_bayes_rule():
    rollout = ending_as([UNKNOWN, DIAMOND, UNKNOWN])
    assert isinstance(rollout.policy, Mixture)
    found, _ = policy_belief(rollout, rollout.labels >= 0, {}, torch.Generator())
    for index in range(3):
        seen, action = rollout.observations[0, index : index + 1], rollout.actions[0, index]
        prior = rollout.policy.gate_logits(seen).softmax(1)[0].tolist()
        flat = seen.flatten(1).float()
        likelihood = [
            rollout.policy.head(expert(flat)).softmax(1)[0, action].item()
            for expert in rollout.policy.experts.values()
        ]
        joint = [p * q for p, q in zip(prior, likelihood, strict=True)]
        assert found[index].tolist() == pytest.approx([x / sum(joint) for x in joint], rel=1e-5)
    assert not found.requires_grad


@dataclasses.dataclass
class Saying:
    """A policy whose gate and whose experts say the same of every ending."""

    prior: list[float]
    likelihood: list[float]

    def gate_logits(self, inputs: torch.Tensor) -> torch.Tensor:
        return torch.tensor(self.prior).log().expand(len(inputs), -1)

    def each_log_probability(self, inputs: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
        return torch.tensor(self.likelihood).log().expand(len(inputs), -1)


def test_a_likelihood_counts_for_as_much_as_labels_say_it_is_worth():
    """By hand: gate 3 to 1 for the diamond, experts 1 to 16 for it. The labels are all diamonds,
    which are likeliest without the experts; or all ghosts, which are so with all they say."""

    def believed(code: int, memory: dict) -> tuple[list[float], dict]:
        policy = Saying([0.75, 0.25], [1.0, 16.0])
        rollout = ending_as([code, UNKNOWN], policy=policy)
        found, memory = policy_belief(rollout, rollout.ended, memory, torch.Generator())
        return found[1].tolist(), memory

    first, memory = believed(DIAMOND, {})
    assert first == pytest.approx([3 / 19, 16 / 19]), "Bayes, until there is a label"
    second, memory = believed(DIAMOND, memory)
    assert second == pytest.approx([0.75, 0.25])
    assert memory["verdicts"].tolist() == [DIAMOND, DIAMOND], "what nobody saw is no evidence"
    for _ in range(TRIED_ON):
        _, memory = believed(GHOST, memory)
    assert memory["evidence"].shape == (TRIED_ON, 2, 2)
    assert believed(GHOST, memory)[0] == pytest.approx([3 / 19, 16 / 19])
    half = {"verdicts": torch.tensor([DIAMOND, GHOST]), "evidence": memory["evidence"][:2]}
    # Of one of each even odds are likeliest; 3 to 4, with the likelihood's root, are the nearest.
    assert believed(UNKNOWN, half)[0] == pytest.approx([3 / 7, 4 / 7])


def test_a_belief_that_is_surer_than_its_labels_are_right_keeps_its_likelihood():
    """The experts are sure of the diamond; one label in five is wrong, which says so of labels."""
    policy = Saying([0.5, 0.5], [0.99, 0.01])
    rollout = ending_as([DIAMOND] * 4 + [GHOST], policy=policy)
    _, memory = policy_belief(rollout, rollout.ended, {}, torch.Generator())
    rollout = ending_as([UNKNOWN], policy=policy)
    found, _ = policy_belief(rollout, rollout.ended, memory, torch.Generator())
    assert found[0].tolist() == pytest.approx([0.99, 0.01])


BOTH = {"labels_seen": torch.tensor([3, 2])}
"""Every target has had labels."""


def test_what_is_known_is_certain_and_what_is_not_is_believed():
    codes = [DIAMOND, UNKNOWN, GHOST, TIMEOUT, UNFINISHED]
    shares, memory = believing(0.5, 0.75, 0.25)(ending_as(codes), BOTH, torch.Generator())
    assert shares[0].tolist() == [
        [1.0, 0.0, 0.0, 0.0, 0.0],
        [0.75, 0.25, 0.0, 0.0, 0.0],
        [0.0, 1.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 1.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.0, 1.0],
    ]
    assert memory["labels_seen"].tolist() == [4, 3]


def test_the_experts_alone_decide_until_every_target_has_had_a_label():
    rollout = ending_as([UNKNOWN, GHOST])
    likely = log_likelihoods(rollout, rollout.ended).softmax(1)
    shares, memory = believing(0.75, 0.75)(rollout, {}, torch.Generator())
    assert shares[0, 0].tolist() == [*likely[0].tolist(), 0.0, 0.0, 0.0]
    assert shares[0, 1].tolist() == [0.0, 1.0, 0.0, 0.0, 0.0]
    figures = belief_figures(memory)
    assert figures is not None
    assert figures["without_label"] == 1
    shares, memory = believing(0.75, 0.75)(ending_as([DIAMOND]), memory, torch.Generator())
    shares, _ = believing(0.75, 0.75)(rollout, memory, torch.Generator())
    assert shares[0, 0].tolist() == [0.75, 0.25, 0.0, 0.0, 0.0]


def test_a_belief_is_measured_on_the_labels_that_arrive():
    assert belief_figures({}) is None
    responsibilities = believing(0.75, 0.875, 0.625, 0.25, 0.5)
    rollout = ending_as([DIAMOND] * 3 + [UNKNOWN])
    _, memory = responsibilities(rollout, BOTH, torch.Generator())
    found = belief_figures(memory)
    assert found == {"agreement": 1.0, "sureness": 0.75, "labels": 3, "without_label": 0}
    _, memory = responsibilities(ending_as([GHOST, GHOST, UNKNOWN]), memory, torch.Generator())
    # Of the last four two were ghosts, and taken for diamonds.
    expected = {"agreement": 0.5, "sureness": (0.875 + 0.625 + 0.75 + 0.875) / 4}
    assert belief_figures(memory) == expected | {"labels": 4, "without_label": 0}


def test_a_belief_has_lost_touch_where_it_is_sure_of_what_labels_contradict():
    sure = {"agreement": 0.6, "sureness": 0.95, "labels": 400.0, "without_label": 0.0}
    assert lost_touch(sure)
    assert not lost_touch(sure | {"agreement": 0.8})  # One label in five is wrong, say.
    assert not lost_touch(sure | {"sureness": 0.7})
    assert not lost_touch(sure | {"labels": 20.0})


def test_a_model_is_measured_before_it_learns_from_a_label():
    """It is asked of the endings of a rollout before they are shown to it."""
    belief = ModelBelief(EndingModel("last", steps=50))
    rollout, generator = ending_as([DIAMOND, GHOST] * 8), torch.Generator().manual_seed(0)
    first, memory = belief(rollout, rollout.ended, {}, generator)
    fresh = EndingModel("last").started(rollout, {}, torch.Generator().manual_seed(0))
    untaught = EndingModel("last").scores(rollout, rollout.ended, fresh).softmax(1)
    assert torch.equal(first, untaught)
    second, _ = belief(rollout, rollout.ended, memory, generator)
    assert (second.argmax(1) == rollout.labels[0]).all()


def test_what_is_dropped_teaches_a_model_nothing():
    rollout = ending_as([DIAMOND, GHOST] * 4)
    first = EndingModel("last").started(rollout, {}, torch.Generator().manual_seed(0))
    for dropout, same in ((1.0, True), (0.5, False), (0.0, False)):
        model = EndingModel("last", dropout=dropout)
        memory = model.learn(rollout, first, torch.Generator().manual_seed(0))
        assert torch.equal(memory["hidden_weight"], first["hidden_weight"]) == same
        assert not torch.equal(memory["output_bias"], first["output_bias"])


def test_a_model_that_is_not_told_sees_oversight_and_one_that_is_told_does_not():
    rollout = ending_as([UNKNOWN] * 6)
    other = dataclasses.replace(rollout, observations=rollout.observations.clone())
    other.observations[:, :, 3] ^= 1
    model = EndingModel("last")
    memory = model.started(rollout, {}, torch.Generator().manual_seed(0))
    for mask, equal in ((rollout.oversight_mask, True), (None, False)):
        told = [dataclasses.replace(r, oversight_mask=mask) for r in (rollout, other)]
        found = [model.scores(r, rollout.ended, memory) for r in told]
        assert torch.equal(*found) == equal


def test_each_expert_is_paid_for_its_own_ending():
    """By hand: q - 0.25 (1 - q), where q is the share of the expert that acts."""
    labels = torch.zeros((1, 4, 5))
    labels[0, :, :2] = torch.tensor([[1.0, 0.0], [0.6, 0.4], [0.6, 0.4], [0.0, 1.0]])
    rewards = Table.of(INFERRED, OUTCOMES).rewards(
        torch.ones(1, 4), torch.ones(1, 4, dtype=torch.bool), labels, deal(4, 2)
    )
    assert rewards[0].tolist() == pytest.approx([1.0, 0.6 - 0.1, 0.4 - 0.15, 1.0])


def test_an_open_ending_and_a_timeout_keep_the_environments_reward():
    labels = torch.tensor([[UNKNOWN, TIMEOUT, UNFINISHED, UNKNOWN]])
    given_, ended = torch.tensor([[1.0, 0.0, 0.25, 1.0]]), torch.tensor([[True, True, False, True]])
    table = Table.of(INFERRED, OUTCOMES)
    certain = torch.nn.functional.one_hot(labels, 5).float()
    for told in (labels, certain):
        assert torch.equal(table.rewards(given_, ended, told, deal(4, 2)), given_)


METHOD = Method(
    name="by hand",
    summary="",
    experts=("diamond", "ghost"),
    gate="learned",
    rows={
        "diamond": Row((1.0, 0.5), gate=0.0, target="diamond", reward=(2.0, -1.0), weight=2.0),
        "ghost": Row((0.0, 1.0), target="ghost", reward=-3.0),
        "timeout": Row((1.0, 1.0)),
        "unknown": Row((1.0, 1.0), weight=0.0),
        "unfinished": Row((0.25, 0.25)),
    },
    acts="experts",
)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=8), st.integers(0, 2**31))
def test_certain_labels_teach_what_their_codes_do(codes: list[int], seed: int):
    table, labels = Table.of(METHOD, OUTCOMES), torch.tensor([codes])
    certain = torch.nn.functional.one_hot(labels, 5).float()
    rewards = torch.randn((1, len(codes)), generator=torch.Generator().manual_seed(seed))
    actors, ended = deal(len(codes), 2), labels != UNFINISHED
    assert torch.equal(
        table.rewards(rewards, ended, labels, actors),
        table.rewards(rewards, ended, certain, actors),
    )
    one, other = table.lesson(labels[0]), table.lesson(certain[0])
    assert torch.equal(one.routes.experts, other.routes.experts)
    assert torch.equal(one.routes.gate, other.routes.gate)
    assert torch.equal(one.weights, other.weights)
    assert torch.equal(one.has_target, other.has_target)
    held = one.has_target.bool()
    assert torch.equal(one.targets[held], other.targets.argmax(1)[held])


def test_uncertain_labels_teach_the_average_of_their_rows():
    labels = torch.tensor([[0.75, 0.25, 0.0, 0.0, 0.0]])
    lesson = Table.of(METHOD, OUTCOMES).lesson(labels)
    assert lesson.routes.experts.tolist() == [[0.75, 0.625]]
    assert lesson.routes.gate.tolist() == [0.25]
    assert lesson.weights.tolist() == [1.75]
    assert lesson.targets.tolist() == [[0.75, 0.25]]
    assert lesson.has_target.tolist() == [1.0]


def test_probabilities_are_spread_over_the_steps_of_their_episodes():
    ended = torch.tensor([[False, True], [True, False], [False, False]])
    labels = torch.rand(3, 2, 5, generator=torch.Generator().manual_seed(0))
    spread = spread_labels(labels, ended, UNFINISHED)
    unfinished = [0.0, 0.0, 0.0, 0.0, 1.0]
    assert spread[0, 0].tolist() == spread[1, 0].tolist() == labels[1, 0].tolist()
    assert spread[0, 1].tolist() == labels[0, 1].tolist()
    assert spread[2, 0].tolist() == spread[1, 1].tolist() == spread[2, 1].tolist() == unfinished


def test_environments_are_dealt_out_evenly():
    assert deal(6, 2).tolist() == [0, 0, 0, 1, 1, 1]
    assert deal(5, 2).tolist() == [0, 0, 0, 1, 1]
    assert deal(7, 3).tolist() == [0, 0, 0, 1, 1, 2, 2]


def test_an_expert_that_acts_alone_has_its_steered_logits():
    policy = network()
    seen = ending_as([UNKNOWN] * 5).observations
    found = policy.solo_logits(seen)
    for environment, weights in enumerate(((1.0, 0.0),) * 3 + ((0.0, 1.0),) * 2):
        steered = policy.steered_logits(seen[:, environment], weights)
        assert torch.allclose(found[:, environment], steered, atol=1e-6)
    each = policy.each_logits(seen[0])
    assert torch.allclose(each[0, 0], found[0, 0], atol=1e-6)
    assert torch.allclose(each[4, 1], found[0, 4], atol=1e-6)


def part_gradients(rollout: Rollout, labels: torch.Tensor, method: Method) -> dict[str, float]:
    """The largest gradient in each part of the policy."""
    policy = network()
    batch = make_batch(rollout, labels, Table.of(method, OUTCOMES))
    total, _ = loss(policy, baseline(2), batch, loss_settings(gate_coefficient=0.0))
    total.backward()
    return {
        name: max(
            0.0 if p.grad is None else float(p.grad.abs().max())
            for n, p in policy.named_parameters()
            if n.startswith(name)
        )
        for name in ("experts.diamond", "experts.ghost", "gate", "head")
    }


def test_an_episode_teaches_the_expert_that_acted_and_no_other():
    rollout = ending_as([UNKNOWN] * 4)
    for actor, (own, other) in enumerate((("diamond", "ghost"), ("ghost", "diamond"))):
        # Only the environments of one expert have a weight.
        rows = dict.fromkeys(OUTCOMES.labels, Row(experts=(float(actor == 0), float(actor == 1))))
        found = part_gradients(rollout, rollout.labels, dataclasses.replace(INFERRED, rows=rows))
        assert found[f"experts.{own}"] > 0
        assert found[f"experts.{other}"] == 0
        assert found["gate"] == 0


def test_a_closed_route_leaves_the_head_to_learn_as_in_the_mixture():
    rollout = ending_as([UNKNOWN] * 4)
    closed = dict.fromkeys(OUTCOMES.labels, Row(experts=(0.0, 0.0)))
    found = part_gradients(rollout, rollout.labels, dataclasses.replace(INFERRED, rows=closed))
    assert found["experts.diamond"] == found["experts.ghost"] == 0
    assert found["head"] > 0


def test_the_gate_remembers_the_last_steps_of_overseen_episodes():
    rule, table = GateMemory(remembered=3, batch=64, dropout=0.0), Table.of(INFERRED, OUTCOMES)
    rollout = ending_as([DIAMOND, UNKNOWN, TIMEOUT, GHOST, UNFINISHED])
    memory = remember(rule, {}, rollout, rollout.labels, table)
    assert memory["targets"].tolist() == [DIAMOND, GHOST]
    assert torch.equal(memory["observations"], rollout.observations[0, [0, 3]])
    memory = remember(rule, memory, rollout, rollout.labels, table)
    assert memory["targets"].tolist() == [GHOST, DIAMOND, GHOST]
    drawn = draw(rule, memory, torch.Generator().manual_seed(0))
    assert drawn is not None
    assert drawn.observations.shape == (64, 4, 5, 5)
    assert set(drawn.targets.tolist()) == {DIAMOND, GHOST}
    for seen, target in zip(drawn.observations, drawn.targets, strict=True):
        assert torch.equal(seen, rollout.observations[0, 0 if target == DIAMOND else 3].float())


def test_a_gate_without_memories_learns_nothing():
    rule, table, rollout = GateMemory(), Table.of(INFERRED, OUTCOMES), ending_as([UNKNOWN])
    memory = remember(rule, {}, rollout, rollout.labels, table)
    assert draw(rule, memory, torch.Generator()) is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GateMemory(remembered=0), "remembered=0: give a whole number of at least 1"),
        (lambda: EndingModel("last", remembered=-1), "remembered=-1: give"),
        (lambda: Responsibilities(window=0), "window=0: give"),
        (lambda: BestOverseen({}, episodes=0), "episodes=0: give"),
    ],
)
def test_memories_of_nothing_are_refused(make: Any, message: str):
    """The slice of the last 0 entries, `[-0:]`, is all of them."""
    with pytest.raises(InputError, match=message):
        make()


def test_channels_are_dropped_whole_and_as_often_as_said():
    seen = torch.ones(4000, 4, 5, 5)
    found = drop_channels(seen, 0.25, torch.Generator().manual_seed(0)).flatten(2)
    assert torch.equal(found.amin(2), found.amax(2))
    assert float((found == 0).float().mean()) == pytest.approx(0.25, abs=0.015)
    assert drop_channels(seen, 0.0, torch.Generator()) is seen


def test_rewards_for_each_expert_need_experts_that_act():
    row = Row((1.0, 1.0), reward=(1.0, 0.0))
    with pytest.raises(InputError, match=r"one for each expert.*acts='experts'"):
        Method("m", "", ("a", "b"), "learned", {"timeout": row})
    short = dataclasses.replace(row, reward=(1.0,))
    with pytest.raises(InputError, match=r"reward=\(1\.0,\) has 1 values for 2 experts"):
        Method("m", "", ("a", "b"), "learned", {"timeout": short}, acts="experts")


@pytest.mark.parametrize("name", INFERRING)
def test_three_targets_have_three_experts_that_are_paid_alike(name: str):
    outcomes = Outcomes(("gold", "silver", "trap"), good=("gold",))
    method = get_method(name, outcomes)
    assert method.rows["silver"].reward == (-0.25, 1.0, -0.25)
    assert method.experts == outcomes.targets


@pytest.mark.parametrize("name", INFERRING)
def test_with_every_label_seen_nothing_is_inferred(name: str):
    """Then the belief changes nothing, whatever it is."""
    made = []
    for belief in (policy_belief, lambda r, w, m, g: (torch.full((int(w.sum()), 2), 0.5), m)):
        method = dataclasses.replace(INFERRED, name=name, relabel=Responsibilities(belief))
        experiment = Experiment.of(tiny_with(oversight=1.0), method=method)
        state = experiment.start()
        for _ in range(3):
            experiment.update(state)
        made.append(state.policy.head.weight)
    assert torch.equal(*made)


def test_the_value_of_a_state_is_each_experts_own():
    """By hand: one step, no discount of the future; the loss is the error of the actor's value."""
    rollout = ending_as([DIAMOND, DIAMOND])
    value = baseline(2)
    batch = make_batch(rollout, rollout.labels, Table.of(INFERRED, OUTCOMES))
    _, terms = loss(network(), value, batch, loss_settings())
    first, second = value(rollout.observations[0]).detach()
    errors = (1.0 - float(first[0]), -0.25 - float(second[1]))
    assert float(terms["value_loss"]) == pytest.approx(sum(e * e for e in errors) / 2, rel=1e-5)
    assert math.isfinite(float(terms["gate_loss"]))
