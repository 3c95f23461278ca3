"""What an explorer shows: policies of the gridworld, each with the stages of its training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from routed_agents.policies.policy import Policy
from routed_envs.errors import InputError, unknown_name
from routed_envs.gridworld.world import DiamondGhostWorld
from routed_rl.runs.run_folder import RunFolder, read_json
from routed_rl.runs.snapshots import list_snapshots
from routed_rl.training.policy_file import load_policy


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
class Source:
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
    world: DiamondGhostWorld
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
            f"{type(given).__name__}: the explorer shows policies of the diamond-and-ghost "
            "gridworld. Give a run's folder, a policy file, or the Policy that load_policy or "
            "train gives; routed_rl.evaluate_env judges models of stable-baselines3."
        )


def read_source(given: str | Path | Policy, number: int) -> Source:
    """A policy with everything the page says of it.

    Args:
        given: A run's folder, a policy file, or a policy.
        number: Its place among the policies of the page, which names one in memory.

    Raises:
        InputError: There is no finished policy, a file is damaged, or the policy lives in another
            world than the gridworld.
    """
    if isinstance(given, Policy):
        name = "policy" if number == 0 else f"policy {number + 1}"
        return Source(name, "", _gridworld(given, name), given, (Stage(None, given),))
    path = Path(given)
    policy = load_policy(path)
    world, folder = _gridworld(policy, str(path)), RunFolder(path)
    if not path.is_dir() or not folder.config.is_file():
        return Source(path.stem, "", world, policy, (Stage(None, policy),), path)
    earlier = (Stage(update, file) for update, file in list_snapshots(folder).items())
    method, update = _training(folder)
    facts = f"{method}, oversight {world.oversight:g}"
    stages = (*earlier, Stage(update, policy))
    return Source(path.resolve().name, facts, world, policy, stages, path)


def check_together(sources: Sequence[Source]) -> None:
    """Refuse policies that cannot share a board.

    Raises:
        InputError: There is none, there are more than two, or their grids differ.
    """
    if not 1 <= len(sources) <= 2:
        raise InputError(f"{len(sources)} policies were given. An explorer shows one or two.")
    first, last = sources[0], sources[-1]
    if (first.world.rows, first.world.cols) != (last.world.rows, last.world.cols):
        raise InputError(
            f"{first.name} lives in a grid of {first.world.rows} x {first.world.cols} and "
            f"{last.name} in one of {last.world.rows} x {last.world.cols}. Two policies share one "
            "board: explore each by itself."
        )


def dial_ends(policy: Policy, wanted: Sequence[str] | None) -> tuple[int, int]:
    """Between which experts the dial goes: the indices of its left and its right end.

    Args:
        policy: With any number of experts.
        wanted: The names of the left and the right end; the second and the first expert if None.
            Policies with one expert have no dial, and both ends are that expert.

    Raises:
        InputError: There is no such expert, or the two are not two.
    """
    if len(policy.experts) == 1:
        return 0, 0
    if wanted is None:
        return 1, 0
    for name in wanted:
        if name not in policy.experts:
            raise unknown_name("expert", name, policy.experts)
    if len(wanted) != 2 or wanted[0] == wanted[1]:
        raise InputError(
            f"experts={' '.join(wanted)!r}: a dial goes from one expert to another. Give two of "
            f"{', '.join(policy.experts)}."
        )
    left, right = (policy.experts.index(name) for name in wanted)
    return left, right


def _gridworld(policy: Policy, name: str) -> DiamondGhostWorld:
    """The policy's world, if the page can show it."""
    if not isinstance(policy.world, DiamondGhostWorld):
        raise InputError(
            f"The explorer shows the diamond-and-ghost gridworld; {name} lives in a "
            f"{type(policy.world).__name__}. routed_rl.evaluate judges a policy in any world."
        )
    return policy.world


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
