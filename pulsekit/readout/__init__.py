"""From levels to signals: resonators, kernels, discriminators, shots."""

from .acquisition import Acquisition, build_acquisition
from .assignment import Paths, chance_of_one, project
from .checks import check_acquires
from .dephasing import coherence_exponents
from .discriminators import DISCRIMINATORS, check_discriminator
from .field import Field, Tone, chi_of, solve_field
from .fit import ReadoutFit, default_acquisition, fit_all, fit_readout, predict_errors
from .jumps import free_rates, jump_rates, jump_tables
from .kernels import KERNELS, check_kernel
from .moments import cloud_moments, path_nodes
from .sampling import free_decay, pick_levels, read_shots, trace_shots, uniforms
from .streams import Purpose, Stream

__all__ = [
    "DISCRIMINATORS",
    "KERNELS",
    "Acquisition",
    "Field",
    "Paths",
    "ReadoutFit",
    "chance_of_one",
    "coherence_exponents",
    "default_acquisition",
    "fit_all",
    "fit_readout",
    "predict_errors",
    "project",
    "Purpose",
    "Stream",
    "Tone",
    "build_acquisition",
    "check_acquires",
    "check_discriminator",
    "check_kernel",
    "chi_of",
    "cloud_moments",
    "free_decay",
    "free_rates",
    "jump_rates",
    "jump_tables",
    "path_nodes",
    "pick_levels",
    "read_shots",
    "solve_field",
    "trace_shots",
    "uniforms",
]
