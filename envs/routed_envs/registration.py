"""The names under which `gymnasium.make` knows the environments; importing this loads none."""

from __future__ import annotations

import gymnasium

OPEN_SIZES = (6, 7, 8, 10, 12, 16)
WALL_SIZES = (6, 8, 10, 12, 16)
ROOM_SIZES = (8, 10, 12, 16)
MINIGRID = "routed_envs/MiniGrid-DiamondGhost"
CLASSES = {
    "": "environment:DiamondGhostMiniGrid",
    "-Flat": "flat:DiamondGhostMiniGridFlat",
    "-Compass": "flat:DiamondGhostMiniGridCompass",
}
"""For each form of the environment its place in `routed_envs.minigrids`."""


def register() -> None:
    """Make all environments known to Gymnasium."""
    gymnasium.register(
        id="routed_envs/DiamondGhost-v0",
        entry_point="routed_envs.gridworld.env:DiamondGhostEnv",
        vector_entry_point="routed_envs.gridworld.vector_env:DiamondGhostVectorEnv",
    )
    layouts = (
        ("", "open", OPEN_SIZES),
        ("-Walls", "walls", WALL_SIZES),
        ("-Rooms", "rooms", ROOM_SIZES),
    )
    for name, layout, sizes in layouts:
        for form, place in CLASSES.items():
            for size in sizes:
                gymnasium.register(
                    id=f"{MINIGRID}{name}{form}-{size}x{size}-v0",
                    entry_point=f"routed_envs.minigrids.{place}",
                    kwargs={"size": size, "layout": layout},
                )
