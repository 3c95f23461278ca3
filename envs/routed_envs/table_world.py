"""A world whose states can be listed, as tables: a state is a number, a step is a lookup."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Any, Generic

import torch
from torch.nn import functional

from routed_envs.entries import entries_of
from routed_envs.outcomes import Outcomes
from routed_envs.worlds import (
    Dynamics,
    Ending,
    EnumerableWorld,
    NumberingWorld,
    State,
    World,
    map_states,
)

MAX_STATES = 100_000
"""Worlds with more states are stepped by their rules: their tables would take too much memory."""


@dataclass(frozen=True)
class Transitions:
    """Where each of A actions leads from each of S states, by the world's own rules.

    Attributes:
        next_state: int64 [S, A], the state after the action; any, where the episode ends.
        outcome: int64 [S, A], codes of `Outcomes`, of a step that is not the last one allowed.
        label: int64 [S, A], codes of `Outcomes`: what the overseer knows of that step.
        reward: float32 [S, A], the environment's.
        final: int8 [E, *observation_shape], what the E steps that end an episode end in: action by
            action, and of each in the order of the states.
    """

    next_state: torch.Tensor
    outcome: torch.Tensor
    label: torch.Tensor
    reward: torch.Tensor
    final: torch.Tensor


def transitions(world: EnumerableWorld[Any]) -> Transitions:
    """Take every action in every state, once."""
    states = world.enumerate_states()
    count = world.state_count or 0
    columns, final = [], []
    for action in range(world.actions):
        after, ending = world.advance(states, torch.full((count,), action))
        columns.append((world.state_index(after), ending.outcome, ending.label, ending.reward))
        ended = ending.outcome != world.outcomes.unfinished
        final.append(world.observe(map_states(itemgetter(ended), after)))
    columns = [torch.stack(column, 1) for column in zip(*columns, strict=True)]
    return Transitions(*columns, final=torch.cat(final))


@dataclass(frozen=True)
class TableState:
    """N running episodes.

    Attributes:
        place: int32 [N], the state's place in the world's list, behind which are the ends.
        steps: int64 [N], the steps taken in this episode.
    """

    place: torch.Tensor
    steps: torch.Tensor


class TableWorld(Generic[State]):
    """The same world as its rules: equal random numbers and actions bring equal episodes.

    Tables hold every step that can be taken, twice: as it is while time is left, and as the last
    one allowed, which times out unless it reaches a target.

    Args:
        rules: A world whose states can be listed.
        device: Where the tables and the episodes live.
        by_entries: Show entries where these are few; else observations as the rules show them.

    Attributes:
        rules: The world.
        transitions: Its steps, on the CPU.
        shown: What each state of the list shows, as `observe` does, and then what each end shows.
    """

    def __init__(
        self,
        rules: EnumerableWorld[State],
        device: torch.device | str = "cpu",
        by_entries: bool = True,
    ) -> None:
        self.rules = rules
        self.transitions = transitions(rules)
        observations = rules.observe(rules.enumerate_states())
        observations = torch.cat((observations, self.transitions.final))
        entries = entries_of(observations) if by_entries else None
        self.shown = (observations if entries is None else entries).to(device)

    @cached_property
    def _steps(self) -> tuple[torch.Tensor, torch.Tensor, Ending]:
        """Of each step [2 x places x A] where it leads and how, and the ways in which one may end.

        Small numbers, which stay in the processor's cache.
        """
        table, outcomes = self.transitions, self.outcomes
        going_on = table.outcome == outcomes.unfinished
        # What follows the listed states is what the ends show, in the order of `Transitions.final`.
        ends = len(going_on) - 1 + (~going_on).t().flatten().cumsum(0).view_as(going_on.t()).t()
        place = torch.where(going_on, table.next_state, ends)
        labels = len(outcomes.labels)
        rewards, paid = table.reward.unique(return_inverse=True)
        ending = (table.outcome * labels + table.label) * len(rewards) + paid
        timeout = outcomes.timeout * (labels + 1) * len(rewards) + paid
        last = torch.where(going_on, timeout, ending)
        # Nobody has to step on from an end, but who does must find a row.
        beyond = (0, 0, 0, len(table.final))
        place, ending, last = (functional.pad(part, beyond) for part in (place, ending, last))
        kinds, kind = torch.cat((ending, last)).flatten().unique(return_inverse=True)
        outcome = kinds // len(rewards) // labels
        known = Ending(
            outcome=outcome,
            label=kinds // len(rewards) % labels,
            reward=rewards[kinds % len(rewards)],
            ended=outcome != outcomes.unfinished,
        )
        device = self.shown.device
        places = torch.cat((place, place)).flatten().int().to(device)
        return places, kind.int().to(device), map_states(lambda part: part.to(device), known)

    @cached_property
    def _states(self) -> State:
        """The list itself, for those who look at states."""
        return self.rules.enumerate_states()

    @property
    def outcomes(self) -> Outcomes:
        """The names of the ways in which an episode can end."""
        return self.rules.outcomes

    @property
    def observation_shape(self) -> tuple[int, ...]:
        """The shape of one observation in full."""
        return self.rules.observation_shape

    @property
    def actions(self) -> int:
        """The number of actions."""
        return self.rules.actions

    @property
    def random_numbers(self) -> int:
        """How many uniform numbers one placement takes."""
        return self.rules.random_numbers

    def place(self, random: torch.Tensor) -> TableState:
        """Start an episode in every environment, from random numbers [N, random_numbers]."""
        rules = self.rules
        if isinstance(rules, NumberingWorld):
            place = rules.start_index(random)
        else:
            place = rules.state_index(rules.place(random))
        return TableState(place.int(), torch.zeros_like(place))

    def ruled(self, state: TableState) -> State:
        """The episodes as the rules have them, apart from the steps taken, on the CPU."""
        return map_states(itemgetter(state.place.long().cpu()), self._states)

    def advance(self, state: TableState, actions: torch.Tensor) -> tuple[TableState, Ending]:
        """Take the actions, int64 [N]; what follows an episode's end has no meaning."""
        places, kinds, known = self._steps
        steps = state.steps + 1
        taken = actions.add(state.place, alpha=self.actions)
        # Of the second half if it is the last one allowed.
        taken.add_(steps >= self.rules.max_steps, alpha=len(places) // 2)
        kind = kinds.index_select(0, taken)
        ending = map_states(lambda part: part.index_select(0, kind), known)
        return TableState(places.index_select(0, taken), steps), ending

    def observe(self, state: TableState) -> torch.Tensor:
        """What the agent sees: its entries, int64 [N, M], where they are few; else as the rules."""
        return self.shown.index_select(0, state.place)


def as_tables(
    world: World[Any], device: torch.device | str = "cpu", by_entries: bool = True
) -> Dynamics[Any]:
    """The world as tables if its states can be listed and are not too many, else the world."""
    if isinstance(world, EnumerableWorld) and 0 < (world.state_count or 0) <= MAX_STATES:
        return TableWorld(world, device, by_entries)
    return world
