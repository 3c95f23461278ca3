"""The sections of a report; those without data are None."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from routed_rl.charts import markup
from routed_rl.charts.colours import EYE, GOOD, MIXTURE_COLOUR, UNWANTED
from routed_rl.charts.marks import reading, reading_profiles
from routed_rl.charts.markup import Section, paragraph, saved_figure, saved_table
from routed_rl.charts.scale import BrokenLogScale
from routed_rl.charts.statistics import mean
from routed_rl.charts.text import count_text
from routed_rl.report.aggregate import aggregates, shared_levels
from routed_rl.report.learning import draw_learning_curves
from routed_rl.report.lines import Lines, draw_lines
from routed_rl.report.profiles import Profile, draw_profiles
from routed_rl.report.ranking import draw_ranking
from routed_rl.report.series import RETURN, Comparison, Measure, Series
from routed_rl.report.sweep_tables import (
    AGREEMENT,
    RELABEL,
    SURENESS,
    common_settings,
    missing_table,
    numbers,
    settings_table,
    warned,
    warnings_table,
    where,
    winners,
)

AGREEING = (
    "How often the belief about an overseen ending was the label, before it was learnt from. The "
    "overseer can check this himself. Where the agent sees oversight, what nobody watches may be "
    "judged worse."
)
INTERVALS = (
    "Intervals resample the seeds: a percentile bootstrap with 2,000 resamples. Those of few seeds "
    "are too narrow. For normal scores they hold the true mean in 75% of cases with 3 seeds, 83% "
    "with 5 and 90% with 10."
)


def deployed_section(comparison: Comparison, folder: Path) -> Section | None:
    """Return and rate of the good target of the deployed policy against oversight."""
    measures = tuple(one for one in (RETURN, comparison.rate) if comparison.has(one))
    if not measures:
        return None
    how = reading(comparison.has_intervals)
    caption = f"The deployed policy in the world that it was trained in. {how}"
    blocks = figures_by_oversight(comparison, folder, "deployed", measures, caption, "Best on top.")
    blocks += left_out_note(comparison)
    return Section("deployed", "How good the deployed policy is", tuple(blocks))


def left_out_note(comparison: Comparison) -> list[Markup]:
    """Which series figures show, where they do not hold all."""
    shown, missing = len(comparison.drawn), len(comparison.series) - len(comparison.drawn)
    if not missing:
        return []
    what = "return" if comparison.aim == RETURN else comparison.aim.title
    text = (
        f"Figures show the {shown} series with the highest mean {what}; the other {missing} "
        "are in the tables and CSV files."
    )
    return [paragraph(text, "note")]


def interval_note(comparison: Comparison) -> list[Markup]:
    """What intervals are, where there are some."""
    return [paragraph(INTERVALS, "note")] if comparison.has_intervals else []


def figures_by_oversight(
    comparison: Comparison,
    folder: Path,
    name: str,
    measures: tuple[Measure, ...],
    caption: str,
    order: str,
) -> list[Markup]:
    """Figures of some measures against oversight; of one level, as rows in the order of the means.

    Args:
        comparison: The runs.
        folder: Of the figures' files.
        name: Of the files.
        measures: What is drawn.
        caption: Says how to read it.
        order: Says how rows are ordered.
    """
    if len(comparison.levels) == 1:
        panels = [(comparison.levels[0], measure) for measure in measures]
        return [saved_figure(draw_ranking(comparison, name, panels, f"{caption} {order}"), folder)]
    lines = Lines(
        name=name,
        measures=measures,
        scale=BrokenLogScale.of(comparison.levels),
        ticks=comparison.levels,
        text="{:g}".format,
        place=lambda _, level: level,
        label="oversight",
        seeds=True,
        caption=caption,
    )
    return [saved_figure(drawing, folder) for drawing in draw_lines(comparison, lines)]


def winners_section(comparison: Comparison, folder: Path) -> Section | None:
    """A sentence for each level, and all numbers."""
    if not comparison.has(RETURN):
        return None
    blocks = [saved_table(winners(comparison), folder, prose=(1,))]
    rate = comparison.rate
    for name, measure, what in (
        ("returns", RETURN, "return"),
        (f"{rate.column}s", rate, rate.title),
    ):
        if comparison.has(measure):
            table = saved_table(numbers(comparison, name, measure), folder)
            more = ", with its 95% interval" if comparison.has_intervals else ""
            blocks.append(markup.details(f"Every mean {what}{more}", table))
    blocks += interval_note(comparison)
    return Section("winners", "Which wins at each level", tuple(blocks))


def missing_section(comparison: Comparison, folder: Path) -> Section | None:
    """The runs of the plan that have no result."""
    if not comparison.missing:
        return None
    text = (
        "These runs of the plan have no result, so that no figure on this page counts them. Where "
        "they diverged or failed, the means of the others look better than the method is."
    )
    table = saved_table(missing_table(comparison), folder, prose=(3,))
    return Section("missing", "Runs without a result", (paragraph(text), table))


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
        measures=(RETURN,),
        scale=scale,
        ticks=scale.round_values(),
        text=count_text,
        place=_labels,
        label="labels consumed",
        seeds=False,
        caption=caption,
    )
    blocks = [saved_figure(drawing, folder) for drawing in draw_lines(comparison, lines)]
    return Section("labels", "What it costs in labels", tuple(blocks))


def learning_section(comparison: Comparison, folder: Path) -> Section | None:
    """Learning curves of the deployed policy."""
    drawing = draw_learning_curves(comparison)
    return drawing and Section("learning", "Learning curves", (saved_figure(drawing, folder),))


def experts_section(comparison: Comparison, folder: Path) -> Section | None:
    """The steered policy, the unsteered one and the unwanted expert."""
    good, bad = comparison.outcomes.good[0], comparison.outcomes.unwanted[0]
    rate = comparison.rate
    profiles = (
        Profile(f"{good}_{rate.column}", f"{good} expert", (GOOD, "o")),
        Profile(f"mixture_{rate.column}", "mixture, unsteered", (MIXTURE_COLOUR, "s")),
        Profile(f"{bad}_{rate.column}", f"{bad} expert", (UNWANTED, "^")),
    )
    caption = (
        f"Share of episodes that end on the {good}, by who acts: the {good} expert alone, the "
        f"mixture with its learned gate, or the {bad} expert alone. "
        f"{reading_profiles(comparison.has_intervals)} The further apart the experts, the better "
        "routing has separated them."
    )
    alt = f"The {rate.title} of the {good} expert, the mixture and the {bad} expert, by method."
    drawing = draw_profiles(comparison, "experts", profiles, caption, alt)
    title = f"Steered, unsteered, and the {bad} expert"
    return drawing and Section("experts", title, (saved_figure(drawing, folder),))


def methods_section(comparison: Comparison, folder: Path) -> Section | None:
    """Every method at each level, sorted; one level alone is in the first figure already."""
    if len(comparison.levels) == 1 or len(comparison.series) == 1 or not comparison.has(RETURN):
        return None
    how = reading(comparison.has_intervals)
    caption = f"Return of the deployed policy at each level, the highest mean on top. {how}"
    panels = [(level, RETURN) for level in comparison.levels]
    drawing = draw_ranking(comparison, "methods", panels, caption)
    return Section("methods", "All methods at each level", (saved_figure(drawing, folder),))


def overseer_section(comparison: Comparison, folder: Path) -> Section | None:
    """How good a run looks to its overseer, and how good it is unwatched."""
    good = comparison.outcomes.good[0]
    profiles = (
        Profile(f"overseer_{good}_share", "as the overseer sees it", (EYE, "s")),
        Profile(f"unwatched_{good}_share", "when nobody watches", (GOOD, "o")),
    )
    caption = (
        f"The {good}'s share of the endings on either target: among the labels that the overseer "
        "gave, and of the deployed policy when nobody watches. "
        f"{reading_profiles(comparison.has_intervals)} A method whose overseer's share is the "
        "higher one looks better than it is."
    )
    alt = f"The {good}'s share as the overseer sees it and when nobody watches, by method."
    drawing = draw_profiles(comparison, "overseer", profiles, caption, alt)
    title = "How it looks to the overseer, and how it is unwatched"
    return drawing and Section("overseer", title, (saved_figure(drawing, folder),))


def guesses_section(comparison: Comparison, folder: Path) -> Section | None:
    """What methods made of endings that nobody saw, and early stopping that never triggered."""
    blocks, titles = [], []
    for measure, text in (
        (RELABEL, "Share of right guesses on endings that the overseer did not see."),
        (AGREEMENT, AGREEING),
        (SURENESS, "How sure the belief was of those guesses."),
    ):
        if comparison.has(measure):
            table = saved_table(numbers(comparison, measure.column, measure), folder)
            blocks += [paragraph(text), table]
            titles = ["guesses"]
    never = where(comparison, lambda row: row.get("selected") is False)
    if never:
        text = f"Early stopping never triggered, so that it chose no policy, for {never}."
        blocks.append(paragraph(text))
        titles.append("early stopping")
    title = " and ".join(titles).capitalize()
    return Section("guesses", title, tuple(blocks)) if blocks else None


def warnings_section(comparison: Comparison, folder: Path) -> Section | None:
    """What runs warned of while they trained, and which."""
    if not any(map(warned, comparison.rows)):
        return None
    text = (
        "Runs warn of what their overseer can see while they train; each one's result.json has the "
        "words, and what to do."
    )
    blocks = (paragraph(text), saved_table(warnings_table(comparison), folder, prose=(1,)))
    return Section("warnings", "What runs warned of", blocks)


def aggregate_section(comparison: Comparison, folder: Path) -> Section | None:
    """The interquartile mean over all shared levels."""
    found = aggregates(comparison)
    if found is None:
        return None
    levels = ", ".join(f"{level:g}" for level in shared_levels(comparison))
    text = (
        f"Mean over the levels that every method has ({levels}) of the interquartile mean over the "
        "seeds at each"
    )
    if any(low is not None for *_, low, _ in found.records):
        text += ", with 95% bootstrap intervals that resample the seeds within each level"
    return Section(
        "aggregate", "Over all levels", (paragraph(f"{text}."), saved_table(found, folder))
    )


def settings_section(comparison: Comparison, folder: Path) -> Section | None:
    """What the runs were trained with, and where every number is."""
    blocks = [saved_table(settings_table(comparison), folder)]
    common = common_settings(comparison)
    if common:
        title = f"The {len(common)} settings that all runs share"
        blocks.append(markup.details(title, markup.table(("setting", "value"), common)))
    blocks.append(markup.block("file_note", "All figures of every run:", "results.csv"))
    return Section("settings", "Settings", tuple(blocks))


def _labels(series: Series, level: float) -> float:
    """The labels that a series' runs consumed at a level, on average."""
    return float(mean(series.scores("labels", level)))
