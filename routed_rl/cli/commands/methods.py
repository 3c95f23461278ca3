"""`routed-rl methods`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import tyro

from routed_rl.screen import screen

if TYPE_CHECKING:
    from rich.table import Table

    from routed_agents import Method


@dataclass(frozen=True)
class Methods:
    """List the methods with their tables: what an episode with each label teaches.

    Attributes:
        names: The methods to show, or module:object for your own. Left out, every one.
    """

    names: Annotated[
        tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="[METHOD ...]")
    ] = ()

    def run(self) -> None:
        """Print the tables."""
        from rich.text import Text

        from routed_agents import METHODS, get_method
        from routed_envs import DiamondGhostWorld

        console, outcomes = screen(), DiamondGhostWorld().outcomes
        for name in self.names or METHODS:
            method = get_method(name, outcomes)
            console.print(Text.assemble((name, "bold"), f"  {method.summary}"))
            console.print(_table(method))
            for line in _notes(method):
                console.print(f"  {line}")
            console.print()


def _table(method: Method) -> Table:
    from rich import box
    from rich.table import Table

    learned = method.gate == "learned"
    columns = ["label", "reward", "weight", *(f"{expert} learns" for expert in method.experts)]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in (*columns, *(("gate learns", "gate's target") if learned else ())):
        table.add_column(column, overflow="fold")
    for label, row in method.rows.items():
        cells = [_reward(row.reward), f"{row.weight:g}"]
        factors = row.activations or (1.0,) * len(row.experts)
        for share, factor in zip(row.experts, factors, strict=True):
            cells.append(f"{share:g}" + ("" if factor == 1 else f", output x {factor:g}"))
        cells += [f"{row.gate:g}", row.target or "none"] if learned else []
        table.add_row(label, *cells)
    return table


def _reward(reward: float | tuple[float, ...] | None) -> str:
    """What an episode's last step is worth, to each expert if they are paid by themselves."""
    if reward is None:
        return "kept"
    return " / ".join(f"{own:g}" for own in (reward if isinstance(reward, tuple) else (reward,)))


def _notes(method: Method) -> list[str]:
    gate = {"learned": "a learned gate", "even": "no gate, equal weights", "none": "one expert"}
    acting = {"mixture": "the mixture", "experts": "each expert alone, in its own environments"}
    share, memory = method.updates(0.1), method.gate_memory
    notes = [
        f"network: {', '.join(method.experts)}; {gate[method.gate]}",
        f"acts while it learns: {acting[method.acts] if len(method.experts) > 1 else 'the expert'}",
        f"labels: {method.labels_from}",
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
