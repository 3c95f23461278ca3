"""Oversight for any Gymnasium vector environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space, iterate
from numpy.typing import NDArray

from routed_envs.episode_info import Infos, info_of, masked, running
from routed_envs.errors import InputError
from routed_envs.outcomes import Outcomes
from routed_envs.oversight.overseer import FinalStep, Step, Watch, overseer_generator
from routed_envs.oversight.wrapper import OversightWrapper

Brought = tuple[Any, NDArray[Any], NDArray[np.bool_], NDArray[np.bool_], Infos]
"""A step brings observations, rewards, terminations, truncations and information, each for N."""


class OverseenVector(
    OversightWrapper[VectorEnv[Any, Any, Any]], VectorWrapper[Any, Any, Any, Any, Any]
):
    """`Overseen` for a vector environment; see its docstring for the rules.

    Every mode of autoreset works. Where an episode's last step moves into `infos["final_info"]`
    (SAME_STEP), so do its label and its hidden outcome; labels and hidden outcomes are arrays of
    names, with the masks `_label` and `_hidden_outcome`. Each environment has an overseer of its
    own, seeded as the environment is: the episodes are those of a vector of `Overseen`.

    The arguments are those of `Overseen`, with a vector environment as `env`. In the `FinalStep`
    with which `outcome` is called, `index` is the environment's place and `env` is None.

    Raises:
        InputError: An argument cannot be used, or `outcome` names no target.
    """

    def _wrap(self, env: VectorEnv[Any, Any, Any]) -> gymnasium.Space[Any]:
        self._mode = _autoreset_mode(env)
        VectorWrapper.__init__(self, env)
        self._generators = [overseer_generator(None) for _ in range(env.num_envs)]
        self._watches: list[Watch] = []
        self._steps: list[list[Step]] = [[] for _ in range(env.num_envs)]
        self._ended = np.zeros(env.num_envs, bool)
        return env.single_observation_space

    def _show(self, space: gymnasium.Space[Any]) -> None:
        self.single_observation_space = space
        self.observation_space = batch_space(space, self.num_envs)

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Any, Infos]:
        """Start an episode in every environment, or in those of `options["reset_mask"]`.

        Args:
            seed: Restarts the random numbers; of environment i with seed + i if it is a number.
            options: The environments'.

        Returns:
            Observations and information.
        """
        # Gymnasium takes the mask out of the options.
        mask = (options or {}).get("reset_mask", np.ones(self.num_envs, bool))
        observations, infos = self.env.reset(seed=seed, options=options)  # pyright: ignore[reportArgumentType]
        seeds = range(seed, seed + self.num_envs) if isinstance(seed, int) else seed
        for index, own in enumerate(seeds or ()):
            if own is not None and mask[index]:
                self._generators[index] = overseer_generator(own)
        self._start(np.flatnonzero(mask), observations, infos)
        self._ended = self._ended & ~mask
        return self._shown(observations), infos | running(mask)

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, Infos]:
        """Take one action in every environment.

        Args:
            actions: A batch of them.

        Returns:
            Observations, rewards, terminations, truncations and information, each for N.

        Raises:
            gymnasium.error.ResetNeeded: No episode was started.
            InputError: `outcome` named no target.
        """
        if not self._watches:
            raise gymnasium.error.ResetNeeded("No episode is running: call reset() first.")
        brought = self.env.step(actions)
        observations, rewards, terminated, truncated, infos = brought
        began = self._ended & (self._mode is AutoresetMode.NEXT_STEP)
        self._ended = np.logical_or(terminated, truncated)
        if self._keeps_steps:
            self._keep(np.flatnonzero(~began), actions, brought)
        self._start(np.flatnonzero(began), observations, infos)
        paid = np.array(rewards, dtype=np.result_type(rewards, np.float32))
        if not self._rules.step_rewards:
            paid[:] = 0.0
        infos = infos | running(np.ones(self.num_envs, bool))
        if self._ended.any():
            judgements = self._judge(actions, brought)
            for index, (reward, _) in judgements.items():
                paid[index] = reward
            infos = self._told(infos, {place: names for place, (_, names) in judgements.items()})
        if self._mode is AutoresetMode.SAME_STEP:
            self._start(np.flatnonzero(self._ended), observations, brought[-1])
        return self._shown(observations), paid, terminated, truncated, infos

    def _judge(self, actions: Any, brought: Brought) -> dict[int, tuple[float, dict[str, str]]]:
        """What the last steps of the episodes that end pay and say, by the episodes' places."""
        observations, rewards, terminated, truncated, infos = brought
        last = tuple(iterate(self.env.observation_space, observations))
        if self._mode is AutoresetMode.SAME_STEP:
            last, infos = infos["final_obs"], infos.get("final_info", {})
        taken = tuple(iterate(self.env.action_space, actions))
        judgements = {}
        for index in np.flatnonzero(self._ended).tolist():
            final = FinalStep(
                observation=last[index],
                action=taken[index],
                reward=float(rewards[index]),
                terminated=bool(terminated[index]),
                truncated=bool(truncated[index]),
                info=info_of(infos, index),
                index=index,
                episode=tuple(self._steps[index]),
            )
            judgements[index] = self._rules.judge(final, self._watches[index])
        return judgements

    def _told(self, infos: Infos, said: dict[int, dict[str, str]]) -> Infos:
        """The information with what the overseer says of the episodes that end."""
        last = self._mode is AutoresetMode.SAME_STEP
        names = running(np.zeros(self.num_envs, bool)) if last else infos
        for index, own in said.items():
            for key, name in own.items():
                names[key][index], names[f"_{key}"][index] = name, True
        if not last:
            return names
        final = infos["final_obs"].copy()
        for index in said:
            overseen = np.asarray(self._watches[index].overseen)
            final[index] = self._flag.add(final[index], overseen)
        info = infos.get("final_info", {}) | names
        return infos | masked({"final_obs": final, "final_info": info}, self._ended)

    def _keep(self, places: NDArray[np.intp], actions: Any, brought: Brought) -> None:
        """Remember a step of the episodes that run."""
        observations, rewards, _, _, infos = brought
        seen = tuple(iterate(self.env.observation_space, observations))
        taken = tuple(iterate(self.env.action_space, actions))
        for index in places.tolist():
            moved = self._mode is AutoresetMode.SAME_STEP and self._ended[index]
            last = infos["final_obs"][index] if moved else seen[index]
            info = info_of(infos.get("final_info", {}) if moved else infos, index)
            self._steps[index].append(Step.of(last, taken[index], float(rewards[index]), info))

    def _start(self, places: NDArray[np.intp], observations: Any, infos: Infos) -> None:
        """New episodes: who is overseen is drawn, and their first observations are kept."""
        if not self._watches:
            self._watches = [Watch(False)] * self.num_envs
        for index in places:
            self._watches[index] = self._rules.overseer.draw(self._generators[index])
        if self._keeps_steps and len(places):
            seen = tuple(iterate(self.env.observation_space, observations))
            for index in places.tolist():
                first = Step.of(seen[index], None, 0.0, info_of(infos, index))
                self._steps[index] = [first]

    def _shown(self, observations: Any) -> Any:
        return self._flag.add(observations, np.array([watch.overseen for watch in self._watches]))


def _autoreset_mode(env: Any) -> AutoresetMode:
    """How the vector environment starts new episodes, refused if it cannot be overseen."""
    if not isinstance(env, VectorEnv):
        raise InputError(
            f"env={env!r} is no vector environment. Give one from gymnasium.make_vec(); Overseen "
            "takes those from gymnasium.make()."
        )
    if isinstance(getattr(env, "outcomes", None), Outcomes):
        raise InputError(f"{env} has an overseer already. Use it without OverseenVector.")
    if env.metadata.get("autoreset_mode") is None:
        raise InputError(
            f'{env} does not say how it starts new episodes. Set env.metadata["autoreset_mode"] '
            f"to one of {', '.join(str(mode) for mode in AutoresetMode)}."
        )
    return AutoresetMode(env.metadata["autoreset_mode"])
