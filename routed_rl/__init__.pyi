from .config import PRESETS, TrainConfig
from .evaluation import evaluate, evaluate_steerings
from .experiment import Experiment
from .figures import Evaluation
from .policy_file import load_policy, save_policy
from .run import Run, load_run
from .run_log import read_log
from .training import train

__all__ = [
    "PRESETS",
    "Evaluation",
    "Experiment",
    "Run",
    "TrainConfig",
    "evaluate",
    "evaluate_steerings",
    "load_policy",
    "load_run",
    "read_log",
    "save_policy",
    "train",
]
