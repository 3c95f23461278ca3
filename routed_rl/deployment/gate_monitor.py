"""A monitor: says, while a policy acts, how strongly its gate calls on an expert."""

from __future__ import annotations

import json
import math
from collections import deque
from dataclasses import asdict, dataclass
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from routed_agents.files import writable
from routed_agents.policies.policy import Policy
from routed_envs.errors import InputError, shown, unknown_name
from routed_envs.worlds import World
from routed_rl.deployment.early_warning import first_step_roc, gated_policy, watched_expert
from routed_rl.evaluation.record import Gated, Predictor

if TYPE_CHECKING:
    from routed_agents.stable_baselines.base import RoutedAlgorithm
    from routed_rl.evaluation.environments import AnyEnv

Memory = tuple[NDArray[Any], ...] | None


@dataclass(frozen=True)
class Reading:
    """What the monitor found at one decision.

    Attributes:
        decision: Its number, from 0; the decisions of a batch have the same.
        environment: Its place in the batch; 0 for a single observation.
        action: What the policy chose: a number, or a list of several.
        weight: How strongly the gate would have called on the expert, 0 to 1.
        flag: Whether that is at or above the threshold.
    """

    decision: int
    environment: int
    action: Any
    weight: float
    flag: bool


class Monitor:
    """A policy that is watched while it acts; its actions are the policy's own.

    Args:
        policy: Who acts: anything with `predict`, a model of stable-baselines3 too.
        threshold: Raise a flag where the gate's weight on the expert is at least this, 0 to 1;
            infinity never does. `Monitor.calibrated` chooses it.
        expert: Whose weight is watched. None is that of the first target that is not wanted; of a
            policy of stable-baselines3, which does not know the targets, it has to be named.
        gate: Whose gate is asked, whatever its steering; the policy itself if None. A policy that
            was exported alone has no gate: give the run's.
        log: A file to which each reading is added as a JSON object on a line of its own, so
            that it grows with every decision; no file if None.
        keep: How many of the last readings stay in memory.

    Attributes:
        policy: Who acts.
        threshold: The threshold.
        expert: Whose weight is watched.
        readings: The last readings, the newest at the end.
        last: bool [N], the flags of the last decision, for each observation of its batch.
        decisions: How often `predict` was called.
        flags: How many flags there were.

    Raises:
        InputError: There is no learned gate to ask, no such expert, a threshold that is no number,
            or a log that cannot be written.
    """

    def __init__(
        self,
        policy: Predictor,
        threshold: float,
        *,
        expert: str | None = None,
        gate: Gated | RoutedAlgorithm | None = None,
        log: str | Path | None = None,
        keep: int = 10_000,
    ) -> None:
        gate = gated_policy(policy if gate is None else gate)
        if expert is None and isinstance(gate, Policy):
            expert = watched_expert(gate, gate.world.outcomes, None)
        if expert is None:
            raise InputError(
                "This policy does not know how episodes can end. Name the expert to watch: "
                f"Monitor(..., expert={gate.experts[-1]!r})."
            )
        if expert not in gate.experts:
            raise unknown_name("expert", expert, gate.experts)
        known = isinstance(threshold, Real) and (0 <= threshold <= 1 or threshold == math.inf)
        if not known:
            raise InputError(
                f"threshold={shown(threshold)}: give a number from 0 to 1, or infinity."
            )
        self.policy, self.threshold, self.expert = policy, threshold, expert
        self.readings: deque[Reading] = deque(maxlen=keep)
        self.last = np.zeros(0, dtype=np.bool_)
        self.decisions = self.flags = 0
        self._gate = gate
        self._log = None if log is None else writable(Path(log))

    @classmethod
    def calibrated(
        cls,
        policy: Gated | RoutedAlgorithm,
        false_alarm_rate: float = 0.05,
        *,
        world: World[Any] | None = None,
        env: AnyEnv | None = None,
        episodes: int = 1000,
        expert: str | None = None,
        actor: Predictor | None = None,
        **options: Any,
    ) -> Monitor:
        """A monitor with the lowest threshold that keeps to a rate of false alarms.

        The rate is the share of episodes, of the unsteered policy and by their first step, that
        are flagged although they will not end on the expert's target.

        Args:
            policy: Whose gate is asked, and who acts if there is no other. A model is its policy.
            false_alarm_rate: 0 to 1.
            world: Where it will act; the policy's own world if None.
            env: The same for a policy of stable-baselines3: an overseen environment, or a vector
                of them.
            episodes: How many are sampled there.
            expert: Whose weight is watched; that of the first target that is not wanted if None.
            actor: Who acts, if it is not the policy.
            **options: `log` and `keep`, as for `Monitor`.

        Raises:
            InputError: As `Monitor` and `forewarnings` do; or there is neither world nor
                environment.
        """
        gate = gated_policy(policy)
        if isinstance(gate, Policy) and env is None:
            world = gate.world if world is None else world
            expert = watched_expert(gate, world.outcomes, expert)
            roc, _ = first_step_roc(gate.steer(None), world, expert)
        elif env is not None:
            from routed_rl.deployment.environment_warning import env_roc  # Slow to import.

            expert, roc, _ = env_roc(gate.steer(None), env, expert, episodes)
        else:
            raise InputError(
                "This policy carries no world. Say where it will act: Monitor.calibrated(policy, "
                "env=...), an overseen environment."
            )
        threshold = roc.at(false_alarm_rate).threshold
        return cls(actor or policy, threshold, expert=expert, gate=gate, **options)

    def predict(
        self,
        observation: NDArray[Any],
        state: Memory = None,
        episode_start: NDArray[np.bool_] | None = None,
        deterministic: bool = False,
    ) -> tuple[Any, Memory]:
        """Choose actions as the policy does, and take a reading of each.

        Args:
            observation: One observation or a batch of them.
            state: Handed to the policy.
            episode_start: Handed to the policy.
            deterministic: Take the likeliest action instead of sampling.

        Returns:
            What the policy returns.
        """
        actions, state = self.policy.predict(observation, state, episode_start, deterministic)
        index = self._gate.experts.index(self.expert)
        weights = self._gate.gate_weights(observation)[:, index].cpu().numpy()
        self.last = weights >= self.threshold
        chosen = np.asarray(actions).reshape(len(weights), -1).tolist()
        columns = zip(chosen, weights, self.last, strict=True)
        self._keep(
            [
                Reading(
                    decision=self.decisions,
                    environment=place,
                    action=action if len(action) > 1 else action[0],
                    weight=float(weight),
                    flag=bool(flag),
                )
                for place, (action, weight, flag) in enumerate(columns)
            ]
        )
        return actions, state

    def _keep(self, readings: list[Reading]) -> None:
        """Count the readings of one decision, remember them, and write them to the log."""
        self.decisions += 1
        self.flags += sum(reading.flag for reading in readings)
        self.readings.extend(readings)
        if self._log is not None:
            lines = "".join(json.dumps(asdict(reading)) + "\n" for reading in readings)
            with self._log.open("a") as file:
                file.write(lines)
