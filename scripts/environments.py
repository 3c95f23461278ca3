"""Environments of others with an overseer, to learn in and to start from.

    routed-rl train --env scripts.environments:cart_pole --oversight 0.02
    routed-rl sweep --env scripts.environments:lava_gap --methods inferred naive filtering \
        reward-model told-everything --oversight 0.2 --seeds 3 --out sweeps/lava

Each is a function of the oversight. Either ending pays the same and the steps pay nothing, so that
only the overseer can tell which one it was; the sooner an episode ends, the better. LunarLander
needs `pip install "gymnasium[box2d]"`.
"""

from __future__ import annotations

from typing import Any

import gymnasium
from gymnasium import spaces
from gymnasium.wrappers import FlattenObservation
from minigrid.core.constants import COLOR_TO_IDX, OBJECT_TO_IDX
from minigrid.wrappers import ImgObsWrapper, OneHotPartialObsWrapper

from routed_envs import FinalStep, Overseen

Env = gymnasium.Env[Any, Any]


def cart_pole(oversight: float, render_mode: str | None = None) -> Env:
    """To which side CartPole's pole falls; we want the left."""

    def side(final: FinalStep) -> str:
        if not final.terminated:
            return "timeout"
        place, _, angle, _ = final.observation
        return "left" if (angle if abs(angle) > 0.2 else place) < 0 else "right"

    env = gymnasium.make("CartPole-v1", render_mode=render_mode)
    pays: Any = {"reward": 1.0, "step_rewards": False}
    return Overseen(env, ("left", "right"), ("left",), side, oversight=oversight, **pays)


def lunar_lander(oversight: float, render_mode: str | None = None, continuous: bool = False) -> Env:
    """On which side of the pad the lander comes down; we want the left."""

    def side(final: FinalStep) -> str:
        if not final.terminated:
            return "timeout"
        return "left" if final.observation[0] < 0 else "right"

    env = gymnasium.make("LunarLander-v3", continuous=continuous, render_mode=render_mode)
    pays: Any = {"reward": 1.0, "step_rewards": False}
    return Overseen(env, ("left", "right"), ("left",), side, oversight=oversight, **pays)


def lunar_lander_continuous(oversight: float, render_mode: str | None = None) -> Env:
    """The same with engines of any thrust."""
    return lunar_lander(oversight, render_mode, continuous=True)


def lava_gap(oversight: float, render_mode: str | None = None) -> Env:
    """MiniGrid's LavaGapS5: the goal, or the lava on the way, where most episodes end at first."""

    def place(final: FinalStep) -> str:
        if not final.terminated:
            return "timeout"
        return "goal" if final.reward > 0 else "lava"

    # MiniGrid pays for the goal alone: `place` looks at that, and the learner does not see it.
    env = FlattenObservation(
        ImgObsWrapper(OneHotPartialObsWrapper(_mini_grid("LavaGapS5", render_mode)))
    )
    return Overseen(env, ("goal", "lava"), ("goal",), place, oversight=oversight, reward=1.0)


def fetch(oversight: float, render_mode: str | None = None) -> Env:
    """MiniGrid's Fetch: whether the agent brings what it was told to, or the other thing."""

    def thing(final: FinalStep) -> str:
        if not final.terminated:
            return "timeout"
        return "wanted" if final.reward > 0 else "other"

    env = FlattenObservation(
        _Instruction(OneHotPartialObsWrapper(_mini_grid("Fetch-5x5-N2", render_mode)))
    )
    return Overseen(env, ("wanted", "other"), ("wanted",), thing, oversight=oversight, reward=1.0)


def _mini_grid(name: str, render_mode: str | None) -> Env:
    import minigrid  # noqa: F401  (makes its environments known to Gymnasium)

    return gymnasium.make(f"MiniGrid-{name}-v0", render_mode=render_mode)


class _Instruction(gymnasium.ObservationWrapper[Any, Any, Any]):
    """What the agent sees, and where its colour and where its kind are those of the instruction.

    Without the second, a network has to learn which word goes with which colour, for each place on
    its own, which takes millions of steps.
    """

    # A place of the view is 1 at its kind, and at its colour, which comes after all kinds.
    words = OBJECT_TO_IDX | {name: len(OBJECT_TO_IDX) + n for name, n in COLOR_TO_IDX.items()}

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        parts: Any = env.observation_space
        seen = parts["image"]
        asked = spaces.MultiBinary((*seen.shape[:2], 2))
        self.observation_space = spaces.Dict({"seen": seen, "asked": asked})

    def observation(self, observation: Any) -> dict[str, Any]:
        """The view, and for each of its places whether the colour is right, whether the kind is."""
        told = [self.words[word] for word in observation["mission"].split()[-2:]]
        return {"seen": observation["image"], "asked": observation["image"][..., told]}
