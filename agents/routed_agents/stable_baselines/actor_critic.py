"""A routed actor-critic policy for stable-baselines3."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import ArrayLike
from stable_baselines3.common.distributions import Distribution
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.preprocessing import preprocess_obs
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor, create_mlp
from stable_baselines3.common.type_aliases import Schedule
from torch import nn

from routed_agents import losses
from routed_agents.policies.mixture import Mixture, Routing
from routed_agents.policies.networks import Gate
from routed_agents.policies.steering import Steering, steering_weights
from routed_agents.routing import add_loss, route
from routed_agents.stable_baselines.buffer import RoutedObservations
from routed_agents.stable_baselines.checks import check_spaces
from routed_agents.stable_baselines.extractor import SmallCnn
from routed_envs.errors import InputError, unknown_name

Part = Literal["experts", "gate", "value"]
PARTS: tuple[Part, ...] = ("experts", "gate", "value")
Arch = dict[str, list[int]]


class RoutedActorCriticPolicy(ActorCriticPolicy):
    """Experts, a gate and a value function, over one features extractor or several.

    With a single expert and no gate it is the library's own `ActorCriticPolicy`. The library's
    algorithms take it too, and then every route is open.

    Args:
        observation_space: What the agent sees; no dictionary.
        action_space: `Discrete`.
        lr_schedule: The learning rate by the progress that remains.
        net_arch: Widths of the layers, one list for all parts or ``{"pi": [64, 64], "vf": [64,
            64], "gate": [64]}``, in which `pi` is each expert's. The head that maps an expert's
            last layer to action logits is shared.
        activation_fn: Between the layers.
        experts: The experts' names.
        gate: `learned`, `even`, or `none` for a single expert.
        shared: Which parts stand on the one shared features extractor: any of `experts`, `gate`,
            `value`. A part that is left out has one of its own; the experts then one each.
        routing: `activations` or `parameters`, see `Mixture`; they differ where the experts share a
            trainable features extractor.
        **kwargs: As `ActorCriticPolicy` takes them.

    Attributes:
        mixture: The experts, the gate and the head.
        value_net: The value function.

    Raises:
        InputError: A space, a part or a routing that is not supported.
    """

    def __init__(
        self,
        observation_space: spaces.Space,
        action_space: spaces.Space,
        lr_schedule: Schedule,
        net_arch: list[int] | Arch | None = None,
        activation_fn: type[nn.Module] = nn.Tanh,
        *,
        experts: Sequence[str] = ("policy",),
        gate: Gate = "none",
        shared: Sequence[Part] = PARTS,
        routing: Routing = "activations",
        **kwargs: Any,
    ) -> None:
        check_spaces(observation_space, action_space)
        for part in shared:
            if part not in PARTS:
                raise unknown_name("part of the policy", part, PARTS)
        if routing not in ("activations", "parameters"):
            raise unknown_name("routing", routing, ("activations", "parameters"))
        if not kwargs.pop("share_features_extractor", True):
            raise InputError(
                "share_features_extractor=False: say which parts share it instead, such as "
                "policy_kwargs={'shared': ('experts', 'gate')}."
            )
        self.expert_names = tuple(experts)
        self.gate_kind: Gate = gate
        self.shared = tuple(shared)
        self.routing: Routing = routing
        self.steering: Steering = None
        self._weights: tuple[float, ...] | None = None
        super().__init__(
            observation_space, action_space, lr_schedule, net_arch, activation_fn, **kwargs
        )

    def _build(self, lr_schedule: Schedule) -> None:
        """Make the networks and the optimizer; called by the library."""
        # These are other names of the shared extractor, which would be saved under all of them.
        del self.pi_features_extractor, self.vf_features_extractor
        if not self.shared:
            del self.features_extractor
        arch, count = self._arch(), len(self.expert_names)
        assert isinstance(self.action_space, spaces.Discrete), "checked in __init__"
        head = nn.Linear((arch["pi"] or [self.features_dim])[-1], int(self.action_space.n))
        experts = {name: self._part("experts", arch["pi"]) for name in self.expert_names}
        learned = self.gate_kind == "learned"
        gate = self._part("gate", arch["gate"], count - 1) if learned else None
        self.mixture = Mixture(experts, gate, head, self.routing)
        self.value_net = self._part("value", arch["vf"], 1)
        if self.ortho_init:
            self._initialise()
        optimizer: Any = self.optimizer_class
        self.optimizer = optimizer(self.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs)

    def _arch(self) -> Arch:
        parts, given = ("pi", "vf", "gate"), self.net_arch
        arch: dict[str, Any] = {"pi": [], "vf": []}
        arch |= given if isinstance(given, dict) else dict.fromkeys(parts, given)
        unknown = [name for name in arch if name not in parts]
        if unknown:
            raise unknown_name("part of net_arch", unknown[0], parts)
        return {"gate": arch["pi"]} | arch

    def _part(self, part: Part, widths: list[int], outputs: int = -1) -> nn.Sequential:
        """An MLP, on a features extractor of its own if the part does not share the common one."""
        own = [] if part in self.shared else [self.make_features_extractor()]
        mlp = create_mlp(self.features_dim, outputs, widths, self.activation_fn)
        return nn.Sequential(*own, *mlp)

    def _initialise(self) -> None:
        """Orthogonal weights with the library's gains; the gate starts near even."""
        self.apply(partial(self.init_weights, gain=np.sqrt(2)))
        outputs = {self.mixture.head: 0.01, self.value_net[-1]: 1.0}
        if isinstance(self.mixture.gate, nn.Sequential):
            outputs[self.mixture.gate[-1]] = 0.01
        for layer, gain in outputs.items():
            self.init_weights(layer, gain)

    def _inputs(self, observations: torch.Tensor) -> dict[Part, torch.Tensor]:
        """What each part takes: the shared features, or the observations."""
        seen = preprocess_obs(observations, self.observation_space, self.normalize_images)
        assert isinstance(seen, torch.Tensor), "dictionaries are refused in __init__"
        features = self.features_extractor(seen) if self.shared else seen
        return {part: features if part in self.shared else seen for part in PARTS}

    def _distribution(self, logits: torch.Tensor) -> Distribution:
        return self.action_dist.proba_distribution(action_logits=logits)

    def _logits(self, inputs: dict[Part, torch.Tensor]) -> torch.Tensor:
        if self._weights is None:
            return self.mixture(inputs["experts"], None, inputs["gate"])[0]
        return self.mixture.steered_logits(inputs["experts"], self._weights)

    def forward(
        self, obs: torch.Tensor, deterministic: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Act: actions [B], values [B, 1] and the actions' log probabilities [B]."""
        inputs = self._inputs(obs)
        distribution = self._distribution(self._logits(inputs))
        actions = distribution.get_actions(deterministic=deterministic)
        return actions, self.value_net(inputs["value"]), distribution.log_prob(actions)

    def evaluate_actions(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, obs: torch.Tensor | RoutedObservations, actions: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Values [B, 1], log probabilities [B] and entropies [B], for the library's loss.

        Args:
            obs: Observations; or what `RoutedRolloutBuffer` hands out, whose routes then limit what
                the loss teaches: each sample's gradient is weighted, and the gate's own loss is
                added to whatever the library computes.
            actions: int64 [B].
        """
        taught = obs if isinstance(obs, RoutedObservations) else None
        inputs = self._inputs(obs.observations if isinstance(obs, RoutedObservations) else obs)
        routes = None if taught is None else taught.lesson.routes
        logits, gate_logits = self.mixture(inputs["experts"], routes, inputs["gate"])
        distribution = self._distribution(logits)
        values = self.value_net(inputs["value"])
        log_prob, entropy = distribution.log_prob(actions), distribution.entropy()
        if taught is None:
            return values, log_prob, entropy
        assert entropy is not None, "discrete actions have an entropy"
        lesson = taught.lesson
        gate_loss = losses.gate_loss(gate_logits, lesson.targets, lesson.has_target)
        log_prob = add_loss(route(log_prob, lesson.weights), taught.gate_coefficient * gate_loss)
        return route(values, lesson.weights), log_prob, route(entropy, lesson.weights)

    def get_distribution(self, obs: torch.Tensor) -> Distribution:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The actions' distribution under the present steering."""
        return self._distribution(self._logits(self._inputs(obs)))

    def predict_values(self, obs: torch.Tensor) -> torch.Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The values of observations, float [B, 1]."""
        return self.value_net(self._inputs(obs)["value"])

    def steer(self, steering: Steering) -> RoutedActorCriticPolicy:
        """A policy with the same weights and another steering, for `predict`.

        Args:
            steering: An expert's name, a weight for each expert, with two experts the first one's
                weight, or None for the learned gate.

        Raises:
            InputError: There is no such expert, or the weights are not 0 to 1 with sum 1.
        """
        weights = steering_weights(steering, self.expert_names)
        steered = copy.copy(self)
        steered.steering, steered._weights = steering, weights
        return steered

    @torch.no_grad()
    def action_probabilities(self, observations: ArrayLike | torch.Tensor) -> torch.Tensor:
        """How likely each action is, so that `routed_rl.evaluate` can judge the policy.

        Args:
            observations: [B, ...], as the environment shows them, pictures channels first.

        Returns:
            float32 [B, A].
        """
        seen = torch.as_tensor(observations, device=self.device)
        return self._logits(self._inputs(seen)).softmax(1)

    @torch.no_grad()
    def gate_weights(self, observations: ArrayLike | torch.Tensor) -> torch.Tensor:
        """How the policy's own gate weighs the experts, whatever the steering, float32 [B, K]."""
        seen = torch.as_tensor(observations, device=self.device)
        return self.mixture.gate_logits(self._inputs(seen)["gate"]).softmax(1)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        """What `save` keeps of the constructor's arguments."""
        own = {"experts": self.expert_names, "gate": self.gate_kind}
        own |= {"shared": self.shared, "routing": self.routing}
        return super()._get_constructor_parameters() | own


class RoutedCnnPolicy(RoutedActorCriticPolicy):
    """`RoutedActorCriticPolicy` on `SmallCnn`, for pictures and grids.

    Args:
        *args: As `RoutedActorCriticPolicy` takes them.
        features_extractor_class: The features extractor.
        **kwargs: As `RoutedActorCriticPolicy` takes them.
    """

    def __init__(
        self,
        *args: Any,
        features_extractor_class: type[BaseFeaturesExtractor] = SmallCnn,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, features_extractor_class=features_extractor_class, **kwargs)
