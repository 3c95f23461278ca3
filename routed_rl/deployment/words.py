"""How deployment's figures and tables are put into words."""

from __future__ import annotations

from routed_rl.deployment.behaviour import Evaluations


def actor_name(who: str, deployed: str) -> str:
    """Who acts, in words; the deployed one is marked.

    Args:
        who: As `steerings` names it.
        deployed: Who is deployed.
    """
    name = who if who in ("mixture", "deployed", "policy") else f"{who} expert"
    return f"{name} (deployed)" if who == deployed and who != "deployed" else name


def level_names(evaluations: Evaluations) -> dict[str, str]:
    """Each level's name with its oversight.

    Args:
        evaluations: By level, then by who acts.
    """
    oversights = {name: next(iter(rows.values())).oversight for name, rows in evaluations.items()}
    return {name: level_text(name, value, "oversight ") for name, value in oversights.items()}


def level_text(level: str, oversight: float, word: str = "") -> str:
    """A level's name with its oversight, unless that is its name already.

    Args:
        level: The name.
        oversight: 0 to 1.
        word: Goes before the number.
    """
    number = f"{oversight:g}"
    return f"{word}{number}" if level == number else f"{level} ({word}{number})"


def points_text(share: float) -> str:
    """A difference of shares in percentage points, with its sign."""
    text = f"{100 * share:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", "\N{MINUS SIGN}")


def change_text(value: float) -> str:
    """A difference with three decimals and its sign."""
    text = f"{value:+.3f}"
    return "0.000" if text in ("+0.000", "-0.000") else text.replace("-", "\N{MINUS SIGN}")
