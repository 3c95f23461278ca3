"""Worlds with oversight: their rules, their Gymnasium environments and their pictures.

Loaded when first used; importing this package alone registers the environments.
"""

import gymnasium
import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

gymnasium.register(
    id="routed_envs/DiamondGhost-v0",
    entry_point="routed_envs.gym_env:DiamondGhostEnv",
    vector_entry_point="routed_envs.vector_env:DiamondGhostVectorEnv",
)
