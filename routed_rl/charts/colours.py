"""The colours of figures, each with its twin for dark pages.

The eight of the series were searched for by their least distance in OKLab, seen normally and with
each of the three kinds of colour blindness.
"""

from __future__ import annotations

from routed_envs.gridworld.drawing import DIAMOND, EYE, GHOST
from routed_envs.outcomes import Outcomes

PAPER, INK, MUTED, GRID, OTHERS = "#ffffff", "#1c2430", "#5b6573", "#e4e8ed", "#c6ccd4"
MIXTURE_COLOUR, ACCENT = "#4b5563", "#2b63c4"
GOOD, UNWANTED = DIAMOND, GHOST
"""Targets have these colours, and so do the experts that are named like them."""
SERIES = (
    "#2e37b4",
    "#ec6f00",
    "#39a499",
    "#8f0c5e",
    "#c570f3",
    "#5c4d00",
    "#1e73a4",
    "#a55c5e",
)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")
LEVELS = ("#abc6f2", "#80a8e8", "#5a88d8", "#3b6ac0", "#244e9e", "#123370")

DARK = {
    PAPER: "#171b21",
    INK: "#e6e9ee",
    MUTED: "#a0a9b6",
    GRID: "#2c333d",
    OTHERS: "#4a525e",
    MIXTURE_COLOUR: "#aab3c0",
    ACCENT: "#74a7ff",
    DIAMOND: "#3cc4e0",
    GHOST: "#e07fcd",
    EYE: "#f2a65a",
    **dict(
        zip(
            SERIES,
            (
                "#00abf7",
                "#eda311",
                "#5effc2",
                "#fb5fa4",
                "#8c67f2",
                "#e7e81d",
                "#a1d4f5",
                "#b6744e",
            ),
            strict=True,
        )
    ),
    **dict(
        zip(
            LEVELS,
            ("#2f4f86", "#3e66a8", "#527fca", "#719de6", "#9fbff6", "#d6e5fd"),
            strict=True,
        )
    ),
}
"""On a dark page each colour becomes another one."""


def variable(colour: str) -> str:
    """The name of the page's variable that stands for a colour, a key of `DARK`."""
    return f"--colour-{colour.removeprefix('#')}"


def declarations(dark: bool) -> str:
    """The variables with their values for a light or a dark page, as a style sheet has them."""
    return " ".join(
        f"{variable(light)}: {shade if dark else light};" for light, shade in DARK.items()
    )


def level_colour(index: int, count: int) -> str:
    """The colour of a level of oversight among several: the more oversight, the stronger."""
    return LEVELS[round(index * (len(LEVELS) - 1) / max(1, count - 1))] if count > 1 else ACCENT


def target_colour(name: str, outcomes: Outcomes) -> str:
    """The colour of a target, and of the expert that is named like it.

    Args:
        name: Whatever is no target has the colour of the mixture.
        outcomes: Say whether the target is wanted.
    """
    if name not in outcomes.targets:
        return MIXTURE_COLOUR
    return GOOD if name in outcomes.good else UNWANTED
