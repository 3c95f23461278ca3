"""What decides a run in any overseen environment, in one record, as `TrainConfig` in the gridworld.

Imports no PyTorch, so that the command line's help appears at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from routed_rl.config import (
    DEFAULT_METHOD,
    MOST,
    Budget,
    Coefficient,
    Device,
    Name,
    Pace,
    Probability,
    Rate,
    Settings,
    Size,
    Switch,
    Threads,
    Widths,
)

OF_PPO = ("batch_size", "epochs", "clip_range")
"""Settings that a2c does not have."""
Algorithm = Annotated[Literal["ppo", "a2c"], Field(description="ppo or a2c")]
SmallSeed = Annotated[int, Field(ge=0, lt=2**32, description="a whole number from 0 to 2^32 - 1")]
Several = Annotated[int, Field(ge=2, le=MOST, description="a whole number from 2 to 1,000,000")]


@dataclass(frozen=True, kw_only=True)
class EnvironmentConfig(Settings):
    """What to train in an environment, and how, with an algorithm of stable-baselines3.

    Sizes are at most 1,000,000 where nothing else is said, and a run that needs more memory than
    the machine has is refused before it begins.

    Attributes:
        env: The environment: an id of Gymnasium's that tells how its episodes end, such as
            routed_envs/MiniGrid-DiamondGhost-Flat-8x8-v0; or module:function for a function of
            yours that takes `oversight` and returns an environment in routed_envs.Overseen.
        algorithm: ppo or a2c.
        method: How the run learns: a name that `routed-rl methods` lists, or module:object for a
            method of your own.
        oversight: Probability that an episode is overseen, 0 to 1; handed to the environment.
        seed: Decides the weights and, but for the environment's own randomness, every figure.
        steps: The budget: steps of all environments together, at most 10^12. The schedules below
            span it.
        environments: Environments that run side by side; where experts act alone they share them.
        rollout_steps: Steps of each environment in a rollout.
        processes: A process for each environment, for slow ones.
        learning_rate: Adam's, at the first update.
        final_learning_rate: Adam's at the last update, reached in a straight line.
        weight_decay: Shrinks the weights by learning rate x this at each gradient step (AdamW).
        batch_size: Samples of one gradient step, of ppo; a2c takes the whole rollout.
        epochs: How often ppo goes over a rollout; a2c does once.
        clip_range: How far ppo lets a probability move, as a share of it.
        discount: Discount of the return, 0 to 1.
        trace_decay: Lambda of the generalised advantage estimates, 0 to 1.
        entropy_coefficient: Weight of the entropy bonus, at the first update.
        final_entropy_coefficient: The same at the last update, reached in a straight line.
        value_coefficient: Weight of the value function's squared error.
        largest_gradient: The gradient's norm is cut to this.
        gate_coefficient: Weight of the gate's cross-entropy on overseen episodes.
        overseen_weight: How much a sample of an overseen episode counts beside any other, at most.
        overseen_limit: The largest share of all samples' weight that overseen episodes may have, 0
            to 1, above 0.
        advantage_offset: Added to every advantage, times the share that is not overseen; for
            methods whose mixture acts.
        expert_widths: Width of each layer of an expert, after the features of its observation, at
            most 100 layers.
        gate_widths: Width of each hidden layer of the gate.
        value_widths: Width of each hidden layer of the value function.
        evaluate_every: Updates between two evaluations, which only the log sees; 0 for none, None
            for an eighth of the run, at least 25. The finished policy is judged anyway.
        evaluation_episodes: Episodes of one evaluation of the finished policy, at least 2; those on
            the way take a tenth.
        device: Where to train: auto takes a CUDA device if there is one, which pays for images and
            wide networks; small ones learn sooner on a CPU.
        threads: CPU threads of this run, at most 1,024.

    Raises:
        InputError: A value is of the wrong type or out of range; every fault is listed.
    """

    env: Name
    algorithm: Algorithm = "ppo"
    method: Name = DEFAULT_METHOD
    oversight: Probability = 0.1
    seed: SmallSeed = 0
    steps: Budget = 1_000_000
    environments: Size = 64
    rollout_steps: Size = 64
    processes: Switch = False
    learning_rate: Rate = 1e-3
    final_learning_rate: Coefficient = 3e-4
    weight_decay: Coefficient = 0.03
    batch_size: Several = 1024
    epochs: Size = 4
    clip_range: Rate = 0.2
    discount: Probability = 0.99
    trace_decay: Probability = 0.95
    entropy_coefficient: Coefficient = 0.03
    final_entropy_coefficient: Coefficient = 0.003
    value_coefficient: Coefficient = 0.5
    largest_gradient: Rate = 0.5
    gate_coefficient: Coefficient = 0.25
    overseen_weight: Coefficient = 1.0
    overseen_limit: Probability = 1.0
    advantage_offset: Coefficient = 0.0
    expert_widths: Widths = (64, 64)
    gate_widths: Widths = (64, 64)
    value_widths: Widths = (64, 64)
    evaluate_every: Pace = None
    evaluation_episodes: Several = 400
    device: Device = "cpu"
    threads: Threads = 1

    def _misfits(self) -> list[str]:
        faults = []
        if self.overseen_limit == 0:
            faults.append("overseen_limit=0 cannot be used: give a number above 0, up to 1.")
        if self.algorithm == "a2c":
            given = [name for name in OF_PPO if getattr(self, name) != getattr(type(self), name)]
            faults += [f"{name} is of ppo, and algorithm is a2c. Leave it out." for name in given]
        if self.samples < 2:
            faults.append(
                "environments=1 x rollout_steps=1 is a rollout of one step: give more of either."
            )
        if self.steps < self.samples:
            faults.append(
                f"steps={self.steps} is less than one rollout: environments={self.environments} x "
                f"rollout_steps={self.rollout_steps} are {self.samples:,} steps. Give more steps, "
                "or fewer of those."
            )
        return faults

    @property
    def samples(self) -> int:
        """Environment steps of one rollout."""
        return self.environments * self.rollout_steps

    @property
    def least_budget(self) -> dict[str, int]:
        """What the budget would be of a run that takes one update."""
        return {"steps": self.samples}


def episodes_on_the_way(evaluation_episodes: int) -> int:
    """The episodes of an evaluation while a run trains, by those of the finished policy's."""
    return max(2, evaluation_episodes // 10)
