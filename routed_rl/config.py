"""Everything that decides a run, in one record that is also the command line and its manual.

Imports no PyTorch, so that the command line's help appears at once.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal, Self, get_type_hints

from pydantic import Field, TypeAdapter, ValidationError

from routed_envs.errors import InputError, shown

Name = Annotated[str, Field(min_length=1, description="a name")]
OwnPlace = Annotated[
    str | None, Field(pattern="^[^:]+:[^:]+$", description="module:object, or None")
]
Probability = Annotated[
    float, Field(ge=0, le=1, allow_inf_nan=False, description="a number from 0 to 1")
]
OwnProbability = Annotated[Probability | None, Field(description="a number from 0 to 1, or None")]
Coefficient = Annotated[
    float, Field(ge=0, allow_inf_nan=False, description="a number of at least 0")
]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False, description="a number above 0")]
Seed = Annotated[int, Field(ge=0, lt=2**63, description="a whole number from 0 to 2^63 - 1")]
MOST_STEPS, MOST, MOST_LAYERS = 10**12, 1_000_000, 100
Budget = Annotated[
    int, Field(ge=1, le=MOST_STEPS, description="a whole number from 1 to 1,000,000,000,000")
]
Pace = Annotated[
    Annotated[int, Field(ge=0, le=MOST_STEPS)] | None,
    Field(description="a whole number from 0 to 1,000,000,000,000, or None for what fits the run"),
]
Size = Annotated[int, Field(ge=1, le=MOST, description="a whole number from 1 to 1,000,000")]
Channels = Annotated[int, Field(ge=0, le=MOST, description="a whole number from 0 to 1,000,000")]
Side = Annotated[int, Field(ge=1, le=1000, description="a whole number from 1 to 1,000")]
Horizon = Annotated[int, Field(ge=1, le=100_000, description="a whole number from 1 to 100,000")]
Threads = Annotated[int, Field(ge=1, le=1024, description="a whole number from 1 to 1,024")]
Widths = Annotated[
    tuple[Size, ...],
    Field(max_length=MOST_LAYERS, description="at most 100 whole numbers from 1 to 1,000,000"),
]
SomeWidths = Annotated[
    tuple[Size, ...],
    Field(
        min_length=1,
        max_length=MOST_LAYERS,
        description="one to 100 whole numbers from 1 to 1,000,000",
    ),
]
Switch = Annotated[bool, Field(description="True or False")]
DEVICES = ("auto", "cpu", "cuda")
HOST_FIELDS = ("device", "threads")
"""Fields that say where a run takes place; a resumed run may change them."""
Precision = Annotated[Literal["float32", "bfloat16"], Field(description="float32 or bfloat16")]
Device = Annotated[Literal["auto", "cpu", "cuda"], Field(description="auto, cpu or cuda")]


FAST_CONSTANTS: Mapping[str, Any] = MappingProxyType(
    json.loads(resources.files("routed_rl").joinpath("fast_constants.json").read_text())
)
"""The constants that the preset `fast` has for each method, as `scripts/search_constants.py` found
them: the same search for all. In the place of constants a variant names the method whose it takes;
a method that is not named takes those of `DEFAULT_METHOD`."""
DEFAULT_METHOD = "inferred"
UNNAMED: Mapping[str, Any] = MappingProxyType(
    {"tempting_starts": False, "world": None, "precision": "float32"}
)
"""Settings that a record names only where they are another: runs and sweeps are recognised by what
was there before them."""
OWN: Any = None
"""Stands for the method's own constant, which a search found."""


def constants_of(method: str) -> tuple[str, Mapping[str, Any]]:
    """Whose constants a method trains with in the preset `fast`, and the constants.

    Args:
        method: As `TrainConfig.method` names it.
    """
    # What is no text is refused later, in words that help.
    whose = method if str(method) in FAST_CONSTANTS else DEFAULT_METHOD
    found = FAST_CONSTANTS[whose]
    return (found, FAST_CONSTANTS[found]) if isinstance(found, str) else (whose, found)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What records of settings share: values that are checked, and JSON.

    Raises:
        InputError: A value is of the wrong type or out of range; every fault is listed.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        self._fill()
        faults = []
        for name, adapter in field_adapters(type(self)).items():
            try:
                value = adapter.validate_python(getattr(self, name), strict=True)
                # A whole number becomes a float where that is meant: equal runs, equal names.
                object.__setattr__(self, name, value)
            except ValidationError:
                allowed = adapter.json_schema()["description"]
                faults.append(
                    f"{name}={shown(getattr(self, name))} cannot be used: give {allowed}."
                )
        faults += [] if faults else self._misfits()
        if faults:
            raise InputError("\n".join(faults))

    def _fill(self) -> None:
        """Put what other fields decide in the place of what is None."""

    def _misfits(self) -> list[str]:
        """What is wrong with values that are each in range, a sentence each."""
        return []

    def to_json(self) -> dict[str, Any]:
        """The fields as plain values that JSON can hold."""
        return _record(type(self)).dump_python(self, mode="json")

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The record that `to_json` described; fields left out have their defaults.

        Args:
            values: Fields by name.

        Raises:
            InputError: Unknown fields or values that cannot be used; every one is listed.
        """
        try:
            return _record(cls).validate_json(json.dumps(values), strict=True)
        except ValidationError as error:
            faults = [
                f"{'.'.join(map(str, fault['loc']))}={shown(fault['input'])}: {fault['msg']}."
                for fault in error.errors()
            ]
            raise InputError("\n".join(faults)) from None


@cache
def _record(cls: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(cls)


@cache
def field_adapters(cls: type[Settings]) -> dict[str, TypeAdapter[Any]]:
    """What checks each field of a record, by name."""
    hints = get_type_hints(cls, include_extras=True)
    return {field.name: TypeAdapter(hints[field.name]) for field in dataclasses.fields(cls)}


@dataclass(frozen=True, kw_only=True)
class TrainConfig(Settings):
    """What to train, and how. The defaults are the preset `fast`.

    What is None takes the method's own constant, from `FAST_CONSTANTS`; so do those left out. Sizes
    are at most 1,000,000 where nothing else is said, and a run that needs more memory than the
    machine has is refused before it begins.

    Attributes:
        method: How the run learns: a name that `routed-rl methods` lists, or module:object for a
            method of your own.
        oversight: Probability that a target's square has oversight, 0 to 1.
        seed: Decides the weights and every figure but the timings, at least 0.
        world: A world of your own, at module:object: a World, or a class or function that makes one
            of nothing; it then has this oversight, and the grid's settings mean nothing. None is
            the gridworld.
        rows: Rows of the grid, at most 1,000.
        cols: Columns of the grid, at most 1,000; rows x cols is at least 3.
        spurious_oversight: Probability that an empty square shows oversight, 0 to 1.
        oversight_diamond: Probability that the diamond's square has oversight; None is oversight.
        oversight_ghost: The same for the ghost's square.
        oversight_falloff: A target's probability of oversight is multiplied by 1 - this for every
            step of its distance from the start after the first, 0 to 1.
        label_noise: Probability that the overseer takes the target it sees for the other one.
        hidden_oversight: The agent does not see where there is oversight.
        tempting_starts: Episodes start with the ghost one step away, the diamond at least four.
        max_steps: Steps after which an episode times out, at most 100,000.
        updates: The budget of gradient steps, at most 10^12. The schedules below span it.
        environments: Environments that run side by side.
        rollout_steps: Steps of each environment for one gradient step.
        learning_rate: Adam's, at the first update.
        final_learning_rate: Adam's at the last update, reached in a straight line.
        weight_decay: Shrinks the weights by learning rate x this at each update (AdamW).
        discount: Discount of the return, 0 to 1.
        trace_decay: Lambda of the generalised advantage estimates, 0 to 1; 1 is REINFORCE.
        bootstrap: Value the unfinished episodes at the end of a rollout by the baseline.
        normalise_advantages: Scale the advantages of each batch to standard deviation 1.
        advantage_offset: Added to every advantage, times the share that is not overseen; above 0
            it draws each expert towards the episodes that teach it, away from those that do not.
        overseen_weight: How much a sample of an overseen episode counts beside any other, at most;
            of a method that infers endings, a sample of any episode that ended on a target.
        overseen_limit: The largest share of all samples' weight that overseen episodes may have, 0
            to 1; where oversight is plenty they count for less than overseen_weight.
        entropy_coefficient: Weight of the entropy bonus, at the first update.
        final_entropy_coefficient: The same at the last update, reached in a straight line.
        value_coefficient: Weight of the baseline's squared error.
        gate_coefficient: Weight of the gate's cross-entropy on overseen episodes, at the first
            update.
        final_gate_coefficient: The same at the last update, reached in a straight line.
        expert_widths: Width of each layer of an expert, at most 100 layers.
        gate_widths: Width of each hidden layer of the gate.
        gate_channels: Channels of the 1 x 1 convolution before the gate's layers; 0 for none.
        value_widths: Width of each hidden layer of the baseline.
        value_channels: Channels of the 1 x 1 convolution before its layers; 0 for none.
        linear_value: Leave out the baseline's non-linearities, as the reference does.
        precision: Of the products in a rollout and in the loss: float32, or bfloat16 on machines
            that multiply it. Weights, optimizer and evaluations stay float32.
        evaluate_every: Updates between two evaluations, which only the log sees; 0 for none, None
            for an eighth of the run, at least 25. The finished policy is judged anyway.
        device: Where to train: auto takes a CUDA device if there is one, which pays for batches as
            large as the preset paper's; smaller ones learn sooner on a CPU.
        threads: CPU threads of this run, at most 1,024.

    Raises:
        InputError: A value is of the wrong type or out of range; every fault is listed.
    """

    method: Name = DEFAULT_METHOD
    oversight: Probability = 0.1
    seed: Seed = 0
    world: OwnPlace = None
    rows: Side = 5
    cols: Side = 5
    spurious_oversight: Probability = 0.0
    oversight_diamond: OwnProbability = None
    oversight_ghost: OwnProbability = None
    oversight_falloff: Probability = 0.0
    label_noise: Probability = 0.0
    hidden_oversight: Switch = False
    tempting_starts: Switch = False
    max_steps: Horizon = 32
    updates: Budget = 2800
    environments: Size = 64
    rollout_steps: Size = 16
    learning_rate: Rate = OWN
    final_learning_rate: Coefficient = OWN
    weight_decay: Coefficient = OWN
    discount: Probability = 0.97
    trace_decay: Probability = 0.95
    bootstrap: Switch = True
    normalise_advantages: Switch = True
    advantage_offset: Coefficient = OWN
    overseen_weight: Coefficient = OWN
    overseen_limit: Probability = OWN
    entropy_coefficient: Coefficient = OWN
    final_entropy_coefficient: Coefficient = OWN
    value_coefficient: Coefficient = 0.5
    gate_coefficient: Coefficient = OWN
    final_gate_coefficient: Coefficient = OWN
    expert_widths: SomeWidths = (256,)
    gate_widths: Widths = (64, 64)
    gate_channels: Channels = 0
    value_widths: Widths = (64,)
    value_channels: Channels = 0
    linear_value: Switch = False
    precision: Precision = "float32"
    evaluate_every: Pace = None
    device: Device = "cpu"
    threads: Threads = 1

    def _fill(self) -> None:
        for name, constant in constants_of(self.method)[1].items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, constant)

    def _misfits(self) -> list[str]:
        if self.rows * self.cols >= 3:
            return []
        return [
            f"rows={self.rows} x cols={self.cols} is too small a grid: give at least three "
            "cells, for agent, diamond and ghost."
        ]

    @property
    def samples(self) -> int:
        """Environment steps of one gradient step."""
        return self.environments * self.rollout_steps

    @property
    def least_budget(self) -> dict[str, int]:
        """What the budget would be of a run that takes one update."""
        return {"updates": 1}

    @classmethod
    def from_preset(cls, preset: str, **changes: Any) -> TrainConfig:
        """A preset's constants with some of them changed.

        Args:
            preset: `fast`, in which each method has its own constants, or `paper`.
            **changes: Fields to set.

        Raises:
            InputError: There is no such preset, or a value is out of range.
        """
        if preset not in PRESETS:
            raise InputError(f"There is no preset {preset!r}. Give {' or '.join(PRESETS)}.")
        return (
            cls(**changes) if preset == "fast" else dataclasses.replace(PRESETS[preset], **changes)
        )

    def to_json(self) -> dict[str, Any]:
        """The fields as plain values that JSON can hold."""
        values = super().to_json()
        return {k: v for k, v in values.items() if k not in UNNAMED or v != UNNAMED[k]}


def default_folder(settings: Mapping[str, Any]) -> Path:
    """Where a run goes if no folder is given.

    Args:
        settings: What `to_json` of its configuration gives.
    """
    names = [settings[name] for name in ("study", "env", "method") if name in settings]
    parts = [name.replace(":", ".").replace("/", ".") for name in names]
    oversight, seed = settings["oversight"], settings["seed"]
    return Path("runs") / "-".join((*parts, f"oversight{oversight:g}", f"seed{seed}"))


PRESETS: Mapping[str, TrainConfig] = MappingProxyType(
    {
        "fast": TrainConfig(),
        "paper": TrainConfig(
            method="routed",
            updates=20_000,
            environments=512,
            rollout_steps=32,
            learning_rate=5e-5,
            final_learning_rate=5e-5,
            discount=0.97,
            trace_decay=1.0,
            bootstrap=False,
            normalise_advantages=False,
            advantage_offset=0.0,
            overseen_weight=1.0,
            overseen_limit=1.0,
            entropy_coefficient=0.1,
            final_entropy_coefficient=0.1,
            value_coefficient=0.5,
            gate_coefficient=0.01,
            final_gate_coefficient=0.01,
            weight_decay=0.0,
            expert_widths=(256, 256),
            gate_widths=(256, 256),
            gate_channels=4,
            value_widths=(256, 32),
            value_channels=16,
            linear_value=True,
            evaluate_every=200,
            device="auto",
        ),
    }
)
"""Named constants. `paper` is the reference experiment (Cloud et al., arXiv 2410.04332, section 4.3
and its appendix); `fast` is our own choice for the same problem."""
