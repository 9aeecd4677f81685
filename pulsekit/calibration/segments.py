"""Propagate a two-qubit gate by its parts: what is fixed, and its tones.

The single-qubit pulses of a cx are evolved once, its tones once per lane. An
echo plays its tone twice, the second time with another phase. In the frame
of the tone's carrier the pair conserves the excitation number N but for the
drive, so a tone that starts later and is turned by phi does

    U' = D(t' + T) E D(t + T)^dag U D(t) E^dag D(t')^dag,    E = exp(-i phi N),
    D(t) = exp(i (w_frame . n - w_tone N) t)

in the interaction frame, and need not be evolved again.
"""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import numpy as np

from ..device import Device
from ..program import Batch, Op, Program
from ..simulator import Model, default_los
from ..units import TWO_PI
from .mirror import virtual_z
from .propagate import bind, pending_phases, unitaries
from .templates import CrossTemplate
from .tones import ToneShape, grouping, tone_propagators, tone_shape

__all__ = ["CrossPropagator", "Known"]

TOLERANCE = 1e-7  # of a population, per part


class _Part(NamedTuple):
    start: int  # samples
    stop: int
    tone: bool
    like: int  # index of an earlier part with the same tone, or its own
    turn: float  # rad, phase against that part


Known = Dict[Tuple[Any, ...], np.ndarray]  # by what a part plays


class CrossPropagator:
    """Propagators of one two-qubit gate as a function of its tones' factors."""

    def __init__(
        self,
        device: Device,
        model: Model,
        template: CrossTemplate,
        *,
        exact: bool = True,
        known: Optional[Known] = None,
    ) -> None:
        """Evolve the fixed parts.

        Args:
            device: gives the LO frequencies.
            model: (control, target) of the tone.
            template: the gate.
            exact: step through a tone's edges sample by sample; else several
                samples of a slow edge at a time.
            known: propagators of fixed parts, which gates of one model share.
        """
        self.device, self.model, self.program = device, model, template.free()
        self.template, self.exact = template, exact
        self.w_tone = TWO_PI * float(default_los(device, 1).of(template.channel)[0])
        self.parts = _parts(template)
        self.shapes = {k: self._shape(p) for k, p in enumerate(self.parts) if p.tone and p.like == k}
        self.phases = virtual_z(model.levels, pending_phases(template.program, model.qubits))
        nothing = np.zeros((1, 4))
        known = {} if known is None else known
        fixed = {}
        for k, part in enumerate(self.parts):
            if part.tone:
                continue
            key = _key(template.program, part)
            if key not in known:
                known[key] = self._evolved(nothing, part)[0]
            fixed[k] = known[key]
        tones = [k for k, p in enumerate(self.parts) if p.tone]
        self.inner = range(tones[0], tones[-1] + 1)
        self.fixed = {k: fixed[k] for k in fixed if k in self.inner}
        self.first = self._product(fixed, range(tones[0]))
        self.last = self._product(fixed, range(tones[-1] + 1, len(self.parts)))

    @property
    def coarse(self) -> bool:
        """Whether ``exact`` makes a difference."""
        return any(shape is not None and grouping(shape.envelope) > 1 for shape in self.shapes.values())

    def _product(self, fixed: Dict[int, np.ndarray], members: range) -> np.ndarray:
        out = np.eye(self.model.dim, dtype=np.complex128)
        for k in members:
            out = fixed[k] @ out
        return out

    def __call__(self, tone: np.ndarray, cancel: np.ndarray, shifts: np.ndarray) -> np.ndarray:
        """Return propagators for complex factors and phase shifts.

        Args:
            tone, cancel: complex128[lanes].
            shifts: float64[lanes, 3], rad: of the target's frame where the
                first tone starts, of the control's and of the target's where
                the last one ends.

        Returns:
            complex128[lanes, dim, dim], dressed interaction frame, virtual Z
            of template and shifts included, physical.
        """
        before, control, after = np.moveaxis(np.asarray(shifts, dtype=float), -1, 0)
        turned = control[:, None] * self.model.labels[:, 0] + (before + after)[:, None] * self.model.labels[:, 1]
        core = np.exp(1j * turned)[:, :, None] * self.core(tone, cancel, before)
        return self.phases[:, None] * (self.last @ core @ self.first)

    def core(self, tone: np.ndarray, cancel: np.ndarray, before: np.ndarray) -> np.ndarray:
        """Return what happens from the first tone to the last, complex128[lanes, dim, dim].

        A phase shift of the target's frame before turns the tones,
        exp(-i phi N) (they drive the control at the target's LO), and pulses
        of the target between them, exp(-i phi n_target) up to J over the
        detuning.
        """
        theta = np.stack([np.abs(tone), np.angle(tone), np.abs(cancel), np.angle(cancel)], axis=1)
        different, lane = np.unique(theta, axis=0, return_inverse=True)
        target = np.exp(1j * before[:, None] * self.model.labels[:, 1])
        both = np.exp(1j * before[:, None] * self.model.excitations)
        out = np.broadcast_to(np.eye(self.model.dim, dtype=np.complex128), (len(tone), self.model.dim, self.model.dim))
        done: Dict[int, np.ndarray] = {}
        for k in self.inner:
            part = self.parts[k]
            if not part.tone:
                out = np.conj(target)[:, :, None] * self.fixed[k] * target[:, None, :] @ out
                continue
            if part.like == k:
                done[k] = self._tones(different, k)
            step = done[k] if part.like == k else self._again(done[part.like], self.parts[part.like], part)
            out = np.conj(both)[:, :, None] * step[lane.reshape(-1)] * both[:, None, :] @ out
        return out

    def _shape(self, part: _Part) -> Optional[ToneShape]:
        """Return the one shape of a part's tones; None: late lines, or more than that."""
        if any(line.delay_s for line in self.model.lines):
            return None
        unit = bind(self.program, (1.0, 0.0, 1.0, 0.0))
        return tone_shape(self.template, _played(unit, part.start, part.stop), part.start, part.stop)

    def _tones(self, theta: np.ndarray, index: int) -> np.ndarray:
        part, shape = self.parts[index], self.shapes[index]
        if shape is None:
            return self._evolved(theta, part)
        factors = theta[:, 0::2] * np.exp(1j * theta[:, 1::2])
        return tone_propagators(
            self.model,
            self.template,
            shape,
            factors,
            part.start,
            w_tone=self.w_tone,
            group=1 if self.exact else grouping(shape.envelope),
        )

    def _evolved(self, theta: np.ndarray, part: _Part) -> np.ndarray:
        lanes = len(theta)
        batch = Batch((self.program,), np.zeros(lanes, dtype=np.int32), default_los(self.device, lanes), theta)
        return unitaries(self.model, batch, start=part.start, stop=part.stop, tolerance=TOLERANCE)

    def _again(self, step: np.ndarray, first: _Part, part: _Part) -> np.ndarray:
        model = self.model
        rate = (model.frame - self.w_tone * model.excitations) * model.dt
        echo = part.turn * model.excitations
        left = np.exp(1j * (rate * (part.stop - first.stop) - echo))
        right = np.exp(-1j * (rate * (part.start - first.start) - echo))
        return left[:, None] * step * right[None, :]


def _key(program: Program, part: _Part) -> Tuple[Any, ...]:
    """Return everything that a fixed part depends on, beside the model."""
    rows = _played(program, part.start, part.stop)
    return (part.start, part.stop, *((program.channels[c], t0, samples.tobytes()) for c, t0, samples in rows))


def _parts(template: CrossTemplate) -> Tuple[_Part, ...]:
    """Cut a gate where its tones begin and end."""
    program = template.program
    events = program.events
    spans = sorted({(int(events.t0[r]), int(events.t0[r] + events.duration[r])) for r in _tone_rows(template)})
    merged: List[List[int]] = []
    for start, stop in spans:
        if merged and start < merged[-1][1]:
            merged[-1][1] = max(stop, merged[-1][1])
        else:
            merged.append([start, stop])
    parts: List[_Part] = []
    now = 0
    for start, stop in merged:
        if start > now:
            parts.append(_Part(now, start, False, len(parts), 0.0))
        like, turn = _same_as(template, parts, start, stop, len(parts))
        parts.append(_Part(start, stop, True, like, turn))
        now = stop
    if program.duration > now:
        parts.append(_Part(now, program.duration, False, len(parts), 0.0))
    return tuple(parts)


def _tone_rows(template: CrossTemplate) -> Tuple[int, ...]:
    return (*template.tones, *template.cancels)


def _same_as(template: CrossTemplate, parts: List[_Part], start: int, stop: int, index: int) -> Tuple[int, float]:
    """Return the earlier tone that this one repeats, and the phase between them."""
    own = _played(template.program, start, stop)
    for k, part in enumerate(parts):
        if not part.tone or part.like != k or part.stop - part.start != stop - start:
            continue
        other = _played(template.program, part.start, part.stop)
        if [p[:2] for p in own] != [p[:2] for p in other]:
            continue
        ratios = [_ratio(a[2], b[2]) for a, b in zip(own, other)]
        if None not in ratios and np.abs(np.array(ratios) - ratios[0]).max() < 1e-9:
            return k, float(np.angle(complex(ratios[0] or 1.0)))
    return index, 0.0


def _ratio(samples: np.ndarray, reference: np.ndarray) -> Optional[complex]:
    """Return the phase factor between two envelopes, None where there is none."""
    if samples.shape != reference.shape:
        return None
    factor = np.vdot(reference, samples) / max(float(np.vdot(reference, reference).real), 1e-300)
    same = abs(abs(factor) - 1) < 1e-9 and np.allclose(samples, factor * reference, rtol=0, atol=1e-9)
    return complex(factor) if same else None


def _played(program: Program, start: int, stop: int) -> List[Tuple[int, int, np.ndarray]]:
    """Return (channel, offset, samples with amplitude and frame) of what a stretch plays."""
    out = []
    shift = np.zeros(len(program.channels))
    for event in program.events:
        if event.op == Op.SHIFT_PHASE:
            shift[event.channel] += event.value
        elif event.op == Op.PLAY and start <= event.t0 < stop:
            scale = event.value * np.exp(1j * (event.angle + shift[event.channel]))
            out.append((event.channel, event.t0 - start, scale * program.pulses[event.ref].samples))
    return sorted(out, key=lambda row: row[:2])
