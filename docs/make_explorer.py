"""Make the page that the guide to the explorer embeds: docs/_static/explorer.html.

    python docs/make_explorer.py

Trains the policy of `make demo`, a minute, unless it is there already.
"""

from __future__ import annotations

from pathlib import Path

import routed_rl

PAGE = Path(__file__).with_name("_static") / "explorer.html"


def main(updates: int = 2800, run: Path = Path("runs/demo"), page: Path = PAGE) -> Path:
    """Train the policy, or take it as it is, and write its page; returns the page.

    Args:
        updates: The budget of gradient steps.
        run: The run's folder.
        page: The file.
    """
    routed_rl.train(routed_rl.TrainConfig(updates=updates), out=run, resume=True)
    return routed_rl.explore(run, out=page)


if __name__ == "__main__":
    print(main())
