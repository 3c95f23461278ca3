"""How often a method that guesses unseen endings is right; only evaluation may know."""

from __future__ import annotations

import dataclasses

import torch

from routed_rl.runs.checkpoint import TrainingState
from routed_rl.training.experiment import Experiment

ROLLOUTS = 8


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
        going.worlds, going.observation = collected.state, collected.rollout.observations[-1]
        guesses = (collected.rollout.labels == unknown) & (labels < targets)
        right += int((guesses & (labels == collected.hidden_outcomes)).sum())
        guessed += int(torch.count_nonzero(guesses))
    return right / guessed if guessed else None
