"""Agents: gradient routing, networks, methods, losses and steering."""

from routed_agents.methods import METHODS, BestOverseen, Method, Row, Steering, get_method
from routed_agents.networks import NetworkSettings, RoutedPolicyNetwork, Routes
from routed_agents.policy import Policy
from routed_agents.rollout import Rollout
from routed_agents.routing import route

__all__ = [
    "METHODS",
    "BestOverseen",
    "Method",
    "NetworkSettings",
    "Policy",
    "Rollout",
    "RoutedPolicyNetwork",
    "Routes",
    "Row",
    "Steering",
    "get_method",
    "route",
]
