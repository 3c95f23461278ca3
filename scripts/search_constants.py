"""The search behind the preset fast: the same budget for every method, over all that matters.

    python -m scripts.search_constants            about two hours on two cores

First the model of endings, which several methods have: each of its settings with two of them. Then
each method has the same number of settings, three of them known from before and ten drawn at
random, and takes each of them at 10% and at 1% oversight. Successive halving (Jamieson and
Talwalkar, arXiv 1502.07943): all settings have 1,050 updates, the best four of them a whole run of
2,800 with another seed, and the best two of those one more, also with a fifth of the labels wrong
and where the agent does not see oversight. A setting counts what its deployed policies are worth on
average over these situations: constants do not depend on the oversight.

Seeds are of 1000 and above, which no reported figure uses. Stopped, it goes on where it was when it
is called again. It looks at the true return: no trainer under oversight could. What it finds goes
into `routed_rl/fast_constants.json`, from which the preset takes it, and every score into a table.
The defaults of `EndingModel` are the best ones of that table; a test compares them.
"""

from __future__ import annotations

import csv
import dataclasses
import itertools
import json
import random
import statistics
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import tyro

import routed_rl
from routed_agents import EndingModel, Method, get_method
from routed_envs import Outcomes
from routed_rl import TrainConfig

Setting = dict[str, Any]

COMMON = {
    "learning_rate": (8e-4, 1.2e-3, 1.7e-3, 2.4e-3, 3.4e-3, 4.8e-3, 6.8e-3),
    "weight_decay": (0.0, 0.03, 0.1, 0.3, 1.0),
    "entropy_coefficient": (0.3, 0.55),
    "final_entropy_coefficient": (0.01, 0.03, 0.1),
    "overseen_weight": (1.0, 5.0, 20.0),
}
"""Every method's constants, and the values that are tried."""
ROUTED = {
    "advantage_offset": (0.0, 1.0, 2.2),
    "overseen_limit": (0.36, 1.0),
    "gate_coefficient": (0.01, 0.1),
}
INFERRED = {"gate_coefficient": (0.25, 0.5, 1.0)}
OWN = {"routed": ROUTED, "inferred": INFERRED, "inferred-model-final": INFERRED}
"""Constants that only some methods have."""
SEARCHED = (
    *("routed", "inferred", "inferred-model-final", "naive", "filtering", "oracle"),
    *("reward-model", "reward-model-untold", "told-everything"),
)
"""Their variants take their constants: of those the file names the method alone."""
PLAIN = {
    "overseen_weight": 1.0,
    "overseen_limit": 1.0,
    "advantage_offset": 0.0,
    "gate_coefficient": 0.01,
}
SINGLE = PLAIN | {"entropy_coefficient": 0.55, "final_entropy_coefficient": 0.03}
KNOWN = {
    "routed": {
        "entropy_coefficient": 0.55,
        "final_entropy_coefficient": 0.1,
        "overseen_weight": 20.0,
        "overseen_limit": 0.36,
        "advantage_offset": 2.2,
        "gate_coefficient": 0.01,
    },
    "inferred": SINGLE | {"gate_coefficient": 0.5},
    "inferred-model-final": SINGLE | {"gate_coefficient": 0.5},
}
"""What was known before: tried with a weight decay of 1 and of 0.1. Others have `SINGLE`."""
EARLIER = Path(__file__).parents[1] / "docs" / "results" / "earlier_constants.json"
"""What a search found whose learning rates were at most 0.0034 and whose last runs were shorter."""
PLAINLY: tuple[Setting, ...] = ({"oversight": 0.1}, {"oversight": 0.01})
HARDER = (
    {"oversight": 0.1, "label_noise": 0.2},
    {"oversight": 0.01, "hidden_oversight": True},
)
"""Constants shall also do where labels are wrong, and where the agent does not see oversight."""
ENDINGS = tuple(
    {"steps": steps, "dropout": dropout}
    for steps, dropout in itertools.product((2, 8, 16), (0.0, 0.2, 0.4))
)
"""The constants of a model of endings that are tried."""
MODELLED = ("reward-model", "reward-model-untold")
"""The methods with which they are tried."""


def _with_endings(outcomes: Outcomes, method: str, constants: Setting) -> Method:
    """A method whose model of endings has other constants."""
    found = get_method(method, outcomes)
    assert isinstance(found.relabel, EndingModel), "the methods with which models are tried"
    return dataclasses.replace(found, relabel=dataclasses.replace(found.relabel, **constants))


VARIANTS = {
    f"{method.replace('-', '_')}_{index}": partial(_with_endings, method=method, constants=each)
    for method in MODELLED
    for index, each in enumerate(ENDINGS)
}
globals().update(VARIANTS)  # A configuration names a method of one's own by module:object.


@dataclass(frozen=True)
class Rung:
    """A round of the search.

    Attributes:
        settings: How many settings of each method are in it.
        share: Of the updates.
        seeds: Of the runs.
        situations: In which each setting is tried.
    """

    settings: int
    share: float
    seeds: tuple[int, ...]
    situations: tuple[Setting, ...] = PLAINLY


RUNGS = (
    Rung(13, 0.375, (1000,)),
    Rung(4, 1.0, (1001,)),
    Rung(2, 1.0, (1002,), (*PLAINLY, *HARDER)),
)
"""The last ones have all of the updates: with fewer, constants win with which whole runs drift."""


def settings_of(method: str, count: int) -> list[Setting]:
    """A method's settings: two known ones, random ones, and last an earlier search's.

    The common constants of the random ones are the same for every method.
    """
    known = {"learning_rate": 1.7e-3} | KNOWN.get(method, SINGLE)
    found = [known | {"weight_decay": decay} for decay in (1.0, 0.1)]
    draw, own = random.Random(0), random.Random(1)
    while len(found) < count - 1:
        setting = PLAIN | {name: draw.choice(values) for name, values in COMMON.items()}
        setting |= {name: own.choice(values) for name, values in OWN.get(method, {}).items()}
        found.append(setting)
    earlier = json.loads(EARLIER.read_text())[method]
    return [_complete(setting) for setting in (*found[: count - 1], earlier)]


def _complete(setting: Setting) -> Setting:
    """A setting with the schedules' ends, by the same rule for all."""
    rate, gate = setting["learning_rate"], setting["gate_coefficient"]
    return setting | {"final_learning_rate": round(0.3 * rate, 6), "final_gate_coefficient": gate}


def scores(
    rung: Rung, chosen: dict[str, list[Setting]], updates: int, out: Path, jobs: int | None
) -> dict[str, list[tuple[float, Setting]]]:
    """Train what is missing of a rung; each method's settings with their scores, best first.

    Raises:
        SystemExit: A run failed.
    """
    shared = {"updates": round(rung.share * updates), "evaluate_every": 0, "device": "cpu"}
    configs = {
        (method, index): [
            TrainConfig.from_preset(
                "fast", method=method, seed=seed, **situation, **shared, **setting
            )
            for situation in rung.situations
            for seed in rung.seeds
        ]
        for method, settings in chosen.items()
        for index, setting in enumerate(settings)
    }
    wanted = [config for group in configs.values() for config in group]
    outcome = routed_rl.sweep(wanted, out, jobs=jobs)
    if outcome.failed:
        raise SystemExit(outcome.failure_text)
    returns = {json.dumps(_key(row)): row["episode_return"] for row in routed_rl.load_results(out)}
    found: dict[str, list[tuple[float, Setting]]] = {method: [] for method in chosen}
    for (method, index), group in configs.items():
        worth = [returns[json.dumps(_key(config.to_json()))] for config in group]
        found[method].append((statistics.mean(worth), chosen[method][index]))
    return {method: sorted(rows, key=lambda row: -row[0]) for method, rows in found.items()}


def ending_model_lines(updates: int, out: Path, jobs: int | None) -> list[list[Any]]:
    """Train what is missing to compare the models of endings; the table's lines of them."""
    names = {f"scripts.search_constants:{name}": variant for name, variant in VARIANTS.items()}
    setting = settings_of(MODELLED[0], 3)[1]
    found = scores(RUNGS[0], {name: [setting] for name in names}, updates, out, jobs)
    return [
        [
            variant.keywords["method"],
            0,
            found[name][0][0],
            json.dumps(variant.keywords["constants"]),
        ]
        for name, variant in names.items()
    ]


def _key(row: dict[str, Any]) -> list[Any]:
    """What tells a run of the search from the others."""
    told = ("oversight", "label_noise", "hidden_oversight")
    names = (*COMMON, *ROUTED, *told, "method", "seed", "updates")
    return [row[name] for name in names]


def main(
    updates: int = 2800,
    methods: tuple[str, ...] = SEARCHED,
    out: Path = Path("sweeps/search"),
    constants: Path = Path("routed_rl/fast_constants.json"),
    table: Path = Path("docs/results/search.csv"),
    jobs: int | None = None,
) -> int:
    """Train what is missing, write each method's best constants, and every score.

    Args:
        updates: Of which the rounds have three eighths and all.
        methods: Those that are searched; the others keep what the file says of them.
        out: The sweep's folder.
        constants: The file of the constants.
        table: The file of the scores.
        jobs: Runs at a time; one for each core if left out.

    Returns:
        The exit code.
    """
    chosen = {method: settings_of(method, RUNGS[0].settings) for method in methods}
    lines = ending_model_lines(updates, out, jobs)
    for number, rung in enumerate(RUNGS, 1):
        best = {method: settings[: rung.settings] for method, settings in chosen.items()}
        found = scores(rung, best, updates, out, jobs)
        for method, rows in found.items():
            lines += [[method, number, score, json.dumps(setting)] for score, setting in rows]
        chosen = {method: [setting for _, setting in rows] for method, rows in found.items()}
    kept: dict[str, Setting | str] = json.loads(constants.read_text()) if constants.exists() else {}
    kept |= {method: settings[0] for method, settings in chosen.items()}
    constants.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")
    table.parent.mkdir(parents=True, exist_ok=True)
    with table.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(
            [["method", "rung", "mean_return", "setting"], *lines]
        )
    for method, settings in chosen.items():
        print(f"{method}: {settings[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(routed_rl.exit_code(lambda: tyro.cli(main, description=__doc__)))
