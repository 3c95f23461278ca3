"""The methods that come with the project, each built from the outcomes of the world it learns in.

A method of several experts has one for each target, under its name.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from types import MappingProxyType

from routed_agents.methods.ending_model import EndingModel
from routed_agents.methods.record import BestOverseen, GateMemory, Method, Row
from routed_agents.methods.relabelling import RewardModel, ShuffledLabels
from routed_agents.methods.responsibilities import ModelBelief, Responsibilities, policy_belief
from routed_agents.policies.steering import Steering
from routed_envs.outcomes import Outcomes


def _steer_to_good(outcomes: Outcomes) -> Steering:
    """The good outcome's expert; where several are good, equal weights on theirs."""
    if len(outcomes.good) == 1:
        return outcomes.good[0]
    return {name: (name in outcomes.good) / len(outcomes.good) for name in outcomes.targets}


def _own(outcomes: Outcomes, target: str) -> tuple[float, ...]:
    """Weight 1 for a target's own expert, 0 for the others."""
    return tuple(float(name == target) for name in outcomes.targets)


def _everyone(outcomes: Outcomes) -> tuple[float, ...]:
    """Weight 1 for every expert."""
    return (1.0,) * len(outcomes.targets)


def routed(outcomes: Outcomes) -> Method:
    """Gradient routing: an overseen episode teaches only its own expert, the others teach all.

    Source: Cloud et al., arXiv 2410.04332, section 4.3.
    """
    rows = dict.fromkeys(outcomes.labels, Row(experts=_everyone(outcomes)))
    for target in outcomes.targets:
        rows[target] = Row(experts=_own(outcomes, target), gate=0.0, target=target)
    return Method(
        name="routed",
        summary="An overseen episode teaches only its own expert; the others teach every expert.",
        experts=outcomes.targets,
        gate="learned",
        rows=rows,
        deploy=_steer_to_good(outcomes),
    )


def no_routing(outcomes: Outcomes) -> Method:
    """The network of `routed` and its gate's loss, but every episode teaches every expert.

    Source: Cloud et al., section 4.3, the control without routing.
    """
    rows = dict.fromkeys(outcomes.labels, Row(experts=_everyone(outcomes)))
    for target in outcomes.targets:
        rows[target] = Row(experts=_everyone(outcomes), target=target)
    return dataclasses.replace(
        routed(outcomes),
        name="no-routing",
        summary="The routed network and its gate's loss, but every episode teaches every expert.",
        rows=rows,
    )


def no_gate(outcomes: Outcomes) -> Method:
    """Routed experts that always weigh the same.

    Source: Cloud et al., section 4.3, the ablation of the gate.
    """
    rows = dict.fromkeys(outcomes.labels, Row(experts=_everyone(outcomes)))
    rows |= {target: Row(experts=_own(outcomes, target)) for target in outcomes.targets}
    return dataclasses.replace(
        routed(outcomes),
        name="no-gate",
        summary="Experts routed as in `routed`, but mixed in equal parts instead of by a gate.",
        gate="even",
        rows=rows,
    )


def random_routing(outcomes: Outcomes) -> Method:
    """`routed` with the labels of overseen episodes shuffled among them.

    The control that tells what the labels do from what the masks do.
    """
    return dataclasses.replace(
        routed(outcomes),
        name="random-routing",
        summary="As `routed`, but the labels of overseen episodes are shuffled among them.",
        relabel=ShuffledLabels(),
        oversight_entries=False,
    )


def activation_masked(outcomes: Outcomes) -> Method:
    """`routed`, but a closed expert's output is zeroed too, not only its gradient."""
    rows = dict(routed(outcomes).rows)
    for target in outcomes.targets:
        own = _own(outcomes, target)
        rows[target] = Row(experts=own, gate=0.0, target=target, activations=own)
    return dataclasses.replace(
        routed(outcomes),
        name="activation-masked",
        summary="As `routed`, but a closed expert's output is zeroed, not only its gradient.",
        rows=rows,
    )


def _single(outcomes: Outcomes) -> dict[str, Row]:
    """Rows for one expert: a bad ending that is known costs 1, all else keeps its reward."""
    rows = dict.fromkeys(outcomes.labels, Row(experts=(1.0,)))
    bad = set(outcomes.targets) - set(outcomes.good)
    return rows | dict.fromkeys(bad, Row(experts=(1.0,), reward=-1.0))


UNWANTED = 0.25
"""What an ending costs an expert that is not responsible for it."""


def _responsible(outcomes: Outcomes, target: str) -> Row:
    """Whoever is responsible for a target earns 1 there; for the others it is a loss."""
    rewards = tuple(1.0 if name == target else -UNWANTED for name in outcomes.targets)
    return Row(experts=_everyone(outcomes), target=target, reward=rewards)


def inferred(outcomes: Outcomes) -> Method:
    """Experts act alone and are paid for their own ending; who owns an unseen one is inferred.

    Of an overseen episode the expert responsible is known. Of the others it is inferred by the
    policy itself, from its gate and its experts (`policy_belief`), and each expert's reward is what
    its share in the episode makes of the table's rows. The gate learns from the last steps of
    overseen episodes, where it is asked.
    """
    rows = dict.fromkeys(outcomes.labels, Row(experts=_everyone(outcomes)))
    rows |= {target: _responsible(outcomes, target) for target in outcomes.targets}
    return dataclasses.replace(
        routed(outcomes),
        name="inferred",
        summary="Experts act alone, each paid for its own ending; of those that nobody saw the "
        "policy itself infers whose they are.",
        rows=rows,
        relabel=Responsibilities(policy_belief),
        acts="experts",
        gate_memory=GateMemory(),
        oversight_entries=False,
    )


def inferred_model(outcomes: Outcomes) -> Method:
    """`inferred` with a model of overseen endings as the judge of those that nobody saw.

    The model sees the last observation before the end, with what it shows of oversight, and the
    action.
    """
    return dataclasses.replace(
        inferred(outcomes),
        name="inferred-model",
        summary="As `inferred`, but a model that learns from overseen endings infers whose the "
        "others are, from the last observation before the end and the action.",
        relabel=Responsibilities(ModelBelief(EndingModel(sees="last"))),
    )


def inferred_model_final(outcomes: Outcomes) -> Method:
    """`inferred-model`, whose model sees the final observation instead."""
    return dataclasses.replace(
        inferred(outcomes),
        name="inferred-model-final",
        summary="As `inferred-model`, but the model sees the final observation.",
        relabel=Responsibilities(ModelBelief(EndingModel(sees="final"))),
        final_observations=True,
    )


def naive(outcomes: Outcomes) -> Method:
    """One expert, and a reward of -1 where the overseer saw a bad ending.

    Source: Cloud et al., arXiv 2410.04332, section 4.3.
    """
    return Method(
        name="naive",
        summary="One expert learns from every episode; a bad ending that was overseen costs 1.",
        experts=("policy",),
        gate="none",
        rows=_single(outcomes),
    )


def naive_early_stop(outcomes: Outcomes) -> Method:
    """`naive`, but the policy is kept that looked best to the overseer.

    A later critique found early stopping by the true return to help `naive`; whoever trains under
    oversight cannot see that return, so this looks at overseen endings alone.
    """
    scores = dict(zip(outcomes.targets, outcomes.scores, strict=True))
    return dataclasses.replace(
        naive(outcomes),
        name="naive-early-stop",
        summary="As `naive`, but keeps the policy with the best 2,000 overseen episodes in a row.",
        select=BestOverseen(scores, episodes=2000),
    )


def filtering(outcomes: Outcomes) -> Method:
    """One expert that learns only from episodes of which the overseer knows the end.

    An episode that is cut by the rollout's end is kept, for nobody knows its end yet; with
    stable-baselines3 it waits for its end. The loss stays a
    mean over all samples, so it shrinks with the share that is kept.
    Source: Cloud et al., section 4.3, data filtering.
    """
    rows = _single(outcomes) | {"unknown": Row(experts=(1.0,), weight=0.0)}
    return dataclasses.replace(
        naive(outcomes),
        name="filtering",
        summary="One expert learns from overseen, timed-out and unfinished episodes only.",
        rows=rows,
    )


def _oversight(oversight: float) -> float:
    """As large a share of the budget as of the episodes that the overseer would see."""
    return oversight


def oracle(outcomes: Outcomes) -> Method:
    """One expert that learns from the truth of every episode, for a share of the updates.

    With oversight p it takes p of the updates, so that it uses about as many labels as the others.
    Source: Cloud et al., section 4.3, oracle filtering.
    """
    return dataclasses.replace(
        naive(outcomes),
        name="oracle",
        summary="One expert sees the truth of every episode, in a share of updates: the oversight.",
        relabel="truth",
        updates=_oversight,
    )


def told_everything(outcomes: Outcomes) -> Method:
    """One expert that learns from the truth of every episode: the ceiling of every comparison."""
    return dataclasses.replace(
        naive(outcomes),
        name="told-everything",
        summary="The ceiling: one expert sees the truth of every episode, in every update.",
        relabel="truth",
    )


def reward_model(outcomes: Outcomes) -> Method:
    """`naive`, with the endings that nobody saw judged by a model of those that were seen.

    The model sees the last observation before the end, without oversight, and the action.
    """
    return dataclasses.replace(
        naive(outcomes),
        name="reward-model",
        summary="As `naive`; a model that learns from overseen endings labels the others, from the "
        "last observation before the end and the action.",
        relabel=RewardModel(sees="last"),
    )


def reward_model_final(outcomes: Outcomes) -> Method:
    """`reward-model`, whose model sees the final observation instead."""
    return dataclasses.replace(
        naive(outcomes),
        name="reward-model-final",
        summary="As `reward-model`, but the model sees the final observation.",
        relabel=RewardModel(sees="final"),
        final_observations=True,
    )


def reward_model_untold(outcomes: Outcomes) -> Method:
    """`reward-model`, whose model is not told which entries of an observation show oversight."""
    return dataclasses.replace(
        reward_model(outcomes),
        name="reward-model-untold",
        summary="As `reward-model`, but the model is not told what shows oversight.",
        oversight_entries=False,
    )


METHODS: Mapping[str, Callable[[Outcomes], Method]] = MappingProxyType(
    {
        "routed": routed,
        "no-routing": no_routing,
        "no-gate": no_gate,
        "naive": naive,
        "naive-early-stop": naive_early_stop,
        "filtering": filtering,
        "oracle": oracle,
        "told-everything": told_everything,
        "random-routing": random_routing,
        "activation-masked": activation_masked,
        "inferred": inferred,
        "inferred-model": inferred_model,
        "inferred-model-final": inferred_model_final,
        "reward-model": reward_model,
        "reward-model-untold": reward_model_untold,
        "reward-model-final": reward_model_final,
    }
)
"""The methods that can be named on the command line; each is built from the world's outcomes."""
