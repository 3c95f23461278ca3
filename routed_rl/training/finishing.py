"""The end of a run: the policy that its method selects is saved and judged, and the result told."""

from __future__ import annotations

import dataclasses

import torch

from routed_agents.methods.responsibilities import described_belief
from routed_rl.evaluation.steerings import deployed_actor, evaluate_steerings, oversight_levels
from routed_rl.runs.run_folder import RunFolder
from routed_rl.training.experiment import Experiment
from routed_rl.training.policy_file import save_policy
from routed_rl.training.state import TrainingState

ROLLOUTS = 8
"""Over so many fresh rollouts a method's guesses about unseen endings are judged."""


def finish(experiment: Experiment, state: TrainingState, folder: RunFolder) -> None:
    """Save the policy that the method selects, judge it, and mark the folder as finished."""
    accuracy = relabel_accuracy(experiment, state)
    selected = None if state.selector is None else state.selector.best is not None
    if state.selector and state.selector.best:
        state.policy.load_state_dict(state.selector.best)
    policy = experiment.policy(state)
    save_policy(policy, folder.policy)
    levels = oversight_levels(experiment.world)
    judged = evaluate_steerings(policy, levels, evaluator=experiment.evaluator)
    belief = described_belief(state.memory, experiment.world.outcomes)
    told = {
        "method": experiment.method.name,
        "updates": state.update,
        "seconds": state.seconds,
        "labels": state.labels,
        "selected": selected,
        "told": ", ".join(experiment.method.told),
        "relabel_accuracy": accuracy,
        "belief": belief,
        "warnings": state.noted.concluded(belief, state.update),
    }
    folder.write_results(judged, deployed_actor(policy), told)


def relabel_accuracy(experiment: Experiment, state: TrainingState) -> float | None:
    """The share of right guesses about endings on a target that were not overseen.

    Counted over fresh rollouts of the policy as it was trained, after training; the method's memory
    goes on learning meanwhile, but nothing of that is kept.

    Args:
        experiment: Its method relabels, or does not.
        state: Of a run that took its last update; unchanged, except for its generator.

    Returns:
        0 to 1; None if the method does not guess or nothing was there to be guessed.
    """
    relabel = experiment.method.relabel
    if isinstance(relabel, str):
        return None
    unknown, targets = experiment.world.outcomes.unknown, len(experiment.world.outcomes.targets)
    going, right, guessed = dataclasses.replace(state), 0, 0
    for _ in range(ROLLOUTS):
        collected = experiment.collect(going)
        labels, going.memory = relabel(collected.rollout, going.memory, going.generator)
        going.worlds = collected.state
        if labels.is_floating_point():
            labels = labels.argmax(2)
        guesses = (collected.rollout.labels == unknown) & (labels < targets)
        right += int((guesses & (labels == collected.hidden_outcomes)).sum())
        guessed += int(torch.count_nonzero(guesses))
    return right / guessed if guessed else None
