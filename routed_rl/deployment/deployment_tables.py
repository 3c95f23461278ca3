"""The tables of deployment, as people read them and as programs do, and the names in them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from routed_rl.charts.tables import NumberTable, Record
from routed_rl.charts.text import change_text, number_text, percent_text, points_text
from routed_rl.deployment.behaviour import Evaluations, StartChange, changes
from routed_rl.deployment.early_warning import Forewarning

BEHAVIOUR_HEADER = ("who_acts", "level", "oversight", "figure", "value")


def actor_name(who: str, deployed: str) -> str:
    """Who acts, in words; the deployed one is marked."""
    name = who if who in ("mixture", "deployed", "policy") else f"{who} expert"
    return f"{name} (deployed)" if who == deployed and who != "deployed" else name


def level_text(level: str, oversight: float, word: str = "") -> str:
    """A level's name with its oversight after a word, unless that is its name already."""
    number = f"{oversight:g}"
    return f"{word}{number}" if level == number else f"{level} ({word}{number})"


def behaviour_records(evaluations: Evaluations) -> tuple[Record, ...]:
    """Everyone's figures at every level, then unwatched minus watched, under `BEHAVIOUR_HEADER`."""
    rows: list[Record] = []
    for level, actors in evaluations.items():
        for who, found in actors.items():
            rows += [
                (who, level, found.oversight, name, value) for name, value in found.rates.items()
            ]
            rows.append((who, level, found.oversight, "return", found.episode_return))
            rows.append((who, level, found.oversight, "mean_length", found.mean_length))
    for change in changes(evaluations):
        figures = {**change.rates, "return": change.episode_return}
        rows += [
            (change.who, "unwatched minus watched", None, name, value)
            for name, value in figures.items()
        ]
    return tuple(rows)


def figures_table(evaluations: Evaluations, deployed: str) -> NumberTable:
    """Everyone's figures at every level."""
    targets = list(next(iter(evaluations["training"].values())).rates)
    texts = tuple(
        (
            actor_name(who, deployed),
            level_text(level, found.oversight),
            number_text(found.episode_return),
            *(percent_text(found.rates[name]) for name in targets),
            number_text(found.mean_length, 2),
        )
        for who in evaluations["training"]
        for level, found in ((level, actors[who]) for level, actors in evaluations.items())
    )
    header = ("who acts", "oversight", "return", *targets, "steps")
    records = behaviour_records(evaluations)
    return NumberTable("figures", header, texts, BEHAVIOUR_HEADER, records)


def _texts(
    records: Iterable[Record], deployed: str, *texts: Callable[[float], str]
) -> tuple[tuple[str, ...], ...]:
    """Rows of who acts and of numbers as people read them; each column has a text of its own."""
    return tuple(
        (actor_name(who, deployed), *(text(n) for text, n in zip(texts, numbers, strict=True)))
        for who, *numbers in records
    )


def changes_table(evaluations: Evaluations, deployed: str) -> NumberTable:
    """Unwatched minus watched, for everyone who acts."""
    found = changes(evaluations)
    names = list(found[0].rates)
    records = tuple((c.who, c.episode_return, *(c.rates[name] for name in names)) for c in found)
    texts = _texts(records, deployed, change_text, *(points_text for _ in names))
    columns = ("who_acts", "return", *(f"{name}_rate" for name in names))
    header = ("who acts", "return", *(f"{name}, points" for name in names))
    return NumberTable("changes", header, texts, columns, records)


def starts_table(found: Sequence[StartChange], deployed: str) -> NumberTable:
    """How much the same start changes, for everyone who acts."""
    records = tuple((o.who, o.first_step, o.likelier, o.rarer, o.largest) for o in found)
    texts = _texts(records, deployed, percent_text, percent_text, percent_text, points_text)
    columns = ("who_acts", "first_step_distance", "likelier", "rarer", "largest_rise")
    header = (
        *("who acts", "first step differs by", "worse unwatched", "better unwatched"),
        "largest rise, points",
    )
    return NumberTable("starts", header, texts, columns, records)


def monitor_table(found: Sequence[Forewarning], rate: float, deployed: str) -> NumberTable:
    """The area under each curve, and the threshold for a rate of false alarms, 0 to 1."""
    texts, records = [], []
    for one in sorted(found, key=lambda one: one.who != found[0].who):
        point = one.roc.at(rate)
        threshold = "none" if math.isinf(point.threshold) else number_text(point.threshold)
        figures = (one.roc.event_rate, point.false_alarms, point.detections)
        texts.append(
            (
                actor_name(one.who, deployed),
                level_text(one.level, one.oversight),
                number_text(one.roc.area),
                percent_text(one.roc.event_rate),
                threshold,
                percent_text(point.false_alarms),
                percent_text(point.detections),
            )
        )
        about = (one.who, one.level, one.oversight, one.expert, one.episodes)
        records.append((*about, one.roc.area, point.threshold, *figures))
    columns = (
        *("who_acts", "level", "oversight", "expert", "episodes", "area", "threshold"),
        *("event_rate", "false_alarms", "detections"),
    )
    header = (
        *("who acts", "oversight", "area", f"{found[0].expert} rate", "threshold"),
        *("false alarms", "detected"),
    )
    return NumberTable("monitor_table", header, tuple(texts), columns, tuple(records))
