"""A sweep's results as plain tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from routed_envs.errors import InputError
from routed_envs.outcomes import Outcomes
from routed_rl.config import UNNAMED
from routed_rl.runs.run_folder import RunFolder, read_json
from routed_rl.runs.run_log import read_log
from routed_rl.runs.warning_signs import read_warnings
from routed_rl.sweeps.sweep_folder import SweepFolder

Row = dict[str, Any]


def load_results(sweep: str | Path) -> list[Row]:
    """One row for each finished run of a sweep.

    Args:
        sweep: The sweep's folder.

    Returns:
        Rows in the order of the plan; ``pandas.DataFrame(rows)`` makes a data frame of them. The
        columns are:

        - `run`, the name of its folder in `runs/`; every setting of its `TrainConfig`, or of its
          `EnvironmentConfig` and then `targets`, how its episodes can end, and the `good` ones;
        - `gradient_steps` taken (in an environment: rollouts learned from), `seconds` they took,
          `labels`, the endings on a target that the method was told of;
        - `selected`, whether early stopping chose a policy; None if the method keeps the last one;
        - `relabel_accuracy`, the share of unseen endings that the method guessed right, or None;
        - `told`, what the method learned from, in words; of one that infers whose an ending is,
          `belief_agreement`, how often its belief said the labels that arrived, `belief_sureness`,
          and `lost_touch`, whether it is sure of what they contradict; else None;
        - `warnings`, the names of what the run warned of while it trained, a list;
        - `deployed`, who acts when the policy is deployed, and how that goes in the training's
          world: `episode_return`, `diamond_rate` (and so on for each outcome), `mean_length`,
          `exact`, and `overseer_diamond_share`, the share of good endings among those that the
          overseer saw, or None if it saw none; where it is sampled also `overseen`, how many
          endings on a target it saw;
        - the same figures when nobody watches, as `unwatched_...`; and, of a policy of several
          experts, those of the learned `mixture_...` and of each expert, by its name.

        Of a study's run: `run`, its settings, `gradient_steps`, `seconds`, `labels`, `told`, and
        what the study sums it up by.

    Raises:
        InputError: The folder is no sweep, or a run's files are damaged.
    """
    return [_row(*finished) for finished in _finished(sweep)]


def load_missing(sweep: str | Path) -> list[Row]:
    """One row for each run of a sweep's plan that is not finished.

    Args:
        sweep: The sweep's folder.

    Returns:
        Rows of `run`, every setting, and the `reason`: how it failed, or `not finished`.

    Raises:
        InputError: The folder is no sweep.
    """
    folder = SweepFolder(Path(sweep))
    failures = folder.failures()
    return [
        {"run": name, **_settings(planned["config"])}
        | {"reason": failures.get(name, {}).get("reason", "not finished")}
        for name, planned in folder.require().items()
        if not folder.finished(name)
    ]


def load_curves(sweep: str | Path) -> list[Row]:
    """How the figures changed while the finished runs of a sweep trained.

    Args:
        sweep: The sweep's folder.

    Returns:
        A row for each evaluation on the way and each actor: `run`, `method`, `oversight`, `seed`,
        `environment_steps`, `actor`, `is_deployed`, `episode_return` and each outcome's rate.
        Studies have none.

    Raises:
        InputError: The folder is no sweep, or a run's files are damaged.
    """
    rows = []
    for name, config, folder, result in _finished(sweep):
        if "study" in config:
            continue
        log = read_log(folder.log, evaluations_only=True) if folder.log.exists() else []
        for entry in log:
            for actor, figures in entry["evaluation"].items():
                kept = {k: config[k] for k in ("method", "oversight", "seed")}
                steps = {"environment_steps": entry["environment_steps"], "actor": actor}
                deployed = {"is_deployed": actor == result["deployed_actor"]}
                rows.append({"run": name} | kept | steps | deployed | _figures(figures))
    return rows


def _finished(sweep: str | Path) -> Iterator[tuple[str, Row, RunFolder, Row]]:
    """The name, the configuration, the folder and the result of each finished run."""
    folder = SweepFolder(Path(sweep))
    for name, planned in folder.require().items():
        run = folder.run(name)
        result = run.read_result()
        if result is not None:
            yield name, _settings(planned["config"]), run, result


def _settings(config: Row) -> Row:
    """Every setting of a run, those too that its record leaves out."""
    return config if "env" in config or "study" in config else {**UNNAMED, **config}


def _row(name: str, config: Row, folder: RunFolder, result: Row) -> Row:
    try:
        if "study" in config:
            told = {name: result[name] for name in ("seconds", "labels", "told")}
            steps = {"gradient_steps": result["updates"]}
            return {"run": name} | config | steps | told | result["summary"]
        evaluation = read_json(folder.evaluation)
        training, actor = evaluation["training"], result["deployed_actor"]
        row = {"run": name} | config | {"gradient_steps": result["updates"], "deployed": actor}
        told = ("seconds", "labels", "selected", "relabel_accuracy")
        row |= {name: result[name] for name in told} | _figures(training[actor])
        belief = result.get("belief") or {}
        row |= {f"belief_{name}": belief.get(name) for name in ("agreement", "sureness")}
        row |= {"told": result.get("told"), "lost_touch": belief.get("lost_touch")}
        row |= {"warnings": [warning.name for warning in read_warnings(result)]}
        row |= _prefixed("unwatched", evaluation["unwatched"][actor]) | _outcomes(config, folder)
        for other, figures in training.items() if len(training) > 1 else ():
            row |= _prefixed(other, figures)
        return row
    except (InputError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"The files in {folder.path} are damaged ({error!r}). Move that folder away and sweep "
            "again."
        ) from None


def _outcomes(config: Row, folder: RunFolder) -> Row:
    """How episodes can end in a run's environment or own world; the gridworld's are known."""
    if "env" not in config and config["world"] is None:
        return {}
    told = read_json(folder.config)["identity"]["outcomes"]
    outcomes = Outcomes(tuple(told["targets"]), tuple(told["good"]))
    return {"targets": list(outcomes.targets), "good": list(outcomes.good)}


def _prefixed(prefix: str, figures: Row) -> Row:
    return {f"{prefix}_{name}": value for name, value in _figures(figures).items()}


def _figures(figures: Row) -> Row:
    rates = [name for name in figures if name.endswith("_rate")]
    columns = {name: figures[name] for name in ("episode_return", "mean_length", "exact", *rates)}
    targets = [name.removesuffix("_rate") for name in rates if name != "timeout_rate"]
    seen = sum(figures["labels"][target] for target in targets)
    columns |= {} if figures["exact"] else {"overseen": round(seen * figures["episodes"])}
    shares = {name: figures["labels"][name] / seen if seen else None for name in targets}
    return columns | {f"overseer_{name}_share": share for name, share in shares.items()}
