"""What an explorer shows: policies, each with its world and the stages of its training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from routed_agents.policies.policy import Policy
from routed_envs.errors import InputError
from routed_envs.worlds import World
from routed_rl.runs.run_folder import RunFolder, read_json
from routed_rl.runs.snapshots import list_snapshots
from routed_rl.training.own_world import as_in_training
from routed_rl.training.policy_file import load_policy

WorldT = TypeVar("WorldT", bound=World[Any], covariant=True)


@dataclass(frozen=True)
class Stage:
    """A policy at one point of its training.

    Attributes:
        update: The gradient steps taken; None if nobody knows.
        kept: The policy as it was then, or its file.
    """

    update: int | None
    kept: Policy | Path

    def policy(self) -> Policy:
        """The policy, read from its file if need be.

        Raises:
            InputError: The file is damaged.
        """
        return self.kept if isinstance(self.kept, Policy) else load_policy(self.kept)


@dataclass(frozen=True)
class Source(Generic[WorldT]):
    """A policy that an explorer shows.

    Attributes:
        name: What the page calls it.
        facts: How it was trained, in a few words; may be empty.
        world: Where it lives.
        policy: The finished policy.
        stages: Of its training; the last one is the finished policy.
        path: The run's folder or the policy file; None for a policy in memory.
    """

    name: str
    facts: str
    world: WorldT
    policy: Policy
    stages: tuple[Stage, ...]
    path: Path | None = None


def check_kind(given: object) -> None:
    """Refuse what is neither a policy of ours nor the place of one, such as a whole model.

    Raises:
        InputError: It is something else.
    """
    if not isinstance(given, str | Path | Policy):
        raise InputError(
            f"{type(given).__name__}: the explorer shows policies of worlds whose states can be "
            "listed. Give a run's folder, a policy file, or the Policy that load_policy or "
            "train gives; routed_rl.evaluate_env judges models of stable-baselines3."
        )


def read_source(
    given: str | Path | Policy, number: int, world: World[Any] | None = None
) -> Source[World[Any]]:
    """A policy with everything the page says of it.

    Args:
        given: A run's folder, a policy file, or a policy.
        number: Its place among the policies of the page, which names one in memory.
        world: Where a policy lives that was trained in a world of the user's own. A run's own
            oversight takes the place of this world's.

    Raises:
        InputError: There is no finished policy, or a file is damaged.
    """
    if isinstance(given, Policy):
        name = "policy" if number == 0 else f"policy {number + 1}"
        return Source(name, "", given.world, given, (Stage(None, given),))
    path = Path(given)
    policy = load_policy(path, world=None if world is None else as_in_training(world, path))
    folder = RunFolder(path)
    if not path.is_dir() or not folder.config.is_file():
        return Source(path.stem, "", policy.world, policy, (Stage(None, policy),), path)
    earlier = (Stage(update, file) for update, file in list_snapshots(folder).items())
    method, update = _training(folder)
    facts = f"{method}, oversight {policy.world.oversight:g}"
    stages = (*earlier, Stage(update, policy))
    return Source(path.resolve().name, facts, policy.world, policy, stages, path)


def check_count(sources: Sequence[Source[World[Any]]]) -> None:
    """Refuse more policies than a page has room for.

    Raises:
        InputError: There is none, or there are more than two.
    """
    if not 1 <= len(sources) <= 2:
        raise InputError(f"{len(sources)} policies were given. An explorer shows one or two.")


def _training(folder: RunFolder) -> tuple[str, int | None]:
    """The run's method, and the gradient steps it took, as far as its files say."""
    config = folder.read_config().get("config")
    method = config.get("method") if isinstance(config, dict) else None
    result = read_json(folder.result) if folder.result.exists() else {}
    updates = result.get("updates")
    words = str(method or "unknown method")
    if result.get("belief"):
        words += " (in training each expert acted alone, the mixture never)"
    return words, updates if isinstance(updates, int) else None
