"""Solve and judge pulses on a device's model."""

from .collisions import Collision, collisions, coupling_graph, pair_collisions
from .fidelity import average_fidelity, block_of, leakage_of
from .fits import Fit, fit_rabi, fit_resonance, project_iq
from .gates import GateReport, gate_fidelity, gate_propagator, gate_table
from .ideal import ideal_unitary
from .mirror import logical, virtual_z
from .rates import cr_rates
from .tune import tune

__all__ = [
    "Collision",
    "Fit",
    "GateReport",
    "average_fidelity",
    "block_of",
    "collisions",
    "coupling_graph",
    "cr_rates",
    "fit_rabi",
    "fit_resonance",
    "gate_fidelity",
    "gate_propagator",
    "gate_table",
    "ideal_unitary",
    "leakage_of",
    "logical",
    "pair_collisions",
    "project_iq",
    "tune",
    "virtual_z",
]
