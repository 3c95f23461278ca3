"""What a method is: how a run learns, written as a table and read by the learner.

A method says, for each label that the overseer may give an episode, what the episode is worth
and where its gradient may go. The learner reads the table and never asks for the method's name.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from routed_agents.former_names import saved_name
from routed_agents.policies.steering import Steering
from routed_envs.errors import InputError, check_count
from routed_envs.outcomes import Outcomes

if TYPE_CHECKING:
    import torch

    from routed_agents.policies.networks import Gate
    from routed_agents.rollout import Rollout

Memory = dict[str, "torch.Tensor"]
"""What a method's `relabel` function remembers from one rollout to the next, by name."""
Relabel = Callable[["Rollout", Memory, "torch.Generator"], tuple["torch.Tensor", Memory]]


@dataclass(frozen=True)
class Row:
    """What an episode with one label teaches.

    Attributes:
        experts: Gradient weight of each expert, 0 to 1.
        gate: Gradient weight of the gate in the policy's loss, 0 to 1.
        target: The expert that the gate learns to call on, or None.
        reward: Replaces the reward of the episode's last step, for whoever acts or for each expert
            that acts alone; None keeps the environment's.
        weight: The samples' weight in every loss but the gate's, at least 0.
        activations: Factor on each expert's output in the learner's forward pass; None leaves the
            policy as it acted.
    """

    experts: tuple[float, ...]
    gate: float = 1.0
    target: str | None = None
    reward: float | tuple[float, ...] | None = None
    weight: float = 1.0
    activations: tuple[float, ...] | None = None


@dataclass(frozen=True)
class BestOverseen:
    """Keep the policy with the best score over the last overseen episodes.

    Attributes:
        scores: What an overseen episode with each target's label counts.
        episodes: Over how many overseen episodes the score is summed, at least 1.

    Raises:
        InputError: There are fewer episodes.
    """

    scores: Mapping[str, float]
    episodes: int = 2000

    def __post_init__(self) -> None:
        check_count("episodes", self.episodes)


@dataclass(frozen=True)
class GateMemory:
    """The gate learns from remembered endings, not from each step of the rollout.

    It then learns where it judges, from the last steps of overseen episodes, and from as many of
    them at each update however rare they are. Before the first one it learns from the rollout, as
    gates without a memory do.

    Attributes:
        remembered: How many endings are kept, the most recent ones; at least 1.
        batch: Endings in one gradient step.
        dropout: Each channel of a remembered observation is zeros with this probability, 0 to 1, so
            that the gate leans on no single sign: where the agent sees oversight, every ending with
            a label shows it, and those that are to be judged do not.

    Raises:
        InputError: Fewer endings are kept.
    """

    remembered: int = 16_384
    batch: int = 256
    dropout: float = 0.2

    def __post_init__(self) -> None:
        check_count("remembered", self.remembered)


def _whole_budget(oversight: float) -> float:
    """Take every update of the budget, whatever the oversight."""
    return 1.0


@dataclass(frozen=True)
class Method:
    """How a run learns.

    Attributes:
        name: The method's name.
        summary: One sentence that says what it does.
        experts: Names of the policy's experts.
        gate: How they are weighed: `learned`, `even`, or `none` for a single expert.
        rows: What an episode teaches, for every label of the world's `Outcomes`.
        relabel: Where the labels come from: `overseer`, the `truth`, or a function of the rollout,
            of what the function remembered (tensors by name, at first empty; the checkpoint
            keeps them) and of a generator. It returns labels, int64 [T, N] like the rollout's, or
            their probabilities, float [T, N, L], by which rows are averaged; and what to remember.
        updates: The share of the budget of gradient steps to take, from the oversight.
        select: None keeps the last policy, `BestOverseen` the best in the overseer's view.
        deploy: The steering with which the finished policy is judged.
        acts: Who acts while it learns: the `mixture`, or the `experts`, each alone in its share of
            the environments and taught by its own episodes.
        gate_memory: What the gate learns from in the place of the rollout's steps.
        final_observations: Whether a `relabel` function is told `Rollout.final_observations`, which
            cost time to make.
        oversight_entries: Whether it is told which entries of an observation show oversight.

    Raises:
        InputError: A row has another number of experts, a value out of range, an unknown target, or
            a reward for each expert where the mixture acts.
    """

    name: str
    summary: str
    experts: tuple[str, ...]
    gate: Gate
    rows: Mapping[str, Row]
    relabel: Literal["overseer", "truth"] | Relabel = "overseer"
    updates: Callable[[float], float] = _whole_budget
    select: BestOverseen | None = None
    deploy: Steering = None
    acts: Literal["mixture", "experts"] = "mixture"
    gate_memory: GateMemory | None = None
    final_observations: bool = False
    oversight_entries: bool = True

    def __post_init__(self) -> None:
        for label, row in self.rows.items():
            _check_row(f"{self.name}, row {label!r}", row, self)
        object.__setattr__(self, "rows", MappingProxyType(dict(self.rows)))

    def check_labels(self, outcomes: Outcomes) -> None:
        """Refuse a table that does not have one row for each of the world's labels.

        Args:
            outcomes: The world's.

        Raises:
            InputError: A label has no row, or a row no label.
        """
        if set(self.rows) != set(outcomes.labels):
            raise InputError(
                f"Method {self.name!r} has rows for {sorted(self.rows)}; this world's labels are "
                f"{sorted(outcomes.labels)}. Give one row for each label."
            )

    def check_environments(self, count: int) -> None:
        """Refuse fewer environments than there are experts that act alone.

        Raises:
            InputError: An expert would have none.
        """
        if self.acts == "experts" and count < len(self.experts):
            raise InputError(
                f"environments={count}: in method {self.name!r} each of {', '.join(self.experts)} "
                f"acts in environments of its own. Give at least {len(self.experts)}."
            )

    def needed_labels(self, outcomes: Outcomes) -> tuple[str, ...]:
        """The wanted endings whose labels teach what an ending without a label does not.

        Args:
            outcomes: The world's.
        """
        if self.relabel == "truth":
            return ()
        unseen, learns = self.rows["unknown"], callable(self.relabel)
        return tuple(name for name in outcomes.good if learns or self.rows[name] != unseen)

    def describe(self) -> str:
        """Everything that distinguishes this method from others, in words."""
        rows = {label: self.rows[label] for label in sorted(self.rows)}
        shape = f"{self.experts}, {self.gate}, {self.deploy}"
        # Named only where they are unusual: methods of before they existed keep their description.
        further = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name in ("acts", "gate_memory", "oversight_entries")
            and getattr(self, field.name) != field.default
        }
        words = (str(rows), shape, self.labels_from, _name(self.updates), str(self.select))
        return ", ".join((*words, *(f"{name}={value}" for name, value in further.items())))

    @property
    def labels_from(self) -> str:
        """Where the labels come from: a function by its place, a record by its values."""
        return self.relabel if isinstance(self.relabel, str) else _name(self.relabel)

    @property
    def is_told_entries(self) -> bool:
        """Whether a function of its own is told which entries of an observation show oversight."""
        return callable(self.relabel) and self.oversight_entries

    @property
    def told(self) -> tuple[str, ...]:
        """What the method learns from beside observations, actions and rewards, in words."""
        final = callable(self.relabel) and self.final_observations
        return (
            "the truth" if self.relabel == "truth" else "labels",
            *(("which entries show oversight",) if self.is_told_entries else ()),
            *(("the final observation",) if final else ()),
        )

    def budget(self, updates: int, oversight: float) -> int:
        """The gradient steps to take of a budget of `updates`, at least 1."""
        return max(1, round(self.updates(oversight) * updates))


def _name(function: Callable[..., object]) -> str:
    """Where a function is defined; a record that can be called shows its values instead."""
    if dataclasses.is_dataclass(function):
        values = {
            field.name: getattr(function, field.name) for field in dataclasses.fields(function)
        }
        words = (f"{k}={_name(v) if callable(v) else repr(v)}" for k, v in values.items())
        return f"{type(function).__qualname__}({', '.join(words)})"
    name = getattr(function, "__qualname__", type(function).__name__)
    return f"{saved_name(function.__module__)}.{name}"


def _check_row(place: str, row: Row, method: Method) -> None:
    """Refuse a row that does not fit the method, naming the place."""
    experts, rewards = method.experts, row.reward if isinstance(row.reward, tuple) else None
    if rewards is not None and method.acts == "mixture":
        raise InputError(
            f"{place}: reward={rewards}, one for each expert, but the mixture acts. Give one "
            "reward, or acts='experts'."
        )
    lists = (("experts", row.experts), ("activations", row.activations), ("reward", rewards))
    for name, weights in lists:
        if weights is not None and len(weights) != len(experts):
            raise InputError(
                f"{place}: {name}={weights} has {len(weights)} values for {len(experts)} experts."
            )
    if not all(0 <= weight <= 1 for weight in (*row.experts, row.gate)):
        raise InputError(
            f"{place}: experts={row.experts}, gate={row.gate}; gradient weights go from 0 to 1."
        )
    if not row.weight >= 0:
        raise InputError(f"{place}: weight={row.weight}; a sample's weight is at least 0.")
    if row.target is not None and row.target not in experts:
        raise InputError(f"{place}: target={row.target!r} is none of the experts {experts}.")
