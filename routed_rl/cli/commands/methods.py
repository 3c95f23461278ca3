"""`routed-rl methods`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from routed_rl.cli.options import Flag
from routed_rl.config import constants_of
from routed_rl.screen import ScreenTable, print_json, say, screen

if TYPE_CHECKING:
    from routed_agents import Method

PLAIN = ("summary", "experts", "gate", "acts", "labels_from", "told", "deploy")
"""These parts of a method are plain values."""


@dataclass(frozen=True)
class Methods:
    """List the methods with their tables: what an episode with each label teaches.

    Attributes:
        names: The methods to show, or module:object for your own. Left out, every one.
        json: Print one JSON object instead of tables: each method by its name, with its `rows` by
            the label, `null` where a row keeps the environment's reward, and the `constants` that
            it has in the preset fast.
    """

    names: Annotated[
        tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="[METHOD ...]")
    ] = ()
    json: Flag = False

    def run(self) -> None:
        """Print the tables."""
        from routed_agents import METHODS, get_method
        from routed_envs import DiamondGhostWorld

        outcomes = DiamondGhostWorld().outcomes
        found = {name: get_method(name, outcomes) for name in self.names or METHODS}
        if self.json:
            print_json({name: _plain(name, method) for name, method in found.items()})
            return
        for name, method in found.items():
            _print_method(name, method)
            say(_constants(name))
            screen().print()


def _plain(name: str, method: Method) -> dict[str, Any]:
    """Everything that a method's table and notes say, as plain values."""
    memory, select = method.gate_memory, method.select
    return {part: getattr(method, part) for part in PLAIN} | {
        "constants": dict(constants_of(name)[1]),
        "rows": {label: asdict(row) for label, row in method.rows.items()},
        "gate_memory": memory and asdict(memory),
        "share_of_updates_at_oversight_0.1": method.updates(0.1),
        "select": select and {"scores": dict(select.scores), "episodes": select.episodes},
    }


def _print_method(name: str, method: Method) -> None:
    from rich.text import Text

    console = screen()
    console.print(Text.assemble((name, "bold"), f"  {method.summary}"))
    console.print(_table(method))
    for line in _notes(method):
        say(line)


def _table(method: Method) -> ScreenTable:
    learned = method.gate == "learned"
    columns = ["label", "reward", "weight", *(f"{expert} learns" for expert in method.experts)]
    further = ("gate learns", "gate's target") if learned else ()
    table = ScreenTable((*columns, *further), justify="left")
    for label, row in method.rows.items():
        cells = [_reward(row.reward), f"{row.weight:g}"]
        factors = row.activations or (1.0,) * len(row.experts)
        for share, factor in zip(row.experts, factors, strict=True):
            cells.append(f"{share:g}" + ("" if factor == 1 else f", output x {factor:g}"))
        cells += [f"{row.gate:g}", row.target or "none"] if learned else []
        table.add(label, *cells)
    return table


def _constants(name: str) -> str:
    """The constants of the preset `fast` as options, to be copied for another method."""
    whose, constants = constants_of(name)
    options = (f"--{k.replace('_', '-')} {v:g}" for k, v in constants.items())
    own = "its own" if whose == name else f"those of {whose}, for it has none of its own"
    return f"constants: {own}, as options:\n  {' '.join(options)}"


def _reward(reward: float | tuple[float, ...] | None) -> str:
    """What an episode's last step is worth, to each expert if they are paid by themselves."""
    if reward is None:
        return "kept"
    return " / ".join(f"{own:g}" for own in (reward if isinstance(reward, tuple) else (reward,)))


def _notes(method: Method) -> list[str]:
    gate = {"learned": "a learned gate", "even": "no gate, equal weights", "none": "one expert"}
    acting = {"mixture": "the mixture", "experts": "each expert alone, in its own environments"}
    share, memory = method.updates(0.1), method.gate_memory
    labels = method.labels_from
    if callable(method.relabel):
        labels = (
            f"where nobody saw the end, not unknown but what {labels} holds it for: then the rows "
            "of those endings teach"
        )
    notes = [
        f"network: {', '.join(method.experts)}; {gate[method.gate]}",
        f"acts while it learns: {acting[method.acts] if len(method.experts) > 1 else 'the expert'}",
        f"labels: {labels}",
        f"told: {', '.join(method.told)}",
    ]
    if memory is not None:
        notes.append(
            f"the gate learns from the last {memory.remembered:,} overseen endings, "
            f"{memory.batch} at each update, with {memory.dropout:.0%} of their channels left out"
        )
    if share != 1:
        notes.append(f"updates: {share:g} of the budget at oversight 0.1")
    if method.select is not None:
        notes.append(
            f"keeps the best by {dict(method.select.scores)} over the last "
            f"{method.select.episodes:,} overseen episodes"
        )
    return [*notes, f"deployed: {method.deploy or 'as it is'}"]
