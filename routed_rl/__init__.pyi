from .config import PRESETS, TrainConfig
from .deployment.deployment_report import write_deployment_report
from .deployment.formats import export_policy
from .deployment.gate_monitor import Monitor, Reading
from .deployment.roc import Roc
from .evaluation.environments import evaluate_env
from .evaluation.record import Evaluation
from .evaluation.steerings import evaluate, evaluate_steerings, oversight_levels
from .pictures.explorer.page_writer import explore
from .runs.run_log import read_log
from .sweeps.results import load_curves, load_results
from .sweeps.runner import SweepOutcome, sweep
from .training.experiment import Experiment
from .training.loop import train
from .training.policy_file import load_policy, save_policy
from .training.run import Run, load_run

__all__ = [
    "PRESETS",
    "Evaluation",
    "Experiment",
    "Monitor",
    "Reading",
    "Roc",
    "Run",
    "SweepOutcome",
    "TrainConfig",
    "evaluate",
    "evaluate_env",
    "evaluate_steerings",
    "explore",
    "export_policy",
    "load_curves",
    "load_policy",
    "load_results",
    "load_run",
    "oversight_levels",
    "read_log",
    "save_policy",
    "sweep",
    "train",
    "write_deployment_report",
]
