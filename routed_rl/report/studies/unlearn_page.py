"""The page of the study `unlearn`: what a deployed network still knows, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from routed_rl.charts.marks import reading
from routed_rl.charts.markup import Section, paragraph, saved_figure, saved_table
from routed_rl.charts.tables import SUMMARY_HEADER, NumberTable, summary_text
from routed_rl.charts.text import NONE, change_text, number_text
from routed_rl.report.sections import (
    figures_by_oversight,
    interval_note,
    left_out_note,
    missing_section,
    settings_section,
)
from routed_rl.report.series import Comparison, Measure, Row
from routed_rl.report.studies.profiles_map import draw_profiles_map
from routed_rl.report.studies.study_words import (
    SectionMaker,
    first_and_others,
    lead,
    named,
    partners,
)
from routed_rl.studies.unlearn.unlearn_methods import UNLEARN_METHODS

REPAIRED = Measure("repaired", "loss on the topic, deployed")
OTHER = Measure("other_repaired", "loss on all else, deployed")
RELEARNED = Measure("relearned", "loss on the topic, relearned")
CALIBRATED = Measure("calibrated", "loss on the topic, calibrated")
BEFORE = Measure("before", "loss on the topic, all parts")
USAGE = Measure("usage", "monitor by use")
EFFECT = Measure("effect", "monitor by effect")
ABOVE = Measure("above_filtered", "above filtered")
MEASURES = (REPAIRED, OTHER, RELEARNED, CALIBRATED, BEFORE, USAGE, EFFECT, ABOVE)
FILTERED = "filtered"
"""What a label is worth to whoever merely leaves out what has one."""
OWN_SETTINGS = (
    *("learning_rate", "part_units", "warm_up", "kept_on"),
    *("scramble_rate", "scramble_retain"),
)
"""Constants that each method may have for itself."""
LEAD = (
    "A language model learns from documents, some of them of a topic that it shall not know once "
    "it is deployed. Only some of those have a label. Losses are in nats per token, of documents "
    "that nothing learned from: on the topic a high one is wanted, on all else a low one."
)
READING = (
    "The network after the topic's part is deleted, or whatever the method does, and after a "
    "repair on other documents: what it knows of the topic, and of all else."
)
ATTACKED = (
    "Forgotten, or only suppressed? Relearned is the lowest loss while the deployed network learns "
    "from a few documents of the topic again; calibrated is the lowest while only a bias on its "
    "logits does, which gives back words that it merely never says. Repair, attack and relearning "
    "have the same number of documents and steps. A monitor tells documents of the topic from all "
    "others by how strongly a part acts, or by how much it helps: the area under the ROC curve, "
    "0.5 for nothing."
)


def unlearn_lead(comparison: Comparison) -> list[Markup]:
    """What the study is about, and how much of it there is."""
    data = ", ".join(sorted({str(row["data"]) for row in comparison.rows}))
    topics = sorted({", ".join(row["topics"]) for row in comparison.rows})
    return lead(comparison, LEAD, f"{data}: {'; '.join(topics)}")


def unlearn_sections(sweep: Path) -> Sequence[SectionMaker]:
    """The sections of the page of a sweep, in order."""

    def profiles(comparison: Comparison, folder: Path) -> Section | None:
        if not any(len(row["topics"]) > 1 for row in comparison.rows):
            return None
        maps = [saved_figure(one, folder) for one in draw_profiles_map(comparison, sweep)]
        if not maps:
            return None
        return Section("profiles", "One network, many profiles", first_and_others(maps))

    return (_known_section, _attacked_section, profiles, missing_section, settings_section)


def unlearn_table(comparison: Comparison) -> NumberTable:
    """What the deployed network knows, of every series at every oversight."""
    texts, records = [], []
    for series in comparison.series:
        for level in series.levels:
            found = {one.column: series.summary(one.column, level) for one in (REPAIRED, OTHER)}
            texts.append(
                (
                    named(comparison, series, level),
                    UNLEARN_METHODS[series.method].told,
                    *(summary_text(summary) for summary in found.values()),
                    summary_text(series.summary(ABOVE.column, level), change_text),
                )
            )
        records += [record for one in MEASURES for record in series.records(one.column).values()]
    header = ("method", "told", "on the topic", "on all else", "above filtered")
    return NumberTable("known", header, tuple(texts), SUMMARY_HEADER, tuple(records))


def _known_section(comparison: Comparison, folder: Path) -> Section:
    caption = f"{READING} {reading(comparison.has_intervals)}"
    order = "Highest on top."
    measures = (REPAIRED, OTHER)
    blocks = figures_by_oversight(comparison, folder, "known", measures, caption, order)
    blocks += left_out_note(comparison)
    blocks += [saved_table(unlearn_table(comparison), folder), *interval_note(comparison)]
    return Section("known", "What the deployed network still knows", tuple(blocks))


def _attacked_section(comparison: Comparison, folder: Path) -> Section:
    texts, records = [], []
    shown = (BEFORE, REPAIRED, RELEARNED, CALIBRATED, USAGE, EFFECT)
    for series in comparison.series:
        for level in series.levels:
            found = [series.summary(one.column, level) for one in shown]
            cells = [NONE if one is None else number_text(one.mean) for one in found]
            meaning = UNLEARN_METHODS[series.method].meaning
            texts.append((named(comparison, series, level), meaning, *cells))
        records += [record for one in shown for record in series.records(one.column).values()]
    header = (
        *("method", "what it does", "before", "deployed"),
        *("relearned", "calibrated", "monitor by use", "by effect"),
    )
    table = NumberTable("attacked", header, tuple(texts), SUMMARY_HEADER, tuple(records))
    blocks = (paragraph(ATTACKED), saved_table(table, folder, prose=(1,)))
    return Section("attacked", "Forgotten, or suppressed", blocks)


def with_above(sweep: Path, rows: Sequence[Row]) -> list[Row]:
    """The rows, each with how much less is known than by the run of `filtered` of the same seed.

    That has the same data, topics and labels; constants may be each method's own.

    Args:
        sweep: The runs' folder.
        rows: One for each finished run.
    """
    theirs = partners(rows, FILTERED, OWN_SETTINGS)
    column = REPAIRED.column
    return [
        row
        if there is None or row["method"] == FILTERED
        else {**row, ABOVE.column: row[column] - there[column]}
        for row, there in ((row, theirs(row)) for row in rows)
    ]
