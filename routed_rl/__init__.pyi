from .config import PRESETS, TrainConfig
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
    "Run",
    "SweepOutcome",
    "TrainConfig",
    "evaluate",
    "evaluate_steerings",
    "explore",
    "load_curves",
    "load_policy",
    "load_results",
    "load_run",
    "oversight_levels",
    "read_log",
    "save_policy",
    "sweep",
    "train",
]
