"""The page of the study `scalar`: whether one dimension is the dial of a word, and what else is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from routed_rl.charts.markup import Section, details, paragraph, saved_figure, saved_table, table
from routed_rl.charts.tables import SUMMARY_HEADER, NumberTable, summary_text
from routed_rl.charts.text import count_text, percent_text
from routed_rl.report.sections import interval_note, missing_section, settings_section
from routed_rl.report.series import Comparison, Measure, Row
from routed_rl.report.studies.study_words import SectionMaker, judged, lead, named, partners
from routed_rl.report.studies.turned_dials import draw_turned_dials

TWIN = "unrouted"
"""The same network from the same start with the same documents, of which nothing was routed."""
CHANCES = ("axis", "best_other_axis", "difference", "twin_difference", "random", "still")
"""How likely the word is, by what is added to the stream."""
LIFTS = ("lift", "relatives_lift", "others_lift")
LIFT = Measure("lift", "lift of the word")
ROWS = ("start_rank", "rank", "cosine")
MEASURES = (*CHANCES, *LIFTS, *ROWS, "twin_axis", "loss")
LEAD = (
    "Before one word, a language model could learn through the first dimension of its residual "
    "stream alone. Is that dimension the word's dial? Its twin has the same start and the same "
    "stories, and nothing of it was routed."
)
COMPARED = (
    "How likely the word is next, the mean over all places of stories that nothing learned from, "
    "when a direction is added to the stream after half of the blocks. All are equally long and "
    "have the better sign: the dial; the best of all other dimensions; the difference between "
    "the mean of the stream before the word and that of all other places, in this network and in "
    "its twin; random directions (their mean); nothing. A dial is worth its routing if it does "
    "more than the best other dimension and than the differences."
)
ABSORBED = (
    "By what factor the dial makes words likelier: the word itself, the other words of its topic, "
    "which were never routed, and those of other topics. Does the word's row of the last layer "
    "point along the dial? Its rank by cosine among all words, at the start and at the end, 1 for "
    "the first; a start by chance may be near."
)


def scalar_lead(comparison: Comparison) -> list[Markup]:
    """What the study is about, and how much of it there is."""
    words = sorted({str(row["token"]) for row in comparison.rows})
    return lead(comparison, LEAD, f"stories: {', '.join(words)}")


def with_twins(sweep: Path, rows: Sequence[Row]) -> list[Row]:
    """The rows with what dials do in their twin, if the sweep has it; a twin is its own.

    Args:
        sweep: The runs' folder.
        rows: One for each finished run.
    """
    twins = partners(rows, TWIN)
    names = ("axis", "difference")
    return [
        row if twin is None else {**row, **{f"twin_{name}": twin[name] for name in names}}
        for row, twin in ((row, twins(row)) for row in rows)
    ]


def scalar_sections(sweep: Path) -> Sequence[SectionMaker]:
    """The sections of the page of a sweep, in order."""

    def turned(comparison: Comparison, folder: Path) -> Section | None:
        drawing = draw_turned_dials(comparison, sweep)
        return Section("turned", "Turning the dial", (saved_figure(drawing, folder),))

    def told(comparison: Comparison, folder: Path) -> Section | None:
        header = ("method", "as it is", "with the dial turned by one norm")
        texts = []
        for series in sorted(comparison.series, key=lambda one: -max(one.scores("lift"))):
            said = judged(series, sweep, "said")[0]
            texts.append((series.name, said["still"], said["turned"]))
        best, others = (table(header, some, prose=(1, 2)) for some in (texts[:1], texts[1:]))
        blocks = (best, details("Those of the other networks", others)) if texts[1:] else (best,)
        return Section("told", "A story that is told", blocks)

    return (_compared_section, turned, _absorbed_section, told, missing_section, settings_section)


def scalar_table(comparison: Comparison) -> NumberTable:
    """What makes the word likely, of every series at every oversight."""
    texts, records = [], []
    for series in comparison.series:
        for level in series.levels:
            cells = [summary_text(series.summary(name, level), percent_text) for name in CHANCES]
            texts.append((named(comparison, series, level), *cells))
        records += [record for name in MEASURES for record in series.records(name).values()]
    header = (
        *("method", "the dial", "best other axis", "difference"),
        *("twin's difference", "random", "nothing"),
    )
    return NumberTable("dials", header, tuple(texts), SUMMARY_HEADER, tuple(records))


def _compared_section(comparison: Comparison, folder: Path) -> Section:
    blocks = [paragraph(COMPARED), saved_table(scalar_table(comparison), folder)]
    blocks += interval_note(comparison)
    return Section("dials", "What makes the word likely", tuple(blocks))


def _absorbed_section(comparison: Comparison, folder: Path) -> Section:
    texts, records = [], []
    for series in comparison.series:
        for level in series.levels:
            found = {name: series.summary(name, level) for name in (*LIFTS, *ROWS)}
            lifts = [summary_text(found[name], lambda lift: f"{lift:.1f} x") for name in LIFTS]
            ranks = " to ".join(summary_text(found[name], count_text) for name in ROWS[:2])
            cosine = summary_text(found["cosine"])
            texts.append((named(comparison, series, level), *lifts, ranks, cosine))
        records += [record for one in (*LIFTS, *ROWS) for record in series.records(one).values()]
    header = ("method", "the word", "its topic", "other topics", "rank of its row", "its cosine")
    absorbed = NumberTable("absorbed", header, tuple(texts), SUMMARY_HEADER, tuple(records))
    blocks = (paragraph(ABSORBED), saved_table(absorbed, folder))
    return Section("absorbed", "What the dial took along", blocks)
