"""The states of the diamond-and-ghost gridworld, and the list of them all."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch

from routed_envs.gridworld.grid import free_places


@dataclass(frozen=True)
class GridState:
    """N running episodes. A cell is a number: row x columns + column.

    Attributes:
        agent: int64 [N], the agent's cell.
        ghost: int64 [N], the ghost's cell.
        diamond: int64 [N], the diamond's cell.
        oversight: int8 [N, cells], 1 where a cell has oversight.
        steps: int64 [N], the steps taken in this episode.
        mistaken: int8 [N], 1 where the overseer would take one target for the other.
    """

    agent: torch.Tensor
    ghost: torch.Tensor
    diamond: torch.Tensor
    oversight: torch.Tensor
    steps: torch.Tensor
    mistaken: torch.Tensor


@dataclass(frozen=True)
class StateList:
    """Every state in which an episode can run, apart from the step's number, in a fixed order.

    A state has a code, in which the flags come first, then the cells of agent, ghost and diamond;
    the list is in ascending order of the codes.

    Attributes:
        cells: The number of cells of the grid.
        mistakes: The overseer may take one target for the other.
    """

    cells: int
    mistakes: bool

    @property
    def flag_codes(self) -> int:
        """In how many ways the flags can stand: of the diamond, the ghost, a mistake if any."""
        return 8 if self.mistakes else 4

    @property
    def count(self) -> int:
        """The number of states: placements x flags."""
        return self.cells * (self.cells - 1) * (self.cells - 2) * self.flag_codes

    @cached_property
    def codes(self) -> torch.Tensor:
        """The codes of all states, int64 [count], ascending."""
        codes = torch.arange(self.flag_codes * self.cells**3)
        agent, ghost, diamond = (codes // self.cells**power % self.cells for power in (2, 1, 0))
        return codes[(agent != ghost) & (agent != diamond) & (ghost != diamond)]

    def decoded(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Of all states: the agent's cell, the targets' [N, 2], their oversight [N, 2], mistakes.

        All int64; of the two targets the ghost comes first.
        """
        agent, ghost, diamond = (
            self.codes // self.cells**power % self.cells for power in (2, 1, 0)
        )
        flags = self.codes // self.cells**3
        seen = torch.stack((flags // 2 % 2, flags % 2), 1)
        return agent, torch.stack((ghost, diamond), 1), seen, flags // 4

    def states(self) -> GridState:
        """Every state at step 0, in the order of `index`; N is `count`."""
        agent, targets, seen, mistaken = self.decoded()
        oversight = torch.zeros((len(agent), self.cells), dtype=torch.int8)
        oversight.scatter_(1, targets, seen.to(torch.int8))
        return GridState(
            agent=agent,
            ghost=targets[:, 0],
            diamond=targets[:, 1],
            oversight=oversight,
            steps=torch.zeros_like(agent),
            mistaken=mistaken.to(torch.int8),
        )

    def index(self, state: GridState) -> torch.Tensor:
        """The place of each state in the list, int64 [N]; an ended episode gets any place."""
        seen = state.oversight.gather(1, torch.stack((state.ghost, state.diamond), 1))
        places = free_places(state.agent, state.ghost, state.diamond)
        return self.number(places, seen, state.mistaken).clamp_(0, self.count - 1)

    def number(
        self, places: tuple[torch.Tensor, ...], seen: torch.Tensor, mistaken: torch.Tensor | None
    ) -> torch.Tensor:
        """The place in the list, int64 [N].

        Args:
            places: Of agent, ghost and diamond, each among the cells that the ones before have
                left free, int64 [N].
            seen: The oversight of ghost and diamond, [N, 2].
            mistaken: Where the overseer would take one target for the other, [N]; None for nowhere.
        """
        ghost_seen, diamond_seen = seen.long().unbind(1)
        index = diamond_seen.add(ghost_seen, alpha=2)
        if mistaken is not None:
            index = index.add(mistaken.long(), alpha=4)
        for taken, place in enumerate(places):
            index = place.add(index, alpha=self.cells - taken)
        return index

    def probabilities(self, chances: float | torch.Tensor, label_noise: float) -> torch.Tensor:
        """How likely an episode starts in each state, float64 [count], if all placements are equal.

        Args:
            chances: How likely the ghost's and the diamond's squares have oversight; one number, or
                float64 [count, 2].
            label_noise: How likely the overseer takes one target for the other.
        """
        *_, seen, mistaken = self.decoded()
        chances = torch.as_tensor(chances, dtype=torch.float64)
        odds = torch.where(seen.bool(), chances, 1 - chances).prod(1)
        return odds * torch.where(mistaken.bool(), label_noise, 1 - label_noise)
