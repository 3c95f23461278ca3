"""Environments of the user's own, named as module:function."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from routed_envs import FinalStep, Overseen


class TwoDoors(gymnasium.Env[np.ndarray, Any]):
    """A walk on a line: a prize behind either door, and eight steps to reach one of them."""

    observation_space = spaces.Box(-2.0, 2.0, (1,))
    action_space: Any = spaces.Discrete(2)

    def reset(self, **settings: Any) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=settings.get("seed"))
        self.place, self.time = int(self.np_random.integers(-1, 2)), 0
        return self._seen(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self.place += self._move(action)
        self.time += 1
        ended = abs(self.place) >= 2
        return self._seen(), float(ended), ended, self.time >= 8, {}

    def render(self) -> Any:
        """A bar of five cells, black where the agent is."""
        picture = np.full((4, 20, 3), 255, np.uint8)
        picture[:, 4 * (self.place + 2) : 4 * (self.place + 3)] = 0
        return picture

    def _move(self, action: Any) -> int:
        return 2 * int(action) - 1

    def _seen(self) -> np.ndarray:
        return np.array([np.clip(self.place, -2, 2)], np.float32)


class Pushed(TwoDoors):
    """The same with a push of any strength."""

    action_space = spaces.Box(-1.0, 1.0, (1,))

    def _move(self, action: Any) -> int:
        return 1 if float(action[0]) > 0 else -1


def which_door(final: FinalStep) -> str:
    """The door that was reached, if one was."""
    if final.terminated:
        return "left" if final.observation[0] < 0 else "right"
    return "timeout"


def any_door(final: FinalStep) -> str:
    """Whether a door was reached."""
    return "door" if final.terminated else "timeout"


def doors(oversight: float) -> gymnasium.Env[Any, Any]:
    """The left door is the one that we want."""
    return Overseen(TwoDoors(), ("left", "right"), ("left",), which_door, oversight=oversight)


def drawn(oversight: float, render_mode: str | None = None) -> gymnasium.Env[Any, Any]:
    """The same, in which a film can be made."""
    return doors(oversight)


def renamed(oversight: float) -> gymnasium.Env[Any, Any]:
    """The same doors by other names."""
    names = {"left": "west", "right": "east", "timeout": "timeout"}
    return Overseen(
        TwoDoors(), ("west", "east"), ("west",), lambda f: names[which_door(f)], oversight=oversight
    )


def attacked(oversight: float) -> gymnasium.Env[Any, Any]:
    """An outcome whose rate has the name of a setting."""
    return Overseen(TwoDoors(), ("left", "attack"), ("left",), which_door, oversight=oversight)


def pushed(oversight: float) -> gymnasium.Env[Any, Any]:
    """The same with actions of any strength."""
    return Overseen(Pushed(), ("left", "right"), ("left",), which_door, oversight=oversight)


def either_door(oversight: float) -> gymnasium.Env[Any, Any]:
    """Both doors are one target."""
    return Overseen(TwoDoors(), ("door",), ("door",), any_door, oversight=oversight)


def plain(oversight: float) -> gymnasium.Env[Any, Any]:
    """Nobody says how its episodes end."""
    return TwoDoors()


def failing(oversight: float) -> gymnasium.Env[Any, Any]:
    """Cannot be made."""
    raise RuntimeError("no display")


number = 3
