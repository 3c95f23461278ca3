"""Reports of sweeps: one page, its figures, and every number that they show.

Loaded when first used: the explorer takes the colours from here, and need not wait for Matplotlib.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
