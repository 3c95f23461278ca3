"""Optional packages: there, or refused with the line that installs them."""

from __future__ import annotations

from importlib.util import find_spec

from routed_envs.errors import InputError


def need(extra: str, purpose: str, packages: tuple[str, ...]) -> None:
    """Refuse early where a package is missing.

    Args:
        extra: The extra of routed-rl that installs them.
        purpose: What needs them, for the message.
        packages: Their import names.

    Raises:
        InputError: One is not installed.
    """
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        verb = "needs the package" + ("s" if len(missing) > 1 else "")
        raise InputError(
            f'{purpose} {verb} {" and ".join(missing)}. Install: pip install "routed-rl[{extra}]"'
        )
