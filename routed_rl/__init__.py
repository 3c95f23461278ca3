"""routed-rl: scalable oversight by routed policy modules.

What users need from all three packages; loaded when first used, so that help appears at once.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
