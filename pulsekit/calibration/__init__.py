"""Solve and judge pulses on a device's model."""

from .collisions import Collision, collisions, coupling_graph, nearest_collision, pair_collisions
from .dispersive import DispersiveCheck, dispersive_check, dispersive_table
from .fidelity import average_fidelity, block_of, leakage_of
from .fits import Fit, fit_rabi, fit_resonance, project_iq
from .gates import GateReport, gate_fidelity, gate_propagator, gate_table, spectator_fidelity
from .ideal import ideal_unitary
from .mirror import logical, virtual_z
from .miscalibrate import miscalibrated
from .rates import cr_rates
from .spectrum import Spectrum, dressed_spectrum, static_zz, zz_table
from .stark import stark_shift
from .tune import tune

__all__ = [
    "Collision",
    "DispersiveCheck",
    "Fit",
    "GateReport",
    "Spectrum",
    "average_fidelity",
    "block_of",
    "collisions",
    "coupling_graph",
    "cr_rates",
    "dispersive_check",
    "dispersive_table",
    "dressed_spectrum",
    "fit_rabi",
    "fit_resonance",
    "gate_fidelity",
    "gate_propagator",
    "gate_table",
    "ideal_unitary",
    "leakage_of",
    "logical",
    "miscalibrated",
    "nearest_collision",
    "pair_collisions",
    "project_iq",
    "spectator_fidelity",
    "stark_shift",
    "static_zz",
    "tune",
    "virtual_z",
    "zz_table",
]
