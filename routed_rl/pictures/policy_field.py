"""A figure of what each expert would do in every cell."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from routed_agents.files import write_atomically
from routed_agents.policies.policy import Policy
from routed_envs.gridworld.drawing import DIAMOND, GHOST, draw_grid
from routed_envs.gridworld.world import MOVES, DiamondGhostWorld, GridState
from routed_rl.evaluation.steerings import steerings

SHADES = LinearSegmentedColormap.from_list("gate", [GHOST, "#ffffff", DIAMOND])
SPRITE_PIXELS = 128


@dataclass(frozen=True)
class PolicyField:
    """What a policy would do with the agent in every cell, the targets staying where they are.

    Attributes:
        name: Who acts: `mixture`, or an expert's name.
        cells: int64 [C], the cells on which the agent can stand.
        probabilities: float [C, 4], of each action.
        weights: float [C], the weight with which the first expert acts; None with one expert.
    """

    name: str
    cells: torch.Tensor
    probabilities: torch.Tensor
    weights: torch.Tensor | None


def placements(
    world: DiamondGhostWorld, diamond: int, ghost: int, oversight: torch.Tensor | None = None
) -> GridState:
    """The agent in every cell but the targets'.

    Args:
        world: The rules, for the grid's size.
        diamond: The diamond's cell.
        ghost: The ghost's cell, another one.
        oversight: int8 [1, cells], 1 where a square has oversight; nowhere if None.

    Returns:
        One state for each cell.
    """
    agent = torch.tensor([cell for cell in range(world.cells) if cell not in (diamond, ghost)])
    if oversight is None:
        oversight = torch.zeros((1, world.cells), dtype=torch.int8)
    return GridState(
        agent=agent,
        ghost=torch.full_like(agent, ghost),
        diamond=torch.full_like(agent, diamond),
        oversight=oversight.expand(len(agent), -1),
        steps=torch.zeros_like(agent),
        mistaken=torch.zeros(len(agent), dtype=torch.int8),
    )


def policy_fields(policy: Policy, world: DiamondGhostWorld, states: GridState) -> list[PolicyField]:
    """What the mixture and each expert would do.

    Args:
        policy: Its own steering does not matter.
        world: The rules.
        states: From `placements`.

    Returns:
        The mixture's field, then each expert's; or the only one's.
    """
    observations = world.observe(states)
    fields = []
    for name, steered in steerings(policy).items():
        weights = None
        if len(policy.experts) > 1:
            gate = policy.gate_weights(observations)[:, 0].cpu()
            weights = (
                gate if name == "mixture" else torch.full_like(gate, name == policy.experts[0])
            )
        probabilities = steered.action_probabilities(observations).cpu()
        fields.append(PolicyField(name, states.agent, probabilities, weights))
    return fields


def save_policy_field(
    policy: Policy, world: DiamondGhostWorld, path: Path, start: GridState | None = None
) -> None:
    """Draw the fields side by side, and write their numbers as a table beside the figure.

    Args:
        policy: Its own steering does not matter.
        world: The rules.
        path: The PNG; the table has the same name and ends in `.csv`.
        start: Where the targets and the oversight are (N = 1); targets on a diagonal if None.
    """
    if start is None:
        states = placements(world, *_default_targets(world))
    else:
        states = placements(world, int(start.diamond), int(start.ghost), start.oversight)
    fields = policy_fields(policy, world, states)
    write_atomically(path.with_suffix(".csv"), _table(fields, world).encode())
    buffer = io.BytesIO()
    _draw(fields, world, states).savefig(buffer, format="png")
    write_atomically(path, buffer.getvalue())


def _default_targets(world: DiamondGhostWorld) -> tuple[int, int]:
    """Two cells on a diagonal, so that every direction occurs."""
    row, col = world.rows // 4, world.cols // 4
    diamond = row * world.cols + (world.cols - 1 - col)
    ghost = (world.rows - 1 - row) * world.cols + col
    return diamond, ghost if ghost != diamond else (diamond + 1) % world.cells


def _draw(fields: list[PolicyField], world: DiamondGhostWorld, states: GridState) -> Figure:
    """The figure, one panel for each field."""
    with rc_context({"font.size": 11}):
        height = 3.1 * world.rows / world.cols + 0.8
        figure = Figure(figsize=(3.4 * len(fields) + 1, height), dpi=110, layout="constrained")
        FigureCanvasAgg(figure)
        picture = np.asarray(draw_grid(world, states, 0, SPRITE_PIXELS, show_agent=False))
        axes = figure.subplots(1, len(fields), squeeze=False)[0]
        for panel, field in zip(axes, fields, strict=True):
            _draw_panel(panel, field, world, picture)
        if fields[0].weights is not None:
            shades = ScalarMappable(Normalize(0, 1), SHADES)
            bar = figure.colorbar(shades, ax=list(axes), shrink=0.7, aspect=14, ticks=[0, 0.5, 1])
            bar.ax.set_yticklabels(["ghost\nexpert", "half\nand half", "diamond\nexpert"])
            bar.set_label("who decides in this cell")
        watched = "an eye marks" if states.oversight.any() else "no square has"
        figure.suptitle(
            "What the agent would do in each cell: the longer an arrow, the likelier the move "
            f"({watched} oversight)",
            fontsize=11,
        )
    return figure


TITLES = {
    "mixture": "mixture\nthe learned gate decides",
    "policy": "policy\none expert",
}


def _draw_panel(
    panel: Axes, field: PolicyField, world: DiamondGhostWorld, picture: NDArray[np.uint8]
) -> None:
    """One policy: shaded cells and an arrow for each action."""
    panel.imshow(picture, extent=(-0.5, world.cols - 0.5, world.rows - 0.5, -0.5))
    rows, cols = (field.cells // world.cols).numpy(), (field.cells % world.cols).numpy()
    if field.weights is not None:
        shade = np.full((world.rows, world.cols), np.nan)
        shade[rows, cols] = field.weights.numpy()
        extent = (-0.5, world.cols - 0.5, world.rows - 0.5, -0.5)
        panel.imshow(shade, cmap=SHADES, vmin=0, vmax=1, alpha=0.45, extent=extent)
    for action, (down, right) in enumerate(MOVES):
        length = 0.46 * field.probabilities[:, action].numpy()
        visible = length > 0.46 * 0.03
        panel.quiver(
            cols[visible],
            rows[visible],
            (right * length)[visible],
            (down * length)[visible],
            angles="xy",
            scale_units="xy",
            scale=1,
            width=0.011,
            headwidth=3.6,
            headlength=4,
            headaxislength=3.6,
            minlength=0,
            color="#111827",
        )
    panel.set_title(TITLES.get(field.name, f"{field.name} expert\nsteered, the gate is overridden"))
    panel.set(xticks=[], yticks=[], xlim=(-0.5, world.cols - 0.5), ylim=(world.rows - 0.5, -0.5))


def _table(fields: list[PolicyField], world: DiamondGhostWorld) -> str:
    """The fields as comma-separated values, a line for each cell."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("who_acts", "row", "col", "weight", "up", "right", "down", "left"))
    for field in fields:
        weights = [None] * len(field.cells) if field.weights is None else field.weights.tolist()
        rows = zip(field.cells.tolist(), weights, field.probabilities.tolist(), strict=True)
        for cell, weight, probabilities in rows:
            shown = "" if weight is None else f"{weight:.6f}"
            place = (cell // world.cols, cell % world.cols, shown)
            table.writerow((field.name, *place, *(f"{p:.6f}" for p in probabilities)))
    return text.getvalue()
