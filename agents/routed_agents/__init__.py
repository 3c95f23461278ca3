"""Agents: gradient routing, networks, methods, losses and steering. Loaded when first used."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
