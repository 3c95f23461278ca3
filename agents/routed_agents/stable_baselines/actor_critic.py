"""A routed actor-critic policy for stable-baselines3."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.distributions import DiagGaussianDistribution, Distribution
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.preprocessing import get_flattened_obs_dim, preprocess_obs
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor, create_mlp
from stable_baselines3.common.type_aliases import Schedule
from torch import nn

from routed_agents import losses
from routed_agents.policies.mixture import Mixture, Routing, deal
from routed_agents.policies.networks import Gate, check_experts
from routed_agents.policies.steering import Steering, plain_steering, steering_weights
from routed_agents.routing import add_loss, route
from routed_agents.stable_baselines.buffer import RoutedObservations
from routed_agents.stable_baselines.checks import (
    PARTS,
    Part,
    check_mixed,
    check_policy_arguments,
    check_spaces,
)
from routed_agents.stable_baselines.extractor import SmallCnn, SmallCombinedExtractor
from routed_envs.errors import InputError, unknown_name

Acts = Literal["mixture", "experts"]
Arch = dict[str, list[int]]


class RoutedActorCriticPolicy(ActorCriticPolicy):
    """Experts, a gate and a value function, over one features extractor or several.

    With a single expert and no gate it is the library's own `ActorCriticPolicy`. The library's
    algorithms take it too, and then every route is open.

    Where experts act alone, each in its share of the environments, there is a value for each of
    them, and nothing has to be mixed, so the actions may be of any kind. Unsteered, such a policy
    mixes the logits of `Discrete` actions; for others the expert acts that its gate calls on, and
    steering weighs what the gate says. It learns with `RoutedPPO` and `RoutedA2C` alone.

    Args:
        observation_space: What the agent sees.
        action_space: Of any kind that the library takes; `Discrete` if several experts are mixed.
        lr_schedule: The learning rate by the progress that remains.
        net_arch: Widths of the layers, one list for all parts or ``{"pi": [64, 64], "vf": [64,
            64], "gate": [64]}``, in which `pi` is each expert's. The head that maps an expert's
            last layer to action logits is shared.
        activation_fn: Between the layers.
        experts: The experts' names.
        gate: `learned`, `even`, or `none` for a single expert.
        acts: Who acts while it learns: the `mixture`, or the `experts`, each alone.
        shared: Which parts stand on the one shared features extractor: any of `experts`, `gate`,
            `value`. A part that is left out has one of its own; the experts then one each.
        routing: `activations` or `parameters`, see `Mixture`; they differ where the experts share a
            trainable features extractor.
        **kwargs: As `ActorCriticPolicy` takes them.

    Attributes:
        mixture: The experts, the gate and the head.
        deploy: The steering with which the method that it learned by is judged.
        value_net: The value function, one output for whoever may act.

    Raises:
        InputError: A space, a part or a routing that is not supported; no expert, a repeated name,
            or a gate that does not fit.
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
        acts: Acts = "mixture",
        shared: Sequence[Part] = PARTS,
        routing: Routing = "activations",
        **kwargs: Any,
    ) -> None:
        check_spaces(observation_space, action_space)
        check_experts(experts, gate)
        if acts == "mixture" and len(experts) > 1:
            check_mixed(action_space)
        check_policy_arguments(shared, routing, kwargs)
        self.experts = tuple(experts)
        self.gate_kind: Gate = gate
        self.acts: Acts = acts
        self.shared = tuple(shared)
        self.routing: Routing = routing
        self.steering: Steering = None
        self.deploy: Steering = None
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
        arch, count = self._arch(), len(self.experts)
        latent = (arch["pi"] or [self.features_dim])[-1]
        distribution: Any = self.action_dist
        if isinstance(distribution, DiagGaussianDistribution):
            head, log_std = distribution.proba_distribution_net(latent, self.log_std_init)
            assert isinstance(head, nn.Linear), "the means of a Gaussian"
            self.log_std = nn.Parameter(log_std.detach().repeat(count, 1))
        else:
            head = distribution.proba_distribution_net(latent)
        experts = {name: self._part("experts", arch["pi"]) for name in self.experts}
        learned = self.gate_kind == "learned"
        gate = self._part("gate", arch["gate"], count - 1) if learned else None
        # With features of its own nothing lies under an expert that both kinds could tell apart.
        routing = self.routing if "experts" in self.shared else "activations"
        self.mixture = Mixture(experts, gate, head, routing)
        values = count if self.acts == "experts" else 1
        self.value_net = self._part("value", arch["vf"], values)
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

    def _inputs(self, observations: Any) -> dict[Part, Any]:
        """What each part takes: the shared features, or the observations."""
        seen = preprocess_obs(observations, self.observation_space, self.normalize_images)
        return self._parts(seen)

    def _parts(self, seen: Any) -> dict[Part, Any]:
        """What each part takes of observations that are preprocessed."""
        features = self.features_extractor(seen) if self.shared else seen
        return {part: features if part in self.shared else seen for part in PARTS}

    def flat(self, observations: Any) -> torch.Tensor:
        """Observations [B, ...] as a method's functions see them, float [B, ...].

        They are preprocessed as for the networks; of a dictionary the parts, flat and one after
        another in the order of the space.
        """
        if isinstance(self.observation_space, spaces.Dict):
            observations = {name: observations[name] for name in self.observation_space.spaces}
        seen = preprocess_obs(observations, self.observation_space, self.normalize_images)
        if isinstance(seen, torch.Tensor):
            counted = isinstance(self.observation_space, spaces.Discrete)
            return seen.flatten(1) if counted else seen
        return torch.cat([part.flatten(1).float() for part in seen.values()], 1)

    def _unflat(self, seen: torch.Tensor) -> Any:
        """What `flat` made one tensor of, as the networks take it."""
        if not isinstance(self.observation_space, spaces.Dict):
            return seen
        parts = self.observation_space.spaces
        shapes = {name: _preprocessed_shape(space) for name, space in parts.items()}
        pieces = seen.split([math.prod(shape) for shape in shapes.values()], 1)
        return {
            name: piece.unflatten(1, shape)
            for (name, shape), piece in zip(shapes.items(), pieces, strict=True)
        }

    def gate_logits(self, inputs: torch.Tensor) -> torch.Tensor:
        """The gate's logits, float [B, K], for observations [B, ...] from `flat`."""
        parts = self._parts(self._unflat(inputs.to(self.device)))
        return self.mixture.gate_logits(parts["gate"]).to(inputs.device)

    def each_log_probability(self, inputs: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
        """How likely each expert alone would have taken actions, in logarithms.

        Args:
            inputs: Observations [B, ...], from `flat`.
            actions: [B, ...], as the library keeps them.

        Returns:
            float [B, K].
        """
        if len(inputs) == 0:  # PyTorch's distributions take no empty batch.
            return inputs.new_zeros((0, len(self.experts)))
        parts, taken = self._parts(self._unflat(inputs.to(self.device))), actions.to(self.device)
        each = self.mixture.each_logits(parts["experts"])
        # Distributions share one record in the library: each is used before the next is made.
        found = [
            self._distribution(logits, torch.tensor(index)).log_prob(taken)
            for index, logits in enumerate(each.unbind(1))
        ]
        return torch.stack(found, 1).to(inputs.device)

    def _distribution(
        self,
        logits: torch.Tensor,
        actors: torch.Tensor | None,
        open_routes: torch.Tensor | None = None,
    ) -> Distribution:
        """The actions' distribution.

        Args:
            logits: [B, ...], or means.
            actors: int64 [B], whose they are, or one index for all; None for the only expert.
            open_routes: float [B, K], how much of a sample's gradient may reach each expert's
                spread; all of it if None.
        """
        distribution: Any = self.action_dist
        if not isinstance(distribution, DiagGaussianDistribution):
            return distribution.proba_distribution(action_logits=logits)
        whose = torch.tensor(0) if actors is None else actors
        own = self.log_std[whose.expand(len(logits))]
        if open_routes is not None:
            own = route(own, open_routes.gather(1, whose.expand(len(logits)).unsqueeze(1))[:, 0])
        return distribution.proba_distribution(logits, own)

    def _acting(self, inputs: dict[Part, Any], actors: torch.Tensor | None = None) -> Distribution:
        """The actions' distribution: of the experts that act, or if None under the steering."""
        if actors is None and not self.mixes:
            actors = self._called_on(inputs)
        if actors is not None:
            return self._distribution(self.mixture.own_logits(inputs["experts"], actors), actors)
        return self._distribution(self._mixed_logits(inputs), None)

    def _mixed_logits(self, inputs: dict[Part, Any]) -> torch.Tensor:
        """The logits, or means, of experts that are weighed by the gate or the steering."""
        if self._weights is None:
            return self.mixture(inputs["experts"], None, inputs["gate"])[0]
        return self.mixture.steered_logits(inputs["experts"], self._weights)

    @property
    def mixes(self) -> bool:
        """Whether several experts can be weighed against each other, or there is only one."""
        return len(self.experts) == 1 or isinstance(self.action_space, spaces.Discrete)

    def _called_on(self, inputs: dict[Part, Any]) -> torch.Tensor:
        """The expert that acts where nothing is mixed, int64 [B]: the gate's, as it is steered."""
        gate = self.mixture.gate_logits(inputs["gate"]).log_softmax(1)
        if self._weights is not None:
            gate = gate + torch.tensor(self._weights, device=gate.device).log()
        return gate.argmax(1)

    def _dealt(self, count: int) -> torch.Tensor | None:
        """The expert that acts in each of some environments, int64 [N]; None for the mixture."""
        if self.acts == "mixture":
            return None
        return deal(count, len(self.experts), self.device)

    def _values(self, inputs: dict[Part, Any], actors: torch.Tensor | None) -> torch.Tensor:
        """The values to whoever acts, float [B, 1]."""
        values = self.value_net(inputs["value"])
        return values if actors is None else values.gather(1, actors.unsqueeze(1))

    def forward(
        self, obs: torch.Tensor, deterministic: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Act in every environment, as the library does while it collects.

        Args:
            obs: Observations of all N environments, in their order.
            deterministic: Take the likeliest actions.

        Returns:
            Actions [N, ...], values [N, 1] and the actions' log probabilities [N].
        """
        inputs, actors = self._inputs(obs), self._dealt(_count(obs))
        distribution = self._acting(inputs, actors)
        actions = distribution.get_actions(deterministic=deterministic)
        log_prob = distribution.log_prob(actions)
        shape: Any = self.action_space.shape
        return actions.reshape(-1, *shape), self._values(inputs, actors), log_prob

    def evaluate_actions(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, obs: torch.Tensor | RoutedObservations, actions: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Values [B, 1], log probabilities [B] and entropies [B], for the library's loss.

        Args:
            obs: Observations; or what `RoutedRolloutBuffer` hands out, whose routes then limit what
                the loss teaches: each sample's gradient is weighted, and the gate's own loss is
                added to whatever the library computes.
            actions: [B, ...].
        """
        if not isinstance(obs, RoutedObservations):
            if self.acts == "experts":
                raise InputError(
                    "A policy whose experts act alone learns with RoutedPPO or RoutedA2C, which "
                    "know who acted."
                )
            inputs = self._inputs(obs)
            distribution, values = self._acting(inputs), self._values(inputs, None)
            return values, distribution.log_prob(actions), distribution.entropy()
        inputs, lesson = self._inputs(obs.observations), obs.lesson
        if obs.actors is None:
            logits, gate_logits = self.mixture(inputs["experts"], lesson.routes, inputs["gate"])
        else:
            logits = self.mixture.own_logits(inputs["experts"], obs.actors, lesson.routes)
            gate_logits = self.mixture.gate_logits(inputs["gate"]) if obs.gate is None else None
        distribution = self._distribution(logits, obs.actors, lesson.routes.experts)
        values = self._values(inputs, obs.actors)
        log_prob, entropy = distribution.log_prob(actions), distribution.entropy()
        assert entropy is not None, "only squashed actions have none, which are refused"
        gate_loss = self._gate_loss(obs, gate_logits)
        log_prob = add_loss(route(log_prob, lesson.weights), obs.gate_coefficient * gate_loss)
        return route(values, lesson.weights), log_prob, route(entropy, lesson.weights)

    def _gate_loss(
        self, taught: RoutedObservations, gate_logits: torch.Tensor | None
    ) -> torch.Tensor:
        """The gate's own loss: over what it remembers, if it does, or over the samples."""
        if taught.gate is not None:
            logits, targets = self.gate_logits(taught.gate.observations), taught.gate.targets
            return losses.gate_loss(logits, targets, torch.ones_like(targets))
        assert gate_logits is not None, "made where nothing is remembered"
        return losses.gate_loss(gate_logits, taught.lesson.targets, taught.lesson.has_target)

    def get_distribution(self, obs: torch.Tensor) -> Distribution:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The actions' distribution under the present steering."""
        return self._acting(self._inputs(obs))

    def predict_values(self, obs: torch.Tensor) -> torch.Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The values of observations of all N environments, in their order, float [N, 1]."""
        return self._values(self._inputs(obs), self._dealt(_count(obs)))

    def values_of(self, obs: Any, actors: torch.Tensor) -> torch.Tensor:
        """The values of observations [B, ...] to experts int64 [B], float [B, 1]."""
        return self._values(self._inputs(obs), actors)

    def steer(self, steering: Steering) -> RoutedActorCriticPolicy:
        """A policy with the same weights and another steering, for `predict`.

        Args:
            steering: An expert's name, a weight for each expert, with two experts the first one's
                weight, or None for the learned gate.

        Raises:
            InputError: There is no such expert, or the weights are not 0 to 1 with sum 1.
        """
        weights = steering_weights(steering, self.experts)
        steered = copy.copy(self)
        steered.steering, steered._weights = plain_steering(steering), weights
        return steered

    @torch.no_grad()
    def action_probabilities(self, observations: Any) -> torch.Tensor:
        """How likely each action is, so that `routed_rl.evaluate` can judge the policy.

        Args:
            observations: [B, ...], as the environment shows them, pictures channels first; or a
                dictionary of such.

        Returns:
            float32 [B, A].

        Raises:
            InputError: The actions are not `Discrete`.
        """
        if not isinstance(self.action_space, spaces.Discrete):
            raise InputError(
                f"The actions are {self.action_space}, which cannot be listed with a probability "
                "each. Judge the policy with routed_rl.evaluate_env."
            )
        distribution: Any = self._acting(self._inputs(self._on_device(observations))).distribution
        return distribution.probs

    @torch.no_grad()
    def gate_weights(self, observations: Any) -> torch.Tensor:
        """How the policy's own gate weighs the experts, whatever the steering.

        Args:
            observations: One observation or a batch of them, as `predict` takes them; or tensors
                [B, ...], pictures channels first.

        Returns:
            float32 [B, K], in the order of `experts`; B is 1 for one observation.
        """
        parts = observations.values() if isinstance(observations, dict) else [observations]
        if all(isinstance(part, torch.Tensor) for part in parts):
            seen = self._on_device(observations)
        else:
            seen, _ = self.obs_to_tensor(observations)
        return self.mixture.gate_logits(self._inputs(seen)["gate"]).softmax(1)

    def acting(self, observations: Any) -> tuple[torch.Tensor, ...]:
        """What a program needs in order to act, as the policy is steered; it can be traced.

        Args:
            observations: Tensors [B, ...] in the policy's `observation_space`, or a dictionary of
                such.

        Returns:
            The probabilities, float32 [B, A]: of `Discrete` actions; of the choices of a
            `MultiDiscrete` action, those of its first part first; that each bit of a `MultiBinary`
            action is 1. Of `Box` actions the means and the standard deviations, each float32 [B,
            A], before the action is cut off at the space's bounds.
        """
        inputs = self._inputs(observations)
        actors = None if self.mixes else self._called_on(inputs)
        if actors is None:
            logits = self._mixed_logits(inputs)
        else:
            # Every expert is asked: which ones act is not known when this is traced.
            each = self.mixture.each_logits(inputs["experts"])
            logits = each.gather(1, actors.view(-1, 1, 1).expand(-1, 1, each.shape[2])).squeeze(1)
        if isinstance(self.action_space, spaces.Box):
            own = self.log_std[:1].expand_as(logits) if actors is None else self.log_std[actors]
            return logits, own.exp()
        if isinstance(self.action_space, spaces.MultiBinary):
            return (logits.sigmoid(),)
        if isinstance(self.action_space, spaces.MultiDiscrete):
            parts = logits.split(self.action_space.nvec.tolist(), 1)
            return (torch.cat([part.softmax(1) for part in parts], 1),)
        return (logits.softmax(1),)

    def _on_device(self, observations: Any) -> Any:
        """Arrays or tensors, or a dictionary of them, as tensors where the weights live."""
        if isinstance(observations, Mapping):
            return {name: self._on_device(part) for name, part in observations.items()}
        return torch.as_tensor(observations, device=self.device)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        """What `save` keeps of the constructor's arguments."""
        own = {"experts": self.experts, "gate": self.gate_kind, "acts": self.acts}
        own |= {"shared": self.shared, "routing": self.routing}
        return super()._get_constructor_parameters() | own


def _preprocessed_shape(space: spaces.Space) -> tuple[int, ...]:
    """The shape of one observation once it is preprocessed."""
    if isinstance(space, spaces.Discrete | spaces.MultiDiscrete):
        return (get_flattened_obs_dim(space),)
    assert space.shape is not None, "the library takes spaces with a shape"
    return space.shape


def _count(observations: Any) -> int:
    """B, of observations [B, ...] or a dictionary of such."""
    if isinstance(observations, torch.Tensor):
        return len(observations)
    return len(next(iter(observations.values())))


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


class RoutedMultiInputPolicy(RoutedActorCriticPolicy):
    """`RoutedActorCriticPolicy` on `SmallCombinedExtractor`, for dictionaries.

    Args:
        *args: As `RoutedActorCriticPolicy` takes them.
        features_extractor_class: The features extractor.
        **kwargs: As `RoutedActorCriticPolicy` takes them.
    """

    def __init__(
        self,
        *args: Any,
        features_extractor_class: type[BaseFeaturesExtractor] = SmallCombinedExtractor,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, features_extractor_class=features_extractor_class, **kwargs)
