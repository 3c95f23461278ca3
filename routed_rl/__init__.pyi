from .charts.statistics import summarise
from .cli.terminal import exit_code
from .config import PRESETS, TrainConfig
from .deployment.deployment_report import write_deployment_report
from .deployment.exports.formats import export_policy
from .deployment.gate_monitor import Monitor, Reading
from .deployment.monitor_measurement import MonitorMeasurement, measure_monitor
from .deployment.roc import Roc
from .environment_config import EnvironmentConfig
from .evaluation.environments import evaluate_env
from .evaluation.record import Evaluation
from .evaluation.steerings import evaluate, evaluate_steerings, oversight_levels
from .pictures.environment_film import render_run
from .pictures.episodes import record
from .pictures.explorer.page_writer import explore
from .pictures.film import save_film, save_side_by_side
from .pictures.rendering import Rendering, render
from .report.method_map import write_map
from .report.page import write_report, write_sweep_report
from .runs.run_log import read_log
from .runs.warning_signs import RunWarning
from .studies.study_run import StudyRun, load_study, train_study
from .study_configs.digits_config import DigitsConfig
from .study_configs.scalar_config import ScalarConfig
from .study_configs.unlearn_config import UnlearnConfig
from .sweeps.choosing.trials import Trial
from .sweeps.choosing.tuning import Tuning, tune
from .sweeps.plan import plan
from .sweeps.results import load_curves, load_results
from .sweeps.runner import SweepOutcome, sweep
from .training.experiment import Experiment
from .training.policy_file import load_policy, save_policy
from .training.run import EnvironmentRun, Run, load_run
from .training.training import train
from .version import __version__

__all__ = [
    "PRESETS",
    "DigitsConfig",
    "EnvironmentConfig",
    "EnvironmentRun",
    "Evaluation",
    "Experiment",
    "Monitor",
    "MonitorMeasurement",
    "Reading",
    "Rendering",
    "Roc",
    "Run",
    "RunWarning",
    "ScalarConfig",
    "StudyRun",
    "SweepOutcome",
    "TrainConfig",
    "Trial",
    "Tuning",
    "UnlearnConfig",
    "__version__",
    "evaluate",
    "evaluate_env",
    "evaluate_steerings",
    "exit_code",
    "explore",
    "export_policy",
    "load_curves",
    "load_policy",
    "load_results",
    "load_run",
    "load_study",
    "measure_monitor",
    "oversight_levels",
    "plan",
    "read_log",
    "record",
    "render",
    "render_run",
    "save_film",
    "save_policy",
    "save_side_by_side",
    "summarise",
    "sweep",
    "train",
    "train_study",
    "tune",
    "write_deployment_report",
    "write_map",
    "write_report",
    "write_sweep_report",
]
