"""Oversight for any Gymnasium environment."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

from routed_envs.episode_info import RUNNING
from routed_envs.errors import InputError
from routed_envs.outcomes import Outcomes
from routed_envs.oversight.overseer import FinalStep, Step, Watch, overseer_generator
from routed_envs.oversight.wrapper import OversightWrapper


class Overseen(OversightWrapper[gymnasium.Env[Any, Any]], gymnasium.Wrapper[Any, Any, Any, Any]):
    """Lets an overseer judge some of the episodes of any environment.

    ```python
    def outcome(final):
        return "timeout" if final.truncated else "landed" if final.reward > 0 else "crashed"

    env = gymnasium.make("LunarLander-v3")
    env = routed_envs.Overseen(env, ("landed", "crashed"), good=("landed",), outcome=outcome)
    ```

    ## Oversight
    Each episode is overseen with probability `oversight`, drawn at its start. The numbers come from
    a generator of the wrapper's own, which `reset(seed=...)` seeds: the episodes are those of the
    environment without the wrapper.

    ## Observation space
    The environment's, with a flag of whether the episode is overseen, in the space's dtype:

    - 1-D `Box` or `MultiBinary`: one entry more at the end, 0 or 1;
    - 3-D `Box` of uint8, an image: one channel more at the end of its channels, 0 or 255. The
      channels are the first axis if it is shorter than the last, else the last;
    - 3-D `MultiBinary`, planes: one plane more at the end of the first axis;
    - `Dict`: a key `oversight`, `MultiBinary(1)`.

    With `show_oversight=False` it is the environment's own, of any kind.

    ## Rewards
    The environment's. With `reward`, the last step of an episode that ends on a target pays exactly
    that, so that it does not tell which target it was. The steps before it still pay what they do
    in the environment, which may tell as well: with `step_rewards=False` they pay nothing, and
    neither does a time-out.

    ## Information
    `info["label"]` is what the overseer knows of the episode: if it ended on a target, the target's
    name where it was overseen (with probability `label_noise` the name of another one) and
    `unknown` where not; `timeout`; or `unfinished` while it runs. `info["hidden_outcome"]` is the
    truth. Nothing that learns under oversight may read it. Both replace what the environment itself
    may say under these keys.

    ## Attributes
    `outcomes`, `overseen_share` (the same as `oversight`) and `oversight_mask`: bool, of the shape
    of one observation, True where it shows the flag; False everywhere if it is not shown. Of a
    `Dict` it is a dictionary of such masks, without the keys whose space has no shape; of another
    space without a shape None.

    Args:
        env: The environment.
        targets: The names of the ways in which an episode can end, besides `timeout`.
        good: The targets that we want; the others are unwanted.
        outcome: Called with the `FinalStep` of each episode, terminated or truncated; returns the
            name of the target on which it ended, or `"timeout"`. A function of a module survives
            pickling, which environments in processes of their own need.
        oversight: Probability that an episode is overseen, 0 to 1.
        label_noise: Probability that the overseer takes the target it sees for one of the others,
            0 to 1.
        show_oversight: Show in the observation whether the episode is overseen.
        reward: The last step's reward if the episode ends on a target; None keeps the
            environment's.
        step_rewards: Whether every other step pays the environment's reward, or nothing.
        whole_episode: Keep each episode's steps in memory while it runs, so that `outcome` can look
            at all of them, as `final.episode`.

    Raises:
        InputError: An argument cannot be used, or `outcome` names no target.
    """

    def _wrap(self, env: gymnasium.Env[Any, Any]) -> gymnasium.Space[Any]:
        if not isinstance(env, gymnasium.Env):
            raise InputError(
                f"env={env!r} is no gymnasium.Env. Give one from gymnasium.make(); OverseenVector "
                "takes those from gymnasium.make_vec()."
            )
        if env.has_wrapper_attr("outcomes") and isinstance(
            env.get_wrapper_attr("outcomes"), Outcomes
        ):
            raise InputError(f"{env} has an overseer already. Use it without Overseen.")
        gymnasium.Wrapper.__init__(self, env)
        self._generator = overseer_generator(None)
        self._watch: Watch | None = None
        self._steps: list[Step] = []
        return env.observation_space

    def _show(self, space: gymnasium.Space[Any]) -> None:
        self.observation_space = space

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start an episode, and draw whether it is overseen.

        Args:
            seed: Restarts the random numbers of the environment and of the overseer.
            options: The environment's.

        Returns:
            The observation and its information.
        """
        observation, info = self.env.reset(seed=seed, options=options)
        if seed is not None:
            self._generator = overseer_generator(seed)
        self._watch = self._rules.overseer.draw(self._generator)
        self._steps = [Step.of(observation, None, 0.0, info)] if self._keeps_steps else []
        return self._shown(observation, self._watch), {**info, **RUNNING}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take one action.

        Args:
            action: The environment's.

        Returns:
            Observation, reward, terminated, truncated and information.

        Raises:
            gymnasium.error.ResetNeeded: No episode was started.
            InputError: `outcome` named no target.
        """
        if self._watch is None:
            raise gymnasium.error.ResetNeeded("No episode is running: call reset() first.")
        observation, reward, terminated, truncated, info = self.env.step(action)
        own = float(reward)
        if self._keeps_steps:
            self._steps.append(Step.of(observation, action, own, info))
        paid, names = self._rules.on_the_way(own), RUNNING
        if terminated or truncated:
            final = FinalStep(
                observation=observation,
                action=action,
                reward=own,
                terminated=terminated,
                truncated=truncated,
                info=info,
                env=self.env.unwrapped,
                episode=tuple(self._steps),
            )
            paid, names = self._rules.judge(final, self._watch)
        return self._shown(observation, self._watch), paid, terminated, truncated, {**info, **names}

    def _shown(self, observation: Any, watch: Watch) -> Any:
        return self._flag.add(observation, np.asarray(watch.overseen))
