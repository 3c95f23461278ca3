from .page import write_report, write_sweep_report

__all__ = ["write_report", "write_sweep_report"]
