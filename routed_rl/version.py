"""Which version this is: the installed package has it from the tag at which it was built."""

from importlib.metadata import version

__version__ = version("routed-rl")
"""Such as 0.2.0; between two tags the next one's development version, such as 0.2.0.dev316."""
