from .config import PRESETS, TrainConfig
from .deployment.export import export_policy
from .deployment.monitor import Monitor, Reading
from .deployment.page import write_deployment_report
from .deployment.roc import Roc
from .env_evaluation import evaluate_env
from .evaluation import evaluate, evaluate_steerings, oversight_levels
from .experiment import Experiment
from .explorer.write import explore
from .figures import Evaluation
from .policy_file import load_policy, save_policy
from .run import Run, load_run
from .run_log import read_log
from .sweeps.results import load_curves, load_results
from .sweeps.runner import SweepOutcome, sweep
from .training import train

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
