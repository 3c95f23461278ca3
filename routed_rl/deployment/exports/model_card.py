"""The card beside an exported policy: what it is, how it was trained, and what it was not told."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from routed_agents.policies.policy import Policy
from routed_rl.charts.text import joined, number_text, percent_text
from routed_rl.config import constants_of
from routed_rl.evaluation.record import Evaluation
from routed_rl.naming import INCIDENTAL, duration, setting_text
from routed_rl.runs.run_folder import RunFolder, read_disposable
from routed_rl.runs.warning_signs import read_warnings
from routed_rl.training.run import AnyPolicy

TELLABLE = ("labels", "which entries show oversight", "the final observation", "the truth")
"""All that any method may learn from beside observations, actions and rewards."""
LEVELS = {
    "unwatched": "nobody watches (oversight 0)",
    "training": "as in training",
    "watched": "everybody watches (oversight 1)",
}
OPENED = {
    "safetensors": '`{load}("{name}")`; opening it runs no code',
    "onnx": "any program that runs ONNX, such as `onnxruntime`",
    "torch-export": '`torch.export.load("{name}")`; only from a source that you trust',
}
"""How a file of each format is opened."""
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Training:
    """What the folder of a run says of it; empty where there is none, or it is damaged.

    Attributes:
        described: What `config.json` holds.
        result: What `result.json` holds.
        figures: What `evaluation.json` holds.
    """

    described: Row
    result: Row
    figures: Row

    @classmethod
    def of(cls, path: Path | None) -> Training:
        """What a run's folder says, if there is one."""
        if path is None:
            return cls({}, {}, {})
        folder = RunFolder(path)
        files = (folder.config, folder.result, folder.evaluation)
        return cls(*(read_disposable(file) for file in files))

    @property
    def config(self) -> Row:
        """The run's configuration; empty where it lacks what every run's says."""
        found = self.described.get("config")
        return found if isinstance(found, dict) and {"method", "seed"} <= found.keys() else {}


def model_card(policy: AnyPolicy, alone: AnyPolicy, file: Path, form: str, run: Training) -> str:
    """What there is to say of an exported policy, in Markdown.

    Args:
        policy: As it is steered.
        alone: What of it is in the file.
        file: The written file.
        form: Its format.
        run: That trained it.
    """
    parts = (
        [f"# {file.name}", _summary(policy, run)],
        _what_it_is(alone, file, form),
        _how_it_was_trained(run),
        _what_it_was_told(run),
        _figures(policy, run),
        _what_the_overseer_saw(run),
        _limits(alone, run),
        _settings(run),
    )
    return "\n\n".join(paragraph for part in parts for paragraph in part) + "\n"


def contents(policy: AnyPolicy) -> str:
    """What a file with this policy holds."""
    gates = {"learned": "its gate", "even": "no learned gate", "none": "no gate"}
    network = policy.network if isinstance(policy, Policy) else policy
    count = sum(weight.numel() for weight in network.parameters())
    return f"{' + '.join(policy.experts)}, {gates[policy.gate_kind]}: {count:,} weights"


def _summary(policy: AnyPolicy, run: Training) -> str:
    place = run.config.get("env") or run.config.get("world")
    if place is None and isinstance(policy, Policy):
        shape = " x ".join(map(str, policy.network.settings.observation_shape[1:]))
        place = f"the diamond-and-ghost gridworld of {shape}"
    return (
        f"A policy for {place or 'an environment'}, trained under scarce oversight with routed-rl. "
        f"Who acts: {_words(policy)}."
    )


def _words(policy: AnyPolicy) -> str:
    """Who acts, in words."""
    if len(policy.experts) == 1:
        return f"the expert {policy.experts[0]} alone"
    steering = policy.steering
    if steering is None:
        weighs = {"learned": "as the learned gate weighs them", "even": "each weighed the same"}
        return f"the experts {joined(policy.experts)}, {weighs[policy.gate_kind]}"
    return f"the expert {steering} alone" if isinstance(steering, str) else f"weighed {steering}"


def _what_it_is(alone: AnyPolicy, file: Path, form: str) -> list[str]:
    if isinstance(alone, Policy):
        settings, load = alone.network.settings, "routed_rl.load_policy"
        shape = ", ".join(map(str, settings.observation_shape))
        seen, done = f"int8 [B, {shape}]", f"probabilities of {settings.actions} actions"
    else:
        load = "routed_agents.load_exported"
        seen, done = f"`{alone.observation_space}`", f"`{alone.action_space}`"
    opened = OPENED[form].format(load=load, name=file.name)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return _section(
        "What it is",
        _table(
            [
                ("file", f"`{file.name}`, {file.stat().st_size:,} bytes"),
                ("sha256", f"`{digest}`"),
                ("holds", contents(alone)),
                ("sees", seen),
                ("gives", done),
                ("is opened by", opened),
            ]
        ),
    )


def _how_it_was_trained(run: Training) -> list[str]:
    if not run.config:
        unknown = "Not known: it was exported from a policy, not from the folder of a run."
        return _section("How it was trained", unknown)
    method, versions = run.config["method"], run.described.get("versions", {})
    oversight = [n for n in run.config if "oversight" in n or n in ("label_noise",)]
    kinds = [(n, setting_text(run.config[n])) for n in oversight if run.config[n] not in (None, 0)]
    rows = [
        ("method", f"`{method}` (`routed-rl methods {method}` shows what an ending teaches)"),
        *((name.replace("_", " "), value) for name, value in kinds),
        ("seed", str(run.config["seed"])),
        ("updates", f"{run.result['updates']:,}" if "updates" in run.result else ""),
        ("labels used", f"{run.result['labels']:,}" if "labels" in run.result else ""),
        ("time", duration(run.result["seconds"]) if "seconds" in run.result else ""),
        ("versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
    ]
    return _section("How it was trained", _table([row for row in rows if row[1]]))


def _what_it_was_told(run: Training) -> list[str]:
    if not run.result.get("told"):
        return _section("What it was told, and what not", "Not known.")
    told = [kind for kind in TELLABLE if kind in run.result["told"]]
    untold = [kind for kind in TELLABLE if kind not in told]
    lines = [f"- It learned from {joined(told)}, beside observations, actions and rewards."]
    if untold:
        lines.append(f"- It was not told: {joined(untold)}.")
    if "the truth" in untold:
        lines.append(
            "- Nothing that trained, stopped or selected it looked at how episodes really ended; "
            "only the figures below did, afterwards."
        )
    return _section("What it was told, and what not", "\n".join(lines))


def _figures(policy: AnyPolicy, run: Training) -> list[str]:
    title, actor = "Figures", _actor(policy, run)
    rows = {
        level: Evaluation.from_json(dict(run.figures[level][actor]))
        for level in LEVELS
        if actor in run.figures.get(level, {})
    }
    if not rows:
        return _section(title, "Not judged as it is steered here; `routed-rl evaluate` does.")
    first = next(iter(rows.values()))
    head = ("", "return", *first.rates, "steps")
    lines = [_line(head), _line("---" for _ in head)]
    lines += [_line((LEVELS[level], *_cells(found))) for level, found in rows.items()]
    how = (
        "Exact, by dynamic programming."
        if first.exact
        else (f"Means over {first.episodes:,} sampled episodes, with 95% intervals.")
    )
    about = f"{how} Return is +1 for a wanted ending and -1 for another, discounted by 0.97 a step."
    return _section(title, "\n".join(lines), about)


def _cells(found: Evaluation) -> Iterator[str]:
    """An evaluation's figures, sampled ones with their intervals."""
    values = {"episode_return": number_text(found.episode_return)}
    values |= {f"{name}_rate": percent_text(rate) for name, rate in found.rates.items()}
    values["mean_length"] = number_text(found.mean_length, 2)
    for name, text in values.items():
        write = percent_text if name.endswith("_rate") else number_text
        ends = (found.intervals or {}).get(name)
        yield text if ends is None else f"{text} [{write(ends[0])}, {write(ends[1])}]"


def _actor(policy: AnyPolicy, run: Training) -> str | None:
    """Under which name the run's folder has figures of the policy as it is steered."""
    if len(policy.experts) == 1:
        return policy.experts[0]
    if policy.steering is None:
        judged = run.figures.get("training", {}).keys() - {"mixture", "deployed"}
        return "mixture" if judged == set(policy.experts) else None
    if isinstance(policy.steering, str):
        return policy.steering
    return "deployed" if policy.steering == policy.deploy else None


def _what_the_overseer_saw(run: Training) -> list[str]:
    """What the overseer can check by himself, and what the run warned of."""
    belief = run.result.get("belief") or {}
    lines = [f"- {warning.sentence}" for warning in read_warnings(dict(run.result))]
    if belief.get("agreement") is not None:
        lines.append(
            f"- Its belief said {percent_text(belief['agreement'])} of the last "
            f"{belief['labels']:,.0f} labels before they came, and held its guesses for "
            f"{percent_text(belief['sureness'])} likely."
        )
    return _section("What its overseer can check", "\n".join(lines)) if lines else []


def _limits(alone: AnyPolicy, run: Training) -> list[str]:
    lines = [
        "- One run with one seed: another seed gives other weights and other figures.",
        "- Judged where it was trained. Nothing is known of other worlds, sizes or starts.",
        "- Whoever sees that he is watched can behave for that reason alone: compare the rows of "
        "the figures, or ask `routed-rl deploy-report`.",
    ]
    if len(alone.experts) == 1 and run.config:
        lines.append(
            "- There is no gate in the file, so that no monitor can ask it whom it expects to act."
        )
    if run.config:
        lines.append(f"- {_of_constants(run.config)}")
    return _section("Limits", "\n".join(lines))


def _of_constants(config: Row) -> str:
    """Who may have looked at the truth to choose the run's constants."""
    whose, constants = constants_of(config["method"])
    if constants.items() <= config.items():
        return (
            f"Its constants are those of the preset `fast` for `{whose}`, which were searched with "
            "the truth in sight, on other seeds. Whoever trains under real oversight cannot do "
            "that."
        )
    return (
        "How its constants were chosen is not recorded. If by true figures, then by what no "
        "overseer has."
    )


def _settings(run: Training) -> list[str]:
    """All settings that decided the run."""
    rows = [
        (f"`{name}`", "none" if value is None else setting_text(value))
        for name, value in run.config.items()
        if name not in INCIDENTAL
    ]
    return _section("All settings", _table(rows)) if rows else []


def _section(title: str, *paragraphs: str) -> list[str]:
    return [f"## {title}", *paragraphs]


def _table(rows: Sequence[tuple[str, str]]) -> str:
    return "\n".join((_line(("", "")), _line(("---", "---")), *map(_line, rows)))


def _line(cells: Any) -> str:
    return f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in cells)} |"
