"""Evolve the states that programs make: frames, methods, clusters."""

from .clusters import Cluster, plan_clusters, restricted
from .cost import Plan
from .evolve import evolve
from .executors import simulate_with
from .initial import initial_states
from .los import control_los, default_los
from .methods import METHODS
from .model import ExtraTerm, Line, Model
from .outcome import ClusterOutcome, Outcome
from .simulate import simulate

__all__ = [
    "METHODS",
    "Cluster",
    "ClusterOutcome",
    "ExtraTerm",
    "Line",
    "Model",
    "Outcome",
    "Plan",
    "control_los",
    "default_los",
    "evolve",
    "initial_states",
    "plan_clusters",
    "restricted",
    "simulate",
    "simulate_with",
]
