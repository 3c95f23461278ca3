"""The names under which `gymnasium.make` knows the environments; importing this loads none."""

from __future__ import annotations

import gymnasium

LAYOUTS = {
    "": ("open", (6, 7, 8, 10, 12, 16)),
    "-Walls": ("walls", (6, 8, 10, 12, 16)),
    "-Rooms": ("rooms", (8, 10, 12, 16)),
}
"""A part of a MiniGrid name stands for this layout, which is registered in these sizes."""
FORMS = {
    "": "environment:DiamondGhostMiniGrid",
    "-Flat": "flat:DiamondGhostMiniGridFlat",
    "-Compass": "flat:DiamondGhostMiniGridCompass",
}
"""A part of a MiniGrid name stands for a form of observation, whose class `minigrids` has here."""


def register() -> None:
    """Make all environments known to Gymnasium."""
    gymnasium.register(
        id="routed_envs/DiamondGhost-v0",
        entry_point="routed_envs.gridworld.env:DiamondGhostEnv",
        vector_entry_point="routed_envs.gridworld.vector_env:DiamondGhostVectorEnv",
    )
    for layout_part, (layout, sizes) in LAYOUTS.items():
        for form_part, place in FORMS.items():
            for size in sizes:
                gymnasium.register(
                    id=f"routed_envs/MiniGrid-DiamondGhost{layout_part}{form_part}-{size}x{size}-v0",
                    entry_point=f"routed_envs.minigrids.{place}",
                    kwargs={"size": size, "layout": layout},
                )
