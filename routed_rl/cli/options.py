"""Options that several commands share. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro


def optional(metavar: str, default: str = "") -> Any:
    """An option that may be left out, by what the help shows for its value and its default."""
    return tyro.conf.arg(metavar=metavar, help_behavior_hint=default and f"(default: {default})")


Flag = tyro.conf.FlagCreatePairsOff[bool]
RunArgument = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
SweepArgument = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="SWEEP")]
Number = Annotated[float | None, optional("FLOAT")]
File = Annotated[Path | None, optional("FILE")]
OutFolder = Annotated[Path | None, optional("FOLDER")]
Steer = Annotated[
    str,
    tyro.conf.arg(
        help="Who acts: deploy (the method's own choice), mixture (the learned gate), an expert's "
        "name, weights such as diamond=0.8,ghost=0.2, or a number from 0 to 1, the diamond's "
        "weight."
    ),
]


@dataclass(frozen=True)
class Oversight:
    """The world's oversight; each option that is left out is as in training.

    Attributes:
        oversight: Probability that a target's square has oversight, 0 to 1, for both targets.
        oversight_diamond: The same for the diamond's square alone.
        oversight_ghost: The same for the ghost's square alone.
        oversight_falloff: How much less oversight a target has for each step of its distance from
            the start after the first, 0 to 1.
        spurious_oversight: Probability that an empty square shows oversight, 0 to 1.
        label_noise: Probability that the overseer takes the target it sees for the other one.
        hidden_oversight: Whether the agent does not see where there is oversight.
        tempting_starts: Whether the ghost starts one step away, and the diamond at least four.
    """

    oversight: Number = None
    oversight_diamond: Number = None
    oversight_ghost: Number = None
    oversight_falloff: Number = None
    spurious_oversight: Number = None
    label_noise: Number = None
    hidden_oversight: bool | None = None
    tempting_starts: bool | None = None


OwnWorld = Annotated[
    str | None,
    tyro.conf.arg(
        name="world",
        metavar="MODULE:OBJECT",
        help="The world of a run that was trained in one of your own; nothing in the run's folder "
        "is executed, so its place must be given again.",
        help_behavior_hint="",
    ),
]
OwnEnv = Annotated[
    str | None,
    tyro.conf.arg(
        name="env",
        metavar="MODULE:FUNCTION",
        help="The environment of a run that was trained in one of your own; its place must be "
        "given again, for the same reason.",
        help_behavior_hint="",
    ),
]
WorldOptions = Annotated[Oversight, tyro.conf.arg(name="")]
