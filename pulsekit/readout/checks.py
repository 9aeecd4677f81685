"""Check acquires before anything runs."""

from __future__ import annotations

from typing import Iterable

import numpy as np

from ..device import Device
from ..errors import ReadoutError
from ..program import Op, Program
from .acquisition import record_group
from .discriminators import given_form
from .kernels import kernel_weights

__all__ = ["check_acquires"]


def check_acquires(programs: Iterable[Program], device: Device) -> None:
    """Refuse acquires that could not be read out.

    Args:
        programs: bound programs.
        device: its resonators and timing.

    Raises:
        ReadoutError: no resonator, less than a record sample, or a kernel or
            discriminator that does not exist or has bad parameters.
    """
    group = record_group(device.timing.dt, device.timing.dtm)
    for program in programs:
        events = program.events
        for row in np.flatnonzero(events.op == int(Op.ACQUIRE)).tolist():
            qubit, duration = program.channels[events.channel[row]].index, int(events.duration[row])
            t0, ref = int(events.t0[row]), int(events.ref[row])
            where, whose = f"a{qubit}@{t0}..{t0 + duration}", f"(program {program.name!r})"
            if qubit >= len(device.resonators):
                raise ReadoutError(
                    f"{where}: an acquire needs a resonator, but device {device.name!r} has none for it. {whose}"
                )
            if duration < group:
                raise ReadoutError(f"{where}: an acquire must last at least one record sample ({group} dt). {whose}")
            if ref < 0:
                continue
            spec, samples = program.acquires[ref], duration // group
            try:
                if spec.kernel is not None:
                    ones = np.ones(samples, complex)
                    kernel_weights(spec.kernel, samples, device.timing.dtm, decay_s=None, difference=ones, rate=0.0)
                given_form(spec.discriminator)
            except ReadoutError as error:
                raise ReadoutError(f"{where}: {error} {whose}") from None
