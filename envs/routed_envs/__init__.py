"""Worlds with oversight: their rules, their Gymnasium environments and their pictures.

Loaded when first used; importing this package alone registers the environments.
"""

import lazy_loader

from routed_envs.registration import register

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

register()
