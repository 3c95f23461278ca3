"""What the page of a study is made of, by the study's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from markupsafe import Markup

from routed_envs.errors import InputError
from routed_rl.charts.markup import Section
from routed_rl.charts.tables import NumberTable
from routed_rl.report.series import Comparison, Measure, Row
from routed_rl.report.studies.digits_page import (
    CONTRAST,
    digits_lead,
    digits_sections,
    digits_table,
    with_erased,
)
from routed_rl.report.studies.scalar_page import (
    LIFT,
    scalar_lead,
    scalar_sections,
    scalar_table,
    with_twins,
)
from routed_rl.report.studies.unlearn_page import (
    REPAIRED,
    unlearn_lead,
    unlearn_sections,
    unlearn_table,
    with_above,
)


@dataclass(frozen=True)
class StudyPage:
    """How the runs of a study are reported.

    Attributes:
        completed: Adds to the rows what only several runs tell together, given the sweep's folder.
        sections: Makes the makers of the page's sections from the sweep's folder.
        lead: Makes what stands before them.
        table: The main figures, which a terminal shows too.
        caption: Of the table in a terminal.
        aim: The figure that is wanted high.
    """

    completed: Callable[[Path, Sequence[Row]], list[Row]]
    sections: Callable[[Path], Sequence[Callable[[Comparison, Path], Section | None]]]
    lead: Callable[[Comparison], list[Markup]]
    table: Callable[[Comparison], NumberTable]
    caption: str
    aim: Measure


STUDY_PAGES: Mapping[str, StudyPage] = MappingProxyType(
    {
        "digits": StudyPage(
            completed=with_erased,
            sections=digits_sections,
            lead=digits_lead,
            table=digits_table,
            caption="of digits that a half of the code should know, and of the others",
            aim=CONTRAST,
        ),
        "unlearn": StudyPage(
            completed=with_above,
            sections=unlearn_sections,
            lead=unlearn_lead,
            table=unlearn_table,
            caption="losses of the deployed network; above filtered: less known than by filtering",
            aim=REPAIRED,
        ),
        "scalar": StudyPage(
            completed=with_twins,
            sections=scalar_sections,
            lead=scalar_lead,
            table=scalar_table,
            caption="how likely the word is next, by what is added to the residual stream",
            aim=LIFT,
        ),
    }
)


def study_of(rows: Sequence[Row]) -> StudyPage | None:
    """The page for runs of a study; None for runs of policies, or if there are none.

    Args:
        rows: One for each finished run.

    Raises:
        InputError: There are runs of several kinds.
    """
    kinds = {row.get("study") for row in rows}
    if len(kinds) > 1:
        words = ", ".join(sorted("policies" if kind is None else str(kind) for kind in kinds))
        raise InputError(f"The sweep has runs of several kinds: {words}. Sweep each by itself.")
    study = kinds.pop() if kinds else None
    return None if study is None else STUDY_PAGES[study]
