"""The tables of deployment, as people read them and as programs do."""

from __future__ import annotations

import math
from collections.abc import Sequence

from routed_rl.deployment.behaviour import Evaluations, StartChange, changes
from routed_rl.deployment.drawings import behaviour_records
from routed_rl.deployment.early_warning import Forewarning
from routed_rl.deployment.words import actor_name, change_text, level_text, points_text
from routed_rl.report.tables import NumberTable
from routed_rl.report.words import number_text


def figures_table(evaluations: Evaluations, deployed: str) -> NumberTable:
    """Everyone's figures at every level."""
    targets = list(next(iter(evaluations["training"].values())).rates)
    texts = tuple(
        (
            actor_name(who, deployed),
            level_text(level, found.oversight),
            number_text(found.episode_return),
            *(number_text(found.rates[name], "x_rate") for name in targets),
            f"{found.mean_length:.2f}",
        )
        for who in evaluations["training"]
        for level, found in ((level, actors[who]) for level, actors in evaluations.items())
    )
    header = ("who acts", "oversight", "return", *targets, "steps")
    columns = ("who_acts", "level", "oversight", "figure", "value")
    return NumberTable("figures", header, texts, columns, behaviour_records(evaluations))


def changes_table(evaluations: Evaluations, deployed: str) -> NumberTable:
    """Unwatched minus watched, for everyone who acts."""
    found = changes(evaluations)
    names = list(found[0].rates)
    texts = tuple(
        (
            actor_name(change.who, deployed),
            change_text(change.episode_return),
            *(points_text(change.rates[name]) for name in names),
        )
        for change in found
    )
    records = tuple((c.who, c.episode_return, *(c.rates[name] for name in names)) for c in found)
    columns = ("who_acts", "return", *(f"{name}_rate" for name in names))
    header = ("who acts", "return", *(f"{name}, points" for name in names))
    return NumberTable("changes", header, texts, columns, records)


def starts_table(found: Sequence[StartChange], deployed: str) -> NumberTable:
    """How much the same start changes, for everyone who acts."""
    texts = tuple(
        (
            actor_name(one.who, deployed),
            number_text(one.first_step, "x_share"),
            number_text(one.likelier, "x_share"),
            number_text(one.rarer, "x_share"),
            points_text(one.largest),
        )
        for one in found
    )
    records = tuple((o.who, o.first_step, o.likelier, o.rarer, o.largest) for o in found)
    columns = ("who_acts", "first_step_distance", "likelier", "rarer", "largest_rise")
    header = (
        *("who acts", "first step differs by", "worse unwatched", "better unwatched"),
        "largest rise, points",
    )
    return NumberTable("starts", header, texts, columns, records)


def monitor_table(found: Sequence[Forewarning], rate: float, deployed: str) -> NumberTable:
    """The area under each curve, and the threshold for a rate of false alarms.

    Args:
        found: The curves.
        rate: The false alarm rate, 0 to 1.
        deployed: Who is deployed.
    """
    texts, records = [], []
    for one in sorted(found, key=lambda one: one.who != found[0].who):
        point = one.roc.at(rate)
        threshold = "none" if math.isinf(point.threshold) else f"{point.threshold:.3f}"
        figures = (one.roc.event_rate, point.false_alarms, point.detections)
        texts.append(
            (
                actor_name(one.who, deployed),
                level_text(one.level, one.oversight),
                f"{one.roc.area:.3f}",
                number_text(one.roc.event_rate, "x_rate"),
                threshold,
                number_text(point.false_alarms, "x_rate"),
                number_text(point.detections, "x_rate"),
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
