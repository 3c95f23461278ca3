"""The sections of a report, in the order of the page; those without data are None."""

from __future__ import annotations

from pathlib import Path

from routed_envs.gridworld.drawing import DIAMOND, EYE, GHOST
from routed_rl.charts import markup
from routed_rl.charts.colours import MIXTURE_COLOUR
from routed_rl.charts.drawing import Drawing
from routed_rl.charts.markup import Section, paragraph
from routed_rl.charts.scale import BrokenLogScale
from routed_rl.charts.statistics import mean
from routed_rl.report.learning import draw_learning_curves
from routed_rl.report.lines import Lines, draw_lines
from routed_rl.report.marks import READING
from routed_rl.report.profiles import Profile, draw_profiles
from routed_rl.report.ranking import draw_ranking
from routed_rl.report.series import Comparison, Series
from routed_rl.report.words import (
    BAD,
    BEST_RETURN,
    BEST_WORLD,
    GOOD,
    MIXTURE,
    OVERSEER_SHARE,
    RATE,
    RETURN,
    UNWATCHED_SHARE,
    count_text,
)

DEPLOYED = "deployed"


def best_return(comparison: Comparison) -> float | None:
    """The best possible return, if every run is in the world where it is known."""
    known = all(
        row.get(name) == value for row in comparison.rows for name, value in BEST_WORLD.items()
    )
    return BEST_RETURN if known else None


def deployed_section(comparison: Comparison, folder: Path) -> Section | None:
    """Return and diamond rate of the deployed policy against oversight."""
    columns = tuple(column for column in (RETURN, RATE) if comparison.has(column))
    if not columns:
        return None
    best = best_return(comparison)
    caption = f"The deployed policy in the world that it was trained in. {READING}"
    if len(comparison.levels) == 1:
        panels = [(comparison.levels[0], column) for column in columns]
        drawings = [draw_ranking(comparison, DEPLOYED, panels, best, f"{caption} Best on top.")]
    else:
        scale = BrokenLogScale.of(comparison.levels)
        lines = Lines(
            name=DEPLOYED,
            columns=columns,
            scale=scale,
            ticks=comparison.levels,
            text="{:g}".format,
            place=lambda _, level: level,
            label="oversight",
            best=best,
            seeds=True,
            caption=caption,
        )
        drawings = draw_lines(comparison, lines)
    blocks = [saved_figure(drawing, folder) for drawing in drawings]
    return Section("deployed", "How good the deployed policy is", (*blocks, *_more(comparison)))


def labels_section(comparison: Comparison, folder: Path) -> Section | None:
    """Return against the labels that the method consumed."""
    complete = [row for row in comparison.rows if row.get("labels") is not None]
    if len(complete) < len(comparison.rows) or not comparison.has(RETURN):
        return None
    scale = BrokenLogScale.of(
        _labels(series, level) for series in comparison.series for level in series.levels
    )
    caption = (
        "Return of the deployed policy against the episodes whose label its method used (the mean "
        "over seeds). Each line joins one method's levels in the order of oversight. Methods are "
        "compared fairly where one stands above the other: an oracle sees every ending, but in "
        "fewer episodes."
    )
    lines = Lines(
        name="labels",
        columns=(RETURN,),
        scale=scale,
        ticks=scale.round_values(),
        text=count_text,
        place=_labels,
        label="labels consumed",
        best=best_return(comparison),
        seeds=False,
        caption=caption,
    )
    blocks = [saved_figure(drawing, folder) for drawing in draw_lines(comparison, lines)]
    return Section("labels", "What it costs in labels", tuple(blocks))


def learning_section(comparison: Comparison, folder: Path) -> Section | None:
    """Learning curves of the deployed policy."""
    drawing = draw_learning_curves(comparison, best_return(comparison))
    return drawing and Section("learning", "Learning curves", (saved_figure(drawing, folder),))


def experts_section(comparison: Comparison, folder: Path) -> Section | None:
    """The steered policy, the unsteered one and the bad expert."""
    profiles = (
        Profile(f"{GOOD}_{RATE}", f"{GOOD} expert", DIAMOND, "o"),
        Profile(f"{MIXTURE}_{RATE}", f"{MIXTURE}, unsteered", MIXTURE_COLOUR, "s"),
        Profile(f"{BAD}_{RATE}", f"{BAD} expert", GHOST, "^"),
    )
    caption = (
        f"Share of episodes that end on the {GOOD}, by who acts: the {GOOD} expert alone, the "
        f"mixture with its learned gate, or the {BAD} expert alone. Marks are means over seeds, "
        "bars 95% intervals. The further apart the experts, the better routing has separated them."
    )
    alt = f"The {GOOD} rate of the {GOOD} expert, the mixture and the {BAD} expert, by method."
    drawing = draw_profiles(comparison, "experts", profiles, caption, alt)
    title = f"Steered, unsteered, and the {BAD} expert"
    return drawing and Section("experts", title, (saved_figure(drawing, folder),))


def methods_section(comparison: Comparison, folder: Path) -> Section | None:
    """Every method at each level, sorted; one level alone is in the first figure already."""
    if len(comparison.levels) == 1 or len(comparison.series) == 1 or not comparison.has(RETURN):
        return None
    caption = f"Return of the deployed policy at each level, the highest mean on top. {READING}"
    panels = [(level, RETURN) for level in comparison.levels]
    drawing = draw_ranking(comparison, "methods", panels, best_return(comparison), caption)
    return Section("methods", "All methods at each level", (saved_figure(drawing, folder),))


def overseer_section(comparison: Comparison, folder: Path) -> Section | None:
    """How good a run looks to its overseer, and how good it is unwatched."""
    profiles = (
        Profile(OVERSEER_SHARE, "as the overseer sees it", EYE, "s"),
        Profile(UNWATCHED_SHARE, "when nobody watches", DIAMOND, "o"),
    )
    caption = (
        f"The {GOOD}'s share of the endings on either target: among the labels that the overseer "
        f"gave, and of the deployed policy when nobody watches. Marks are means over seeds, bars "
        "95% intervals. A method whose overseer's share is the higher one looks better than it is."
    )
    alt = f"The {GOOD}'s share as the overseer sees it and when nobody watches, by method."
    drawing = draw_profiles(comparison, "overseer", profiles, caption, alt)
    title = "How it looks to the overseer, and how it is unwatched"
    return drawing and Section("overseer", title, (saved_figure(drawing, folder),))


def _labels(series: Series, level: float) -> float:
    """The labels that a series' runs consumed at a level, on average."""
    return float(mean(series.scores("labels", level)))


def saved_figure(drawing: Drawing, folder: Path) -> str:
    """Write a figure's files and give its place on the page."""
    return markup.figure(drawing, drawing.save(folder))


def _more(comparison: Comparison) -> list[str]:
    """Says so if figures leave some series out."""
    missing = len(comparison.series) - len(comparison.drawn)
    if not missing:
        return []
    text = (
        f"Figures show the {len(comparison.drawn)} series with the highest mean return; the other "
        f"{missing} are in the tables and CSV files."
    )
    return [paragraph(text, "note")]
