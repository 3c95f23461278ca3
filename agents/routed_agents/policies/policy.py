"""A policy to use: it acts, shows its probabilities, and can be steered."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from routed_agents.policies.experts import keep_experts, restricted_steering
from routed_agents.policies.networks import Gate, RoutedPolicyNetwork
from routed_agents.policies.steering import Steering, plain_steering, steering_weights
from routed_agents.rollout import sample_actions
from routed_envs.errors import InputError
from routed_envs.worlds import World


class Policy:
    """A trained policy with the world it was made for.

    Args:
        network: Its weights are shared with every policy that `steer` returns.
        world: The world it was trained in.
        deploy: The steering with which the method judges the finished policy.
        steering: What overrides the gate; None leaves the choice to the gate.
        seed: Seeds the policy's own generator, from which `predict` samples.

    Attributes:
        network: The network.
        world: The world.
        deploy: The method's steering for deployment.
        steering: The present steering.
        seed: What its generator was seeded with.
    """

    def __init__(
        self,
        network: RoutedPolicyNetwork,
        world: World[Any],
        deploy: Steering = None,
        steering: Steering = None,
        seed: int = 0,
    ) -> None:
        self.network = network
        self.world = world
        self.deploy = plain_steering(deploy)
        self.steering = plain_steering(steering)
        self.seed = seed
        self._generator = torch.Generator().manual_seed(seed)
        self._weights = steering_weights(steering, self.experts)

    def __repr__(self) -> str:
        return f"Policy(experts={self.experts}, steering={self.steering!r}, world={self.world})"

    @property
    def experts(self) -> tuple[str, ...]:
        """The experts' names."""
        return self.network.settings.experts

    @property
    def gate_kind(self) -> Gate:
        """`learned`, `even` (every expert weighs the same) or `none` (there is one expert)."""
        return self.network.settings.gate

    @property
    def device(self) -> torch.device:
        """Where the weights live."""
        return self.network.head.weight.device

    def steer(self, steering: Steering) -> Policy:
        """A policy with the same weights and another steering.

        Args:
            steering: An expert's name; a weight for each expert, ``{"diamond": 0.8, "ghost":
                0.2}``; with two experts a number, the first one's weight; or None for the gate.

        Returns:
            A new policy; this one stays as it is.

        Raises:
            InputError: There is no such expert, or the weights are not 0 to 1 with sum 1.
        """
        return Policy(self.network, self.world, self.deploy, steering, self.seed)

    def with_experts(self, *names: str) -> Policy:
        """A policy that holds only the named experts, for users who may have no others.

        The gate weighs them as before, relative to each other; one expert needs no gate. The
        steering, and the method's own, are restricted to them in the same way.

        Args:
            *names: The experts to keep, in any order.

        Returns:
            A new policy with weights of its own, which `save_policy` writes like any other.

        Raises:
            InputError: No name, a repeated one, or one that is no expert.
        """
        network = keep_experts(self.network, names)
        kept = network.settings.experts
        deploy, steering = (
            restricted_steering(own, self.experts, kept) for own in (self.deploy, self.steering)
        )
        return Policy(network, self.world, deploy, steering, self.seed)

    @torch.no_grad()
    def action_probabilities(self, observations: ArrayLike | torch.Tensor) -> torch.Tensor:
        """How likely each action is.

        Args:
            observations: [B, 4, rows, cols] in the gridworld, any number type.

        Returns:
            float32 [B, 4], columns up, right, down, left in the gridworld.

        Raises:
            InputError: The observations have another shape.
        """
        return self.probabilities(self._checked(observations).float())

    @torch.no_grad()
    def probabilities(self, shown: torch.Tensor) -> torch.Tensor:
        """The same, float32 [B, A], of what a world shows, as it shows it.

        Args:
            shown: float or int8 [B, *observation_shape], or entries, int64 [B, M].
        """
        shown = shown.to(self.device)
        if self._weights is None:
            return self.network(shown)[0].softmax(1)
        return self.network.steered_logits(shown, self._weights).softmax(1)

    @torch.no_grad()
    def gate_weights(self, observations: ArrayLike | torch.Tensor) -> torch.Tensor:
        """How the policy's own gate weighs the experts, whatever the steering.

        Args:
            observations: [B, *observation_shape], or one without B, any number type.

        Returns:
            float32 [B, K], in the order of `experts`; B is 1 for one observation.
        """
        seen = torch.as_tensor(observations)
        single = seen.dim() == len(self.network.settings.observation_shape)
        seen = self._checked(seen[None] if single else seen).float()
        return self.network.gate_logits(seen).softmax(1)

    def predict(
        self,
        observation: NDArray[Any],
        state: tuple[NDArray[Any], ...] | None = None,
        episode_start: NDArray[np.bool_] | None = None,
        deterministic: bool = False,
    ) -> tuple[NDArray[np.int64], tuple[NDArray[Any], ...] | None]:
        """Choose actions, as stable-baselines3 policies do.

        Args:
            observation: One observation or a batch of them.
            state: Passed through; the policy has no memory.
            episode_start: Unused, for the same reason.
            deterministic: Take the likeliest action instead of sampling.

        Returns:
            One action or a batch of them, int64, and the state.
        """
        array = np.asarray(observation)
        single = array.ndim == len(self.network.settings.observation_shape)
        probabilities = self.action_probabilities(array[None] if single else array).cpu()
        if deterministic:
            actions = probabilities.argmax(1)
        else:
            uniform = torch.rand(len(probabilities), generator=self._generator)
            actions = sample_actions(probabilities, uniform)
        return actions.numpy()[0] if single else actions.numpy(), state

    def _checked(self, observations: ArrayLike | torch.Tensor) -> torch.Tensor:
        """The observations as a tensor on the policy's device."""
        tensor = torch.as_tensor(observations, device=self.device)
        shape = self.network.settings.observation_shape
        if tuple(tensor.shape[1:]) != shape or tensor.dim() == 0:
            raise InputError(
                f"Observations have shape {tuple(tensor.shape)}; this policy takes [B, "
                f"{', '.join(map(str, shape))}]."
            )
        return tensor
