"""The page of the study `digits`: what each half of a code knows, in figures and in pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from routed_rl.charts.colours import GOOD, UNWANTED
from routed_rl.charts.marks import reading_profiles
from routed_rl.charts.markup import Section, paragraph, saved_figure, saved_table
from routed_rl.charts.tables import SUMMARY_HEADER, NumberTable, summary_text
from routed_rl.charts.text import NONE, number_text, percent_text
from routed_rl.report.profiles import Profile, draw_profiles
from routed_rl.report.sections import (
    interval_note,
    left_out_note,
    missing_section,
    settings_section,
)
from routed_rl.report.series import Comparison, Measure, Row
from routed_rl.report.studies.rebuilt_digits import draw_rebuilt
from routed_rl.report.studies.study_words import (
    SectionMaker,
    first_and_others,
    lead,
    named,
    partners,
)
from routed_rl.runs.run_folder import read_json
from routed_rl.studies.digits.digits_figures import summarised
from routed_rl.studies.digits.digits_methods import DIGITS_METHODS
from routed_rl.sweeps.sweep_folder import SweepFolder

PROFILES = (
    Profile("erased_own", "digits that the half should know", (GOOD, "o")),
    Profile("erased_foreign", "the other digits", (UNWANTED, "^")),
)
REFERENCE = "unrouted-no-penalties"
"""Its decoder may use everything, and nothing keeps it from doing so."""
CONTRAST = Measure("contrast", "contrast", share=True)
MEASURES = ("contrast", "erased_foreign", "erased_own", "foreign", "own", "decoder")
LEAD = (
    "An autoencoder's code has two halves. Images of 0 to 4 are to be in the low half alone, those "
    "of 5 to 9 in the high one. Decoders that learned afterwards, from one half each, tell what is "
    "in it."
)
ERASED = (
    "How much of an image a half of the code lacks: 0% where a decoder of that half rebuilds it as "
    "well as one of the whole code, 100% where it does no better than one and the same image for "
    "all. Errors are absolute, of images that nothing learned from. A split is good where the two "
    "marks are far apart. Of a method that leaves out digits the whole code never learned those: "
    "in its place stands that of unrouted-no-penalties, of the same seed. A dash: the whole code "
    "is no better than that one image, so that nothing is left to erase."
)
PUBLISHED = (
    "Errors per pixel of ink from -1 to 1, of the decoder that has the high half alone: on digits "
    "that it should know, 5 to 9, and on the others. The paper's table (appendix B) is said to be "
    "of absolute errors; its program squares them, and its figures are set beside squared ones "
    "here. They are of all 60,000 images of MNIST, so that other data and sizes are compared by "
    "what is erased, above."
)


def digits_lead(comparison: Comparison) -> list[Markup]:
    """What the study is about, and how much of it there is."""
    data = ", ".join(sorted({str(row["data"]) for row in comparison.rows}))
    return lead(comparison, LEAD, data)


def with_erased(sweep: Path, rows: Sequence[Row]) -> list[Row]:
    """The rows, with what is erased where a method leaves out digits.

    Its own decoder of the whole code never learned those. In its place stands that of the run of
    `unrouted-no-penalties` with the same other settings, if the sweep has it.

    Args:
        sweep: The runs' folder.
        rows: One for each finished run.
    """
    figures = {row["run"]: read_json(SweepFolder(sweep).run(row["run"]).evaluation) for row in rows}
    whole = partners(rows, REFERENCE)
    completed: list[Row] = []
    for row in rows:
        method, there = DIGITS_METHODS[row["method"]], whole(row)
        added = {}
        if method.left_out and there is not None:
            added = summarised(figures[row["run"]], method, figures[there["run"]]["decoder"])
        completed.append({**row, **added})
    return completed


def digits_sections(sweep: Path) -> Sequence[SectionMaker]:
    """The sections of the page of a sweep, in order."""

    def rebuilt(comparison: Comparison, folder: Path) -> Section | None:
        pictures = [saved_figure(one, folder) for one in draw_rebuilt(comparison, sweep)]
        return Section("rebuilt", "Digits, rebuilt from each half", first_and_others(pictures))

    return (_split_section, rebuilt, _errors_section, missing_section, settings_section)


def digits_table(comparison: Comparison) -> NumberTable:
    """What is erased, of every series at every oversight."""
    texts, records = [], []
    for series in comparison.series:
        for level in series.levels:
            cells = [
                summary_text(series.summary(name, level), percent_text) for name in MEASURES[:3]
            ]
            texts.append((named(comparison, series, level), *cells))
        records += [record for name in MEASURES for record in series.records(name).values()]
    header = ("method", "contrast", "erased of the others", "erased of its own")
    return NumberTable("erased", header, tuple(texts), SUMMARY_HEADER, tuple(records))


def _split_section(comparison: Comparison, folder: Path) -> Section:
    """What each row erases of a half's own digits, and of the others."""
    caption = f"{ERASED} {reading_profiles(comparison.has_intervals)}"
    alt = "How much each method erases of a half's own digits, and of the others."
    drawing = draw_profiles(comparison, "split", PROFILES, caption, alt)
    blocks = [] if drawing is None else [saved_figure(drawing, folder)]
    blocks += left_out_note(comparison)
    blocks += [saved_table(digits_table(comparison), folder), *interval_note(comparison)]
    return Section("split", "What a half of the code lacks", tuple(blocks))


def _errors_section(comparison: Comparison, folder: Path) -> Section:
    """The errors themselves, beside the published ones and those of a constant image."""
    table = _errors_table(comparison)
    constants = {number_text(row["constant"]) for row in comparison.rows}
    words = f"The best constant image has an absolute error of {', '.join(sorted(constants))}."
    return Section(
        "errors",
        "The paper's table",
        (paragraph(PUBLISHED), saved_table(table, folder, prose=(1,)), paragraph(words, "note")),
    )


def _errors_table(comparison: Comparison) -> NumberTable:
    texts, records = [], []
    names = ("own", "foreign", "own_squared", "foreign_squared", "decoder")
    for series in comparison.series:
        method = DIGITS_METHODS[series.method]
        for level in series.levels:
            found = {name: series.summary(name, level) for name in names}
            pairs = (("own", "foreign"), ("own_squared", "foreign_squared"))
            errors = [" | ".join(summary_text(found[name]) for name in pair) for pair in pairs]
            printed = NONE
            if method.published is not None:
                printed = " | ".join(number_text(one, 2) for one in reversed(method.published))
            texts.append(
                (
                    named(comparison, series, level),
                    method.meaning,
                    *errors,
                    printed,
                    summary_text(found["decoder"]),
                )
            )
        records += [record for name in names for record in series.records(name).values()]
    header = (
        "method",
        "what it does",
        "own | others",
        "own | others, squared",
        "published",
        "whole code",
    )
    return NumberTable("errors", header, tuple(texts), SUMMARY_HEADER, tuple(records))
