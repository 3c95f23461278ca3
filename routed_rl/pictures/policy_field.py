"""A figure of what each expert would do in every cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from routed_agents.policies.networks import Gate
from routed_agents.policies.policy import Policy
from routed_agents.policies.steering import steering_weights
from routed_envs.gridworld.drawing import draw_grid
from routed_envs.gridworld.world import MOVES, DiamondGhostWorld, GridState
from routed_rl.charts.canvas import WIDTH, make_panels, our_look
from routed_rl.charts.colours import INK, PAPER, target_colour
from routed_rl.charts.drawing import figure_bytes, save_picture
from routed_rl.charts.tables import Record
from routed_rl.evaluation.steerings import steerings

SPRITE_PIXELS = 128
"""A cell's side has so many pixels in the picture under the arrows."""
LONELY, GAP = 3.4, 0.2
"""In inches: how wide an only panel is, and what is free between several."""
HEADER = ("who_acts", "row", "col", "weight", "up", "right", "down", "left")
ARROWS: dict[str, Any] = {
    "angles": "xy",
    "scale_units": "xy",
    "scale": 1,
    "width": 0.011,
    "headwidth": 3.6,
    "headlength": 4,
    "headaxislength": 3.6,
    "minlength": 0,
    "color": INK,
}
"""An arrow as long as its move is likely, in cells."""
TITLES = {
    "mixture": "mixture\nthe learned gate decides",
    "policy": "policy\none expert",
    "deployed": "deployed\na fixed mix of the experts",
}
EVEN_TITLE = "mixture\nevery expert weighs the same"


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
    """The agent in every cell but the targets', one state for each.

    Oversight is int8 [1, cells]; nowhere if None.
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
    """What the mixture and each expert would do in some states; or the only expert."""
    observations = world.observe(states)
    fields = []
    for name, steered in steerings(policy).items():
        weights = None
        if len(policy.experts) > 1:
            weights = policy.gate_weights(observations)[:, 0].cpu()
            fixed = steering_weights(steered.steering, policy.experts)
            if fixed is not None:
                weights = torch.full_like(weights, fixed[0])
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
    with our_look():
        picture = figure_bytes(_draw(fields, policy, world, states), "png")
    save_picture(path, picture, HEADER, _records(fields, world))


def _default_targets(world: DiamondGhostWorld) -> tuple[int, int]:
    """Two cells on a diagonal, so that every direction occurs."""
    row, col = world.rows // 4, world.cols // 4
    diamond = row * world.cols + (world.cols - 1 - col)
    ghost = (world.rows - 1 - row) * world.cols + col
    return diamond, ghost if ghost != diamond else (diamond + 1) % world.cells


def _draw(
    fields: Sequence[PolicyField],
    policy: Policy,
    world: DiamondGhostWorld,
    states: GridState,
) -> Figure:
    width = LONELY if len(fields) == 1 else WIDTH / len(fields) - GAP
    height = width * world.rows / world.cols
    titles = [panel_title(field.name, policy.gate_kind) for field in fields]
    figure, panels = make_panels(titles, len(fields), height)
    watched = "an eye marks" if states.oversight.any() else "no square has"
    heading = "What the agent would do in each cell: the longer an arrow, the likelier the move"
    figure.suptitle(f"{heading} ({watched} oversight)", x=0.01, ha="left", fontsize="medium")
    picture = np.asarray(draw_grid(world, states, 0, SPRITE_PIXELS, show_agent=False))
    ends = [target_colour(name, world.outcomes) for name in reversed(policy.experts[:2])]
    shades = LinearSegmentedColormap.from_list("gate", [ends[0], PAPER, ends[-1]])
    for panel, field in zip(panels, fields, strict=True):
        _draw_panel(panel, field, world, picture, shades)
    if fields[0].weights is not None:
        _draw_bar(figure, panels, policy.experts, shades)
    return figure


def panel_title(name: str, gate: Gate) -> str:
    """Who acts in a panel, by the field's name, and why: in two lines."""
    if name == "mixture" and gate == "even":
        return EVEN_TITLE
    return TITLES.get(name, f"{name} expert\nsteered, the gate is overridden")


def _draw_bar(
    figure: Figure, panels: Sequence[Axes], experts: Sequence[str], shades: Colormap
) -> None:
    """The meaning of the shades, under the panels."""
    shaded = ScalarMappable(Normalize(0, 1), shades)
    bar = figure.colorbar(shaded, ax=panels, location="bottom", shrink=0.3, aspect=28)
    first, others = experts[0], " + ".join(experts[1:])
    bar.set_ticks([0, 0.5, 1], labels=[f"{others} expert", "half and half", f"{first} expert"])
    bar.ax.set_title("who decides in this cell", loc="center", fontweight="normal")


def _draw_panel(
    panel: Axes,
    field: PolicyField,
    world: DiamondGhostWorld,
    picture: NDArray[np.uint8],
    shades: Colormap,
) -> None:
    """One policy: shaded cells and an arrow for each action."""
    extent = (-0.5, world.cols - 0.5, world.rows - 0.5, -0.5)
    panel.imshow(picture, extent=extent)
    rows, cols = (field.cells // world.cols).numpy(), (field.cells % world.cols).numpy()
    if field.weights is not None:
        shade = np.full((world.rows, world.cols), np.nan)
        shade[rows, cols] = field.weights.numpy()
        panel.imshow(shade, cmap=shades, vmin=0, vmax=1, alpha=0.45, extent=extent)
    for action, (down, right) in enumerate(MOVES):
        length = 0.46 * field.probabilities[:, action].numpy()
        visible = length > 0.46 * 0.03
        places = cols[visible], rows[visible]
        panel.quiver(*places, (right * length)[visible], (down * length)[visible], **ARROWS)
    panel.set(xlim=extent[:2], ylim=extent[2:])
    panel.set_anchor("W")
    panel.set_axis_off()


def _records(fields: Sequence[PolicyField], world: DiamondGhostWorld) -> list[Record]:
    """The fields' rows under `HEADER`, one for each cell."""
    records = []
    for field in fields:
        weights = [None] * len(field.cells) if field.weights is None else field.weights.tolist()
        rows = zip(field.cells.tolist(), weights, field.probabilities.tolist(), strict=True)
        for cell, weight, probabilities in rows:
            place = divmod(cell, world.cols)
            shares = (
                None if weight is None else f"{weight:.6f}" for weight in (weight, *probabilities)
            )
            records.append((field.name, *place, *shares))
    return records
