"""A run's folder: fixed file names and a lock."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from routed_agents.files import parsed, writable_folder, write_atomically
from routed_envs.errors import InputError
from routed_rl.evaluation.record import Evaluation

FORMAT = 1
"""The version of the folder's files."""
FILM_ENDINGS = (".gif", ".mp4")
"""A film of rollouts is a file with one of these endings."""
TOLD = ("updates", "labels", "selected", "relabel_accuracy", "deployed_actor")
"""The result of a finished run of a policy has these entries beside its `seconds`."""
STUDY_TOLD = ("study", "updates", "labels", "told", "summary")
"""The same of a study's run."""


def check_format(path: Path, found: Any) -> None:
    """Refuse a file that a newer version wrote, or that is damaged.

    Raises:
        InputError: The version is newer than this program's, or none.
    """
    if not isinstance(found, int):
        raise InputError(f"{path} is damaged: its format is {found!r}. Move it away to go on.")
    if found > FORMAT:
        raise InputError(
            f"{path} has format {found}; this version reads up to {FORMAT}. "
            "Install a newer routed-rl."
        )


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON, atomically."""
    write_atomically(path, (json.dumps(value, indent=2) + "\n").encode())


class Inside:
    """The path of something with that name in the folder of whoever has it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, folder: Any, owner: type) -> Path:
        return folder.path / self._name


@dataclass(frozen=True)
class RunFolder:
    """The files of a run.

    Attributes:
        path: The folder.
    """

    path: Path
    config = Inside("config.json")
    """What decided the run, and the versions it ran with."""
    log = Inside("log.jsonl")
    """A JSON object a line: what the overseer saw, what the learner did, evaluations."""
    checkpoint = Inside("checkpoint.pt")
    """All of the state that a resumed run needs."""
    policy = Inside("policy.safetensors")
    """The trained weights, with all that is needed to use them."""
    model = Inside("model.safetensors")
    """The same of a study, which trains a network and no policy."""
    evaluation = Inside("evaluation.json")
    """The finished policy's figures, for every steering and at several oversights."""
    tensorboard = Inside("tensorboard")
    """The folder of TensorBoard's event files, if they were asked for."""
    wandb = Inside("wandb")
    """The folder of what Weights & Biases keeps, if it was asked for."""
    deployment = Inside("deployment")
    """The folder of what was made from the finished policy: exports, reports."""
    snapshots = Inside("snapshots")
    """The folder of the policies that were kept on the way, if they were asked for."""
    explorer = Inside("explorer.html")
    """The page in which the finished policy can be looked at."""
    result = Inside("result.json")
    """Written last: a folder that has it is finished."""

    def read_result(self) -> dict[str, Any] | None:
        """What `result.json` holds; None unless the run is finished and all of its files are there.

        A damaged result counts as none, so that the run is finished once more.
        """
        if not (self.result.exists() and self.evaluation.exists()):
            return None
        result = read_disposable(self.result)
        weights, told = (self.model, STUDY_TOLD) if "study" in result else (self.policy, TOLD)
        timed = isinstance(result.get("seconds"), int | float)
        counted = isinstance(result.get("updates"), int)
        complete = weights.exists() and result.keys() >= set(told)
        return result if timed and counted and complete else None

    def write_results(
        self,
        judged: Mapping[str, Mapping[str, Evaluation]],
        deployed_actor: str,
        told: Mapping[str, Any],
    ) -> None:
        """Write what only a finished run has beside its policy, `result.json` last.

        Args:
            judged: The figures by world, `training` among them, and by who acts.
            deployed_actor: Who acts when the policy is deployed.
            told: The result's other entries.
        """
        figures = {w: {name: e.to_json() for name, e in row.items()} for w, row in judged.items()}
        write_json(self.evaluation, figures)
        deployed = {
            "deployed_actor": deployed_actor,
            "deployed": figures["training"][deployed_actor],
        }
        write_json(self.result, {"format": FORMAT, **told, **deployed})

    def write_study(self, figures: Mapping[str, Any], told: Mapping[str, Any]) -> None:
        """Write what only a finished run of a study has beside its network, `result.json` last.

        Args:
            figures: All of them, by what was judged.
            told: The result's entries.
        """
        write_json(self.evaluation, dict(figures))
        write_json(self.result, {"format": FORMAT, **told})

    @property
    def results(self) -> list[Path]:
        """What only a finished run has, `result` first, and the pictures of it."""
        films = (f"rollouts{kind}{end}" for kind in ("", "_side_by_side") for end in FILM_ENDINGS)
        pictures = (*films, "rollouts_contact_sheet.png", "policy_field.png", "learning_curve.png")
        drawn = [self.path / name for name in pictures]
        tables = [picture.with_suffix(".csv") for picture in drawn]
        finished = [self.result, self.policy, self.model, self.evaluation, self.explorer]
        return [*finished, *drawn, *dict.fromkeys(tables)]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other trainers out.

        Raises:
            InputError: Another process trains in this folder.
        """
        writable_folder(self.path)
        words = "Wait for it, or give another folder."
        refusal = f"Another process is training in {self.path}. {words}"
        with held(self.path / "lock", 0, refusal):
            remove_partial(self.path)
            yield

    def wait_until_free(self, seconds: float) -> None:
        """Wait for a trainer that is about to end, if there is one, for at most so long."""
        if self.path.is_dir():
            with suppress(Timeout), FileLock(self.path / "lock", timeout=seconds):
                pass

    def refuse_name(self) -> None:
        """Refuse a path that the policy's file could be written under but not opened.

        Raises:
            InputError: It is no text in UTF-8.
        """
        try:
            str(self.path).encode()
        except UnicodeEncodeError:
            raise InputError(
                f"The folder's name {str(self.path)!r} is no UTF-8. Give another one."
            ) from None

    def refuse_links(self) -> None:
        """Refuse a folder in which a file of the run is a link, or something else than a file.

        Raises:
            InputError: One is: writing to it would change what lies elsewhere, or never end.
        """
        files = (*self.results, self.config, self.log, self.checkpoint, self.path / "lock")
        folders = (self.tensorboard, self.wandb, self.deployment, self.snapshots)
        odd = [path for path in files if path.is_symlink() or path.exists() > path.is_file()]
        odd += [path for path in folders if path.is_symlink() or path.exists() > path.is_dir()]
        if odd:
            kind = "a link" if odd[0].is_symlink() else "of another kind than a run has there"
            raise InputError(f"{odd[0]} is {kind}. Move it away, or give another folder.")

    def holds_other_files(self) -> bool:
        """Whether the folder holds anything but a run."""
        if self.config.exists() or not self.path.is_dir():
            return False
        return any(p.name != "lock" and p.suffix != ".partial" for p in self.path.iterdir())

    def read_config(self) -> dict[str, Any]:
        """What `config.json` holds.

        Raises:
            InputError: The folder is no run, or the file cannot be read or is damaged.
        """
        if not self.config.is_file():
            raise InputError(
                f"{self.path} is no run: it has no {self.config.name}. Give the folder that "
                "`routed-rl train --out` made."
            )
        found = read_json(self.config)
        if not isinstance(found.get("config", {}), dict):
            raise InputError(f"{self.config} is damaged. Train the run again with --overwrite.")
        return found


@contextmanager
def held(lock: Path, seconds: float, refusal: str) -> Iterator[None]:
    """Hold a lock; the operating system lets go when the process ends.

    Args:
        lock: Its file, in a folder that exists.
        seconds: How long to wait for it.
        refusal: What to say where another process holds it.

    Raises:
        InputError: Another process does.
    """
    try:
        with FileLock(lock, timeout=seconds):
            yield
    except Timeout:
        raise InputError(refusal) from None


def remove_partial(folder: Path) -> None:
    """Remove what killed processes left half-written in a folder that nobody else writes to."""
    for path in folder.glob(".*.partial"):
        path.unlink(missing_ok=True)


def read_disposable(path: Path) -> dict[str, Any]:
    """The object in a JSON file that nothing depends on; an empty one if it cannot be read."""
    try:
        return read_json(path)
    except InputError:
        return {}


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        InputError: The file is missing, broken, or holds something else.
    """
    if path.exists() and not path.is_file():
        raise InputError(f"{path} is no file. Move it away to go on.")
    try:
        value = parsed(json.loads, path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as JSON: {error}.") from None
    if not isinstance(value, dict):
        raise InputError(f"{path} holds no JSON object.")
    return value
