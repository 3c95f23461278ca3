"""An entropy coefficient that changes while a stable-baselines3 model learns."""

from __future__ import annotations

from stable_baselines3.common.callbacks import BaseCallback

from routed_envs.errors import InputError


class EntropySchedule(BaseCallback):
    """Moves the model's entropy coefficient along a straight line, which the library cannot.

    With routes this matters: an expert must go on trying what the gate would leave to another.
    ``model.learn(steps, callback=EntropySchedule(0.55, 0.02))``.

    Args:
        first: The coefficient at the first rollout.
        last: The coefficient at the last step.

    Raises:
        InputError: A coefficient is negative.
    """

    def __init__(self, first: float, last: float) -> None:
        super().__init__()
        if min(first, last) < 0:
            raise InputError(f"first={first}, last={last}: give coefficients of at least 0.")
        self.first = first
        self.last = last

    def _on_rollout_start(self) -> None:
        """Set the coefficient for the coming rollout."""
        remaining = self.model._current_progress_remaining
        self.model.ent_coef = self.last + (self.first - self.last) * remaining  # pyright: ignore[reportAttributeAccessIssue]
        self.logger.record("train/ent_coef", self.model.ent_coef)  # pyright: ignore[reportAttributeAccessIssue]

    def _on_step(self) -> bool:
        """Go on."""
        return True
