from .find_method import get_method
from .grouping import group_experts
from .known_methods import METHODS
from .methods import BestOverseen, Method, Row, Steering
from .mixture import Mixture, Routes
from .networks import NetworkSettings, RoutedPolicyNetwork
from .policy import Policy
from .relabelling import RewardModel, ShuffledLabels
from .rollout import Rollout
from .routing import route, route_parameters
from .stable_baselines.algorithms import RoutedA2C, RoutedPPO
from .stable_baselines.entropy import EntropySchedule
from .stable_baselines.export import load_exported
from .stable_baselines.policy import RoutedActorCriticPolicy
from .stable_baselines.settings import RoutingSettings

__all__ = [
    "METHODS",
    "BestOverseen",
    "EntropySchedule",
    "Method",
    "Mixture",
    "NetworkSettings",
    "Policy",
    "RewardModel",
    "Rollout",
    "RoutedA2C",
    "RoutedActorCriticPolicy",
    "RoutedPPO",
    "RoutedPolicyNetwork",
    "Routes",
    "RoutingSettings",
    "Row",
    "ShuffledLabels",
    "Steering",
    "get_method",
    "group_experts",
    "load_exported",
    "route",
    "route_parameters",
]
