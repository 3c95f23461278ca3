from .methods.catalogue import METHODS
from .methods.ending_model import EndingModel
from .methods.expert_groups import group_experts
from .methods.lookup import get_method
from .methods.record import BestOverseen, GateMemory, Method, Row
from .methods.relabelling import RewardModel, ShuffledLabels
from .methods.responsibilities import Belief, ModelBelief, Responsibilities, policy_belief
from .methods.routing_settings import RoutingSettings
from .parts.parts import Parts
from .parts.places import Dimensions, Heads, Units
from .parts.routes import Routes
from .parts.saving import load_ablated, save_ablated
from .parts.sharing import usage, without
from .parts.surgery import ablate, expand
from .policies.mixture import ExpertRoutes, Mixture
from .policies.networks import NetworkSettings, RoutedPolicyNetwork
from .policies.policy import Policy
from .policies.steering import Steering
from .rollout import Rollout
from .routing import route, route_parameters
from .stable_baselines.a2c_ppo import EntropySchedule, RoutedA2C, RoutedPPO
from .stable_baselines.actor_critic import RoutedActorCriticPolicy
from .stable_baselines.export import load_exported

__all__ = [
    "METHODS",
    "Belief",
    "BestOverseen",
    "Dimensions",
    "EndingModel",
    "EntropySchedule",
    "ExpertRoutes",
    "GateMemory",
    "Heads",
    "Method",
    "Mixture",
    "ModelBelief",
    "NetworkSettings",
    "Parts",
    "Policy",
    "Responsibilities",
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
    "Units",
    "ablate",
    "expand",
    "get_method",
    "group_experts",
    "load_ablated",
    "load_exported",
    "policy_belief",
    "route",
    "route_parameters",
    "save_ablated",
    "usage",
    "without",
]
