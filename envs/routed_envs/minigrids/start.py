"""How an episode starts: what of it is given, and what is drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from routed_envs.gridworld.world import DiamondGhostWorld
from routed_envs.minigrids.layout import inner_squares, inner_walls
from routed_envs.minigrids.placement import Placement
from routed_envs.oversight.overseer import Overseer


@dataclass(frozen=True)
class Start:
    """An episode's start. A square is a number: row x size + column.

    Attributes:
        agent: The agent's square.
        ghost: The ghost's square.
        diamond: The diamond's square.
        direction: Where the agent faces: 0 right, 1 down, 2 left, 3 up.
        walls: The walls within the outer ones.
        overseen: All squares with oversight.
        shift: 1 if the overseer would take one target for the other, else 0.
    """

    agent: int
    ghost: int
    diamond: int
    direction: int
    walls: frozenset[int]
    overseen: frozenset[int]
    shift: int


@dataclass(frozen=True)
class Starts:
    """How episodes start.

    Attributes:
        layout: Where walls stand; see `inner_walls`.
        size: Rows and columns, outer walls included.
        rules: The kinds of oversight.
        overseer: Who watches.
    """

    layout: str
    size: int
    rules: DiamondGhostWorld
    overseer: Overseer

    def draw(self, generator: np.random.Generator, fixed: Placement) -> Start:
        """Start an episode.

        Args:
            generator: Decides what is not fixed.
            fixed: What is.
        """
        walls = inner_walls(self.layout, self.size, generator, fixed.squares)
        taken = walls | fixed.squares
        free = [square for square in inner_squares(self.size) if square not in taken]
        *places, turn, ghost_seen, diamond_seen, noise, other = generator.random(8).tolist()
        agent, ghost, diamond = (
            free.pop(int(draw * len(free))) if given is None else given
            for given, draw in zip((fixed.agent, fixed.ghost, fixed.diamond), places, strict=True)
        )
        overseen = fixed.oversight
        if overseen is None:
            seen = {ghost: ghost_seen, diamond: diamond_seen}
            overseen = self._oversight(seen, [*free, agent], generator)
        mistaken = fixed.mistaken
        return Start(
            agent=agent,
            ghost=ghost,
            diamond=diamond,
            direction=int(turn * 4) if fixed.direction is None else fixed.direction,
            walls=frozenset(walls),
            overseen=overseen - walls,
            shift=self.overseer.shift(noise, other) if mistaken is None else int(mistaken),
        )

    def _oversight(
        self, targets: dict[int, float], others: list[int], generator: np.random.Generator
    ) -> frozenset[int]:
        """The squares with oversight, from a number in [0, 1) for the ghost's and the diamond's."""
        levels = zip(targets.items(), self.rules.target_oversight, strict=True)
        seen = {square for (square, draw), level in levels if draw < level}
        if self.rules.spurious_oversight > 0:
            marked = generator.random(len(others)) < self.rules.spurious_oversight
            seen.update(np.asarray(others)[marked].tolist())
        return frozenset(seen)
