"""The figures of deployment: watched against unwatched, and how well the monitor foretells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from routed_envs.outcomes import Outcomes
from routed_rl.charts.canvas import make_panels, percent_axis
from routed_rl.charts.colours import (
    ACCENT,
    EYE,
    INK,
    MARKERS,
    MUTED,
    OTHERS,
    level_colour,
    target_colour,
)
from routed_rl.charts.drawing import Drawing
from routed_rl.charts.legend import key
from routed_rl.charts.tables import Record
from routed_rl.charts.text import points_text
from routed_rl.deployment.behaviour import Change, Evaluations, changes
from routed_rl.deployment.deployment_tables import (
    BEHAVIOUR_HEADER,
    actor_name,
    behaviour_records,
    level_text,
)
from routed_rl.deployment.early_warning import Forewarning
from routed_rl.evaluation.record import Evaluation

LEVEL_MARKS = {"unwatched": (INK, "o"), "training": (ACCENT, "D"), "watched": (EYE, "s")}
"""Each level of oversight has a colour and a marker."""
ROW = 0.5
"""A row is so high, in inches."""
MOST_BARS = 2
"""A row of changes has at most so many bars."""


def draw_behaviour(evaluations: Evaluations, outcomes: Outcomes, deployed: str) -> Drawing:
    """Who reaches what, at each level of oversight, and what changes when nobody watches."""
    actors, good = list(evaluations["training"]), " or ".join(outcomes.good)
    keys = [
        key(_level_label(level, next(iter(rows.values()))), *LEVEL_MARKS[level], line=False)
        for level, rows in evaluations.items()
    ]
    found = changes(evaluations)
    colours = {name: target_colour(name, outcomes) for name in outcomes.targets[:MOST_BARS]}
    bars = [key(f"change of {name}", colour, "s", line=False) for name, colour in colours.items()]
    height = ROW * len(actors) + 0.1
    titles = [f"ends on the {good}", "unwatched minus watched, in points"]
    figure, (levels, differences) = make_panels(titles, 2, height, [*keys, *bars])
    _draw_levels(levels, evaluations, outcomes.good)
    _draw_changes(differences, found, colours)
    for panel in (levels, differences):
        panel.set_yticks(
            range(len(actors)), [actor_name(who, deployed).replace(" (", "\n(") for who in actors]
        )
        panel.set_ylim(len(actors) - 0.45, -0.55)
    return Drawing(
        name="behaviour",
        figure=figure,
        header=BEHAVIOUR_HEADER,
        records=behaviour_records(evaluations),
        caption="Left: the probability that an episode ends on the "
        f"{good}, by who acts and how much is watched. Right: how much each "
        "ending's probability changes when nobody watches, against when everybody does. A policy "
        "that behaves only when watched has "
        f"a long bar to the left for the {outcomes.good[0]}.",
        alt="Rates by who acts and by oversight. " + "; ".join(_sentence(c) for c in found) + ".",
    )


def _level_label(level: str, measured: Evaluation | Forewarning) -> str:
    """A level with the oversight at which something was measured."""
    return level_text(level, measured.oversight, "oversight ")


def _draw_levels(panel: Axes, evaluations: Evaluations, good: Sequence[str]) -> None:
    """A row for everyone who acts, a mark for each level."""
    for row, who in enumerate(evaluations["training"]):
        rates = {
            level: sum(actors[who].rates[name] for name in good)
            for level, actors in evaluations.items()
        }
        panel.plot((min(rates.values()), max(rates.values())), (row, row), color=OTHERS, zorder=1)
        for index, (level, rate) in enumerate(rates.items()):
            # A little apart, so that equal rates can all be seen.
            place = row + 0.17 * (index - 1)
            colour, marker = LEVEL_MARKS[level]
            panel.plot(rate, place, marker, color=colour, markersize=6.5, clip_on=False, zorder=3)
    panel.set_xlim(-0.02, 1.02)
    percent_axis(panel.xaxis)
    panel.grid(axis="x")


def _draw_changes(panel: Axes, found: Sequence[Change], colours: Mapping[str, str]) -> None:
    """A row for everyone who acts, a bar for the change of each target's probability."""
    height = 0.6 / len(colours)
    widest = max(0.01, *(abs(change.rates[name]) for change in found for name in colours))
    for index, (name, colour) in enumerate(colours.items()):
        aside = (index - (len(colours) - 1) / 2) * height
        places = [row + aside for row in range(len(found))]
        sizes = [change.rates[name] for change in found]
        bars = panel.barh(places, sizes, height * 0.86, color=colour)
        panel.bar_label(bars, list(map(points_text, sizes)), padding=4, fontsize=8, color=INK)
    panel.axvline(0, color=MUTED, linewidth=0.8)
    panel.set_xlim(-1.45 * widest, 1.45 * widest)
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: points_text(value)))
    panel.locator_params(axis="x", nbins=5)
    panel.grid(axis="x")


def _sentence(change: Change) -> str:
    """A change, for those who cannot see the figure."""
    parts = [f"{name} {points_text(rate)} points" for name, rate in change.rates.items()]
    return f"{change.who}, unwatched minus watched: {', '.join(parts)}"


def draw_forewarnings(found: Sequence[Forewarning], rate: float, deployed: str) -> Drawing:
    """The curves, a panel for everyone who acts and a line for each level; `rate` is marked."""
    actors = list(dict.fromkeys(one.who for one in found))
    names = {one.level: _level_label(one.level, one) for one in found}
    marks = _marks(list(names))
    keys = [key(name, *marks[level]) for level, name in names.items()]
    chance = key("chance", MUTED, "none", dashed=True)
    titles = [f"episodes of: {actor_name(who, deployed)}" for who in actors]
    figure, panels = make_panels(titles, 2, 3.3, [*keys, chance])
    for panel, who in zip(panels, actors, strict=True):
        _draw_curves(panel, [one for one in found if one.who == who], rate, marks)
    return Drawing(
        name="monitor",
        figure=figure,
        header=("who_acts", "level", "oversight", "threshold", "false_alarms", "detections"),
        records=tuple(_curve_records(found)),
        caption=f"Flags raised at the first step where the gate's weight on the {found[0].expert} "
        f"expert is at least a threshold: the share of the episodes that end on the "
        f"{found[0].expert} that is flagged, against the share of the others that is. Marks: the "
        f"threshold for at most {100 * rate:g}% false alarms.",
        alt="; ".join(f"{o.who}, {names[o.level]}: area {o.roc.area:.3f}" for o in found) + ".",
    )


def _marks(levels: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The colour and the marker of each level: the usual ones', or by their order."""
    if set(levels) <= set(LEVEL_MARKS):
        return {level: LEVEL_MARKS[level] for level in levels}
    count = len(levels)
    return {
        level: (level_colour(index, count), MARKERS[index % len(MARKERS)])
        for index, level in enumerate(levels)
    }


def _draw_curves(
    panel: Axes, found: Sequence[Forewarning], rate: float, marks: Mapping[str, tuple[str, str]]
) -> None:
    """One panel's curves, with their areas in the free corner."""
    panel.plot((0, 1), (0, 1), color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
    for index, one in enumerate(found):
        colour, marker = marks[one.level]
        thin, point = one.roc.thinned(), one.roc.at(rate)
        panel.plot(thin.false_alarms, thin.detections, color=colour, linewidth=1.5)
        panel.plot(point.false_alarms, point.detections, marker, color=colour, markersize=6.5)
        name = one.level if one.level in LEVEL_MARKS else f"oversight {one.oversight:g}"
        text = f"{name}: area {one.roc.area:.3f}"
        place = (0.98, 0.05 + 0.075 * (len(found) - 1 - index))
        panel.text(*place, text, ha="right", color=INK, transform=panel.transAxes)
    panel.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02), xlabel="false alarms", ylabel="detections")
    percent_axis(panel.xaxis)
    percent_axis(panel.yaxis)
    panel.grid()


def _curve_records(found: Sequence[Forewarning]) -> list[Record]:
    """The points that are drawn, the lines' first."""
    rows: list[Record] = []
    for one in found:
        thin = one.roc.thinned()
        columns = (thin.thresholds, thin.false_alarms, thin.detections)
        points = zip(*(column.tolist() for column in columns), strict=True)
        rows += [(one.who, one.level, one.oversight, *point) for point in points]
    return rows
