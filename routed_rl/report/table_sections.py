"""The sections of a report that hold tables and sentences; those without data are None."""

from __future__ import annotations

from pathlib import Path

from routed_agents.files import write_atomically
from routed_rl.charts import markup
from routed_rl.charts.drawing import table_text
from routed_rl.charts.markup import Section, paragraph
from routed_rl.report.aggregate import aggregates, shared_levels
from routed_rl.report.series import Comparison
from routed_rl.report.settings import common_settings, settings_table
from routed_rl.report.tables import RELABEL, NumberTable, numbers, stopping_sentence, winners
from routed_rl.report.words import RATE, RETURN

INTERVALS = (
    "Intervals resample the seeds: a percentile bootstrap with 2,000 resamples. Those of few seeds "
    "are too narrow. For normal scores they hold the true mean in 75% of cases with 3 seeds, 83% "
    "with 5 and 90% with 10."
)


def winners_section(comparison: Comparison, folder: Path) -> Section | None:
    """A sentence for each level, and all numbers."""
    if not comparison.has(RETURN):
        return None
    blocks = [saved_table(winners(comparison), folder, prose=(1,))]
    for name, column, title in (
        ("returns", RETURN, "Every mean return, with its 95% interval"),
        ("diamond_rates", RATE, "Every mean diamond rate, with its 95% interval"),
    ):
        if comparison.has(column):
            blocks.append(
                markup.details(title, saved_table(numbers(comparison, name, column), folder))
            )
    rankings = [comparison.ranking(level) for level in comparison.levels]
    if any(summary.interval for ranking in rankings for _, summary in ranking):
        blocks.append(paragraph(INTERVALS, "note"))
    return Section("winners", "Which wins at each level", tuple(blocks))


def guesses_section(comparison: Comparison, folder: Path) -> Section | None:
    """Reward models' accuracy, and early stopping that never triggered."""
    blocks = []
    if comparison.has(RELABEL):
        text = "Share of right guesses on endings that the overseer did not see."
        guesses = numbers(comparison, RELABEL, RELABEL)
        blocks += [paragraph(text), saved_table(guesses, folder)]
    stopping = stopping_sentence(comparison)
    if stopping:
        blocks.append(paragraph(stopping))
    titles = ["Reward models"] * comparison.has(RELABEL) + ["Early stopping"] * bool(stopping)
    title = " and ".join(titles).capitalize()
    return Section("guesses", title, tuple(blocks)) if blocks else None


def aggregate_section(comparison: Comparison, folder: Path) -> Section | None:
    """The interquartile mean over all shared levels."""
    found = aggregates(comparison)
    if found is None:
        return None
    levels = ", ".join(f"{level:g}" for level in shared_levels(comparison))
    text = (
        f"Mean over the levels that every method has ({levels}) of the interquartile mean over the "
        "seeds at each, with 95% bootstrap intervals that resample the seeds within each level."
    )
    return Section("aggregate", "Over all levels", (paragraph(text), saved_table(found, folder)))


def settings_section(comparison: Comparison, folder: Path) -> Section | None:
    """What the runs were trained with, and where every number is."""
    blocks = [saved_table(settings_table(comparison), folder)]
    common = common_settings(comparison)
    if common:
        title = f"The {len(common)} settings that all runs share"
        blocks.append(markup.details(title, markup.table(("setting", "value"), common)))
    blocks.append(
        '<p class="note">All figures of every run: <a href="results.csv">results.csv</a></p>'
    )
    return Section("settings", "Settings", tuple(blocks))


def saved_table(found: NumberTable, folder: Path, prose: tuple[int, ...] = ()) -> str:
    """Write a table's file and give its place on the page."""
    write_atomically(folder / f"{found.name}.csv", table_text(found.columns, found.records))
    content = markup.table(found.header, found.texts, prose)
    return f'{content}\n<p class="note">{markup.links(found.name, ("csv",))}</p>'
