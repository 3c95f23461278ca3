"""Reports of sweeps: one page, its figures, and every number that they show."""

from routed_rl.report.page import write_report

__all__ = ["write_report"]
