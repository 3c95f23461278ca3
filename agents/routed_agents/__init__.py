"""Agents: gradient routing, networks, methods, losses and steering."""

from routed_agents.find_method import get_method
from routed_agents.known_methods import METHODS
from routed_agents.methods import BestOverseen, Method, Row, Steering
from routed_agents.networks import NetworkSettings, RoutedPolicyNetwork, Routes
from routed_agents.policy import Policy
from routed_agents.relabelling import RewardModel, ShuffledLabels
from routed_agents.rollout import Rollout
from routed_agents.routing import route

__all__ = [
    "METHODS",
    "BestOverseen",
    "Method",
    "NetworkSettings",
    "Policy",
    "RewardModel",
    "Rollout",
    "RoutedPolicyNetwork",
    "Routes",
    "Row",
    "ShuffledLabels",
    "Steering",
    "get_method",
    "route",
]
