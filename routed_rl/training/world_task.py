"""The first task of the machinery of runs: a policy that learns in a world."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch

from routed_agents.methods.responsibilities import belief_figures
from routed_agents.policies.separation import few, separation
from routed_agents.rollout import Rollout
from routed_rl.evaluation.record import Evaluation
from routed_rl.evaluation.steerings import evaluate_steerings
from routed_rl.runs.memory import RunSize
from routed_rl.runs.run_folder import RunFolder
from routed_rl.training.experiment import Experiment
from routed_rl.training.experiment_size import run_size
from routed_rl.training.finishing import finish
from routed_rl.training.policy_file import save_policy
from routed_rl.training.state import TrainingState

Learned = tuple[Rollout, dict[str, torch.Tensor]]
EVALUATION_ON_THE_WAY = {"max_states": 100_000, "episodes": 1000}
"""While it trains a run is judged quickly rather than finely; the finished policy is not."""


@dataclass(frozen=True)
class WorldTask:
    """An experiment as a `Task`.

    Attributes:
        experiment: What a configuration means.
    """

    experiment: Experiment

    unit: ClassVar[str] = "environment_steps"

    @property
    def updates(self) -> int:
        """The gradient steps that the method takes of the budget."""
        return self.experiment.updates

    @property
    def samples(self) -> int:
        """Environment steps of one update."""
        return self.experiment.config.samples

    @property
    def evaluate_every(self) -> int | None:
        """Updates between two evaluations on the way."""
        return self.experiment.config.evaluate_every

    @property
    def threads(self) -> int:
        """CPU threads of the run."""
        return self.experiment.config.threads

    @property
    def needed_labels(self) -> tuple[str, ...]:
        """The wanted endings whose labels the method learns from."""
        return self.experiment.method.needed_labels(self.experiment.world.outcomes)

    def size(self) -> RunSize:
        """What decides the memory that the run takes."""
        return run_size(self.experiment)

    def settings(self) -> dict[str, Any]:
        """What decides the run, as plain values."""
        return self.experiment.config.to_json()

    def identity(self) -> dict[str, Any]:
        """What makes the run this run and no other."""
        return self.experiment.identity()

    def start(self) -> TrainingState:
        """Fresh networks and running worlds."""
        return self.experiment.start()

    def update(self, state: TrainingState) -> Learned:
        """One rollout and one gradient step: the rollout, and the learner's figures."""
        return self.experiment.update(state)

    def entry(self, state: TrainingState, learned: Learned) -> dict[str, Any]:
        """What the log tells of the last update."""
        rollout, figures = learned
        return {
            "overseer": overseer_view(rollout),
            "belief": belief_figures(state.memory),
            "experts": self._separation(state, rollout),
            "learner": {name: float(figure) for name, figure in figures.items()},
        }

    def _separation(self, state: TrainingState, rollout: Rollout) -> dict[str, float] | None:
        """How far apart experts and gate are on some steps; None for a single expert."""
        method = self.experiment.method
        if len(method.experts) == 1:
            return None
        seen, taken = few(rollout.shown[:-1]), few(rollout.actions)
        return separation(state.policy, method.gate == "learned", seen, taken)

    def judge(self, state: TrainingState) -> dict[str, Evaluation]:
        """The policy's figures for the log; the run never sees them."""
        policy, worlds = self.experiment.policy(state), {"training": self.experiment.world}
        evaluator = self.experiment.evaluator
        found = evaluate_steerings(policy, worlds, evaluator=evaluator, **EVALUATION_ON_THE_WAY)
        return found["training"]

    def save_policy(self, state: TrainingState, path: Path) -> None:
        """Write the policy as it stands."""
        save_policy(self.experiment.policy(state), path)

    def close(self, state: TrainingState) -> None:
        """Nothing has to be let go of."""

    def finish(self, state: TrainingState, folder: RunFolder) -> None:
        """Save the policy that the method selects, judge it, and mark the folder as finished."""
        finish(self.experiment, state, folder)


def overseer_view(rollout: Rollout) -> dict[str, float]:
    """What the overseer knows of a rollout, T steps of N environments.

    That is how many episodes ended, each label's share of them, and the reward per step.
    """
    counts = rollout.label_counts()
    ended = sum(counts.values())
    shares = {name: count / max(1, ended) for name, count in counts.items()}
    return {"episodes": ended, "reward_per_step": float(rollout.rewards.mean())} | shares
