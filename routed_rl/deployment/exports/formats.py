"""Files that hold a steered policy and nothing else of its run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from routed_agents.files import writable, write_atomically
from routed_agents.policies.experts import keep_experts
from routed_agents.policies.policy import Policy
from routed_agents.policies.steering import steering_weights
from routed_envs.errors import InputError, unknown_name
from routed_rl.deployment.exports.graph import graph_of, onnx_bytes, torch_export_bytes
from routed_rl.deployment.exports.model_card import Training, model_card
from routed_rl.runs.run_folder import RunFolder
from routed_rl.training.policy_file import policy_bytes
from routed_rl.training.run import AnyPolicy

FORMATS: dict[str, tuple[str, Callable[[AnyPolicy], bytes]]] = {
    "safetensors": (".safetensors", lambda policy: _weights_alone(policy)),
    "onnx": (".onnx", lambda policy: onnx_bytes(graph_of(policy))),
    "torch-export": (".pt2", lambda policy: torch_export_bytes(graph_of(policy))),
}
"""Each format's files have an ending, and their content is made by a function."""


def _weights_alone(policy: AnyPolicy) -> bytes:
    """What opens with `load_policy`, or with `load_exported`."""
    if isinstance(policy, Policy):
        return policy_bytes(policy)
    from routed_agents.stable_baselines import export  # Slow to import.

    return export.policy_bytes(policy)


def deployment_folder(path: Path) -> Path:
    """Where what is made from a run or a policy file goes, unless another place is given."""
    return RunFolder(path if path.is_dir() else path.parent).deployment


def steered_alone(policy: AnyPolicy) -> AnyPolicy:
    """The same behaviour without what the steering leaves unused.

    A steered policy keeps the experts that have a weight, and no learned gate; unless it is one of
    stable-baselines3's whose gate chooses among several, as where actions cannot be mixed. An
    unsteered policy keeps everything.
    """
    weights = steering_weights(policy.steering, policy.experts)
    if weights is None:
        return policy
    named = dict(zip(policy.experts, weights, strict=True))
    kept = [name for name, weight in named.items() if weight > 0]
    if not isinstance(policy, Policy):
        from routed_agents.stable_baselines import export  # Slow to import.

        return export.keep_experts(policy, kept, keep_gate=not policy.mixes)
    network = keep_experts(policy.network, kept, keep_gate=False)
    steering = {name: named[name] for name in kept} if len(kept) > 1 else None
    return Policy(network, policy.world, steering, steering, policy.seed)


def some_experts(policy: AnyPolicy, names: Sequence[str]) -> AnyPolicy:
    """A policy that holds only the named experts, with weights of its own.

    Raises:
        InputError: No name, a repeated one, or one that is no expert.
    """
    if isinstance(policy, Policy):
        return policy.with_experts(*names)
    from routed_agents.stable_baselines import export  # Slow to import.

    return export.keep_experts(policy, names)


def export_policy(
    policy: AnyPolicy,
    path: str | Path,
    form: str | None = None,
    *,
    run: str | Path | None = None,
) -> Path:
    """Write the policy as it is steered, without the other experts' and the gate's weights.

    Beside it goes a model card, the file's name with `.md` behind it.

    - `safetensors` is a policy file, for `load_policy`, or for `load_exported` if it is one of
      stable-baselines3's; opening it runs no code.
    - `onnx` runs wherever ONNX does, and needs the extra `export` to be written. It maps
      `observations`, int8 [B, *observation_shape], to `probabilities`, float32 [B, A], for any B.
      Of a policy of stable-baselines3 the observations are those of its space, the parts of a
      dictionary an input each, and `Box` actions have `means` and `deviations`, float32 [B, A].
    - `torch-export` is the same for `torch.export.load`, which PyTorch asks to use on files from
      sources that you trust.

    Args:
        policy: As it shall act; unsteered, all of its experts and its gate are in the file. Such
            as `load_run(path).policy.steer("diamond")`.
        path: The file; its folder is made.
        form: One of `FORMATS`; from the file's ending if None.
        run: The folder of the run that trained it, from which the card says how, what it was told,
            and what figures it has.

    Returns:
        The file.

    Raises:
        InputError: No such format, another ending than the format's, a file that cannot be written,
            or a missing package; nothing was written.
    """
    if not hasattr(policy, "gate_weights"):
        raise InputError(
            f"policy={type(policy).__name__}: give a Policy, from load_policy or load_run, or the "
            "policy of a RoutedPPO or RoutedA2C."
        )
    path = Path(path)
    form = _format_of(path) if form is None else form
    if form not in FORMATS:
        raise unknown_name("format", form, FORMATS)
    ending, content = FORMATS[form]
    if path.suffix != ending:
        raise InputError(f"{path}: a policy in the format {form} has a name that ends in {ending}.")
    alone = steered_alone(policy)
    made = content(alone)
    write_atomically(writable(path), made)
    training = Training.of(None if run is None else Path(run))
    card = model_card(policy, alone, path, form, training)
    write_atomically(card_of(path), card.encode())
    return path


def card_of(file: Path) -> Path:
    """Where the model card of an exported policy is."""
    return file.with_name(f"{file.name}.md")


def _format_of(path: Path) -> str:
    for form, (ending, _) in FORMATS.items():
        if path.suffix == ending:
            return form
    known = ", ".join(f"{ending} ({form})" for form, (ending, _) in FORMATS.items())
    raise InputError(f"{path}: give a name that ends in one of {known}.")
