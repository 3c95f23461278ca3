"""A finished run, as its folder holds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from routed_agents.policies.policy import Policy
from routed_envs.errors import InputError
from routed_envs.outcomes import Outcomes
from routed_envs.worlds import World
from routed_rl.charts.text import percent_text
from routed_rl.config import Settings, TrainConfig
from routed_rl.environment_config import EnvironmentConfig
from routed_rl.evaluation.record import Evaluation
from routed_rl.runs.run_folder import RunFolder, read_json
from routed_rl.runs.warning_signs import RunWarning, read_warnings
from routed_rl.training.policy_file import load_policy

if TYPE_CHECKING:
    from routed_agents.stable_baselines.actor_critic import RoutedActorCriticPolicy

ConfigT = TypeVar("ConfigT")
PolicyT = TypeVar("PolicyT")
RunT = TypeVar("RunT", bound="Run | EnvironmentRun")


@dataclass(frozen=True)
class FinishedRun(Generic[ConfigT, PolicyT]):
    """A finished run, whatever it trained.

    Attributes:
        folder: Where its files are.
        config: What decided it.
        policy: The trained policy, unsteered.
        outcomes: How its episodes can end.
        evaluations: Its figures by world and steering: `unwatched` (oversight 0), `training` (the
            world it was trained in) and `watched` (oversight 1), for the `mixture` and each
            expert, or for the only expert.
        seconds: The wall-clock time of its training.
        belief: Of a method that infers whose an unseen ending is, what the overseer can check:
            `agreement`, how often the belief said the label that arrived, before it learnt from
            it; `sureness`; over how many `labels`; the targets `without_label`; and `lost_touch`,
            whether it is sure of what the labels contradict. None for other methods.
        warnings: What it warned of while it trained, each with the update and in words.
    """

    folder: Path
    config: ConfigT
    policy: PolicyT
    outcomes: Outcomes
    evaluations: dict[str, dict[str, Evaluation]]
    seconds: float
    belief: dict[str, Any] | None = None
    warnings: tuple[RunWarning, ...] = ()


class Run(FinishedRun[TrainConfig, Policy]):
    """A finished run in a world; its policy carries the world."""


class EnvironmentRun(FinishedRun[EnvironmentConfig, Any]):
    """A finished run in an environment; its policy is one of stable-baselines3's."""

    policy: RoutedActorCriticPolicy


AnyRun = Run | EnvironmentRun
AnyPolicy: TypeAlias = "Policy | RoutedActorCriticPolicy"


def load_run(path: str | Path, *, world: World[Any] | None = None) -> AnyRun:
    """Read a finished run.

    Args:
        path: The run's folder.
        world: The world of a run that was trained in one of your own.

    Returns:
        The run, with its policy on the CPU.

    Raises:
        InputError: The folder is no run, is not finished, or its files are damaged.
    """
    folder = RunFolder(Path(path))
    description = folder.read_config()
    study = description.get("config", {}).get("study")
    if study is not None:
        raise InputError(f"{folder.path} is a run of the study {study}. load_study reads it.")
    if not folder.result.exists():
        raise InputError(
            f"{folder.path} is not finished. Continue it: routed-rl train ... --resume."
        )
    if "env" in description.get("config", {}):
        from routed_agents import load_exported  # Slow to import.

        policy = load_exported(folder.policy)
        return _read(EnvironmentRun, EnvironmentConfig, folder, description, policy, None)
    policy = load_policy(folder.path, world=world)
    return _read(Run, TrainConfig, folder, description, policy, policy.world.outcomes)


def _read(
    kind: Callable[..., RunT],
    config: type[Settings],
    folder: RunFolder,
    description: dict[str, Any],
    policy: Any,
    outcomes: Outcomes | None,
) -> RunT:
    """The run of a kind whose policy has been loaded."""
    figures, result = read_json(folder.evaluation), read_json(folder.result)
    try:
        return kind(
            folder=folder.path,
            config=config.from_json(description["config"]),
            policy=policy,
            outcomes=outcomes or _outcomes_of(description),
            evaluations={
                level: {name: Evaluation.from_json(row) for name, row in rows.items()}
                for level, rows in figures.items()
            },
            seconds=result["seconds"],
            belief=result.get("belief"),
            warnings=read_warnings(result),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(
            f"The files in {folder.path} are damaged ({error!r}). Train it again with --overwrite."
        ) from None


def _outcomes_of(description: dict[str, Any]) -> Outcomes:
    """How episodes can end in the environment of a run, from what its `config.json` holds."""
    outcomes = description["identity"]["outcomes"]
    return Outcomes(tuple(outcomes["targets"]), tuple(outcomes["good"]))


def overseer_sentences(run: AnyRun) -> list[str]:
    """What the overseer can check of a run, and what the run warned of, in words."""
    warnings = [warning.sentence for warning in run.warnings]
    belief = run.belief
    if belief is None:
        return warnings
    lines = [
        f"Its belief said {percent_text(belief['agreement'])} of the last "
        f"{belief['labels']:,.0f} labels before they came, and held its guesses for "
        f"{percent_text(belief['sureness'])} likely."
    ]
    if belief["without_label"]:
        lines.append(
            f"No label of {' or '.join(belief['without_label'])} arrived: the experts' actions "
            "alone decided whose an ending was."
        )
    return lines + warnings
