"""Refuse bad calls: one precise error each, at once, and no job behind."""

from __future__ import annotations

import time
import warnings

import numpy as np
import pytest
from qiskit import QuantumCircuit, pulse
from qiskit.circuit import Gate, Parameter
from qiskit.exceptions import QiskitError
from qiskit.pulse import AcquireChannel, ControlChannel, DriveChannel, LoConfig, MeasureChannel, MemorySlot, Schedule
from qiskit.pulse.exceptions import PulseError

from pulsekit.errors import PulsekitError

D0, M0 = DriveChannel(0), MeasureChannel(0)
A, B = Parameter("a"), Parameter("b")
NAN, INF = float("nan"), float("inf")


def plain():
    qc = QuantumCircuit(1, 1)
    qc.x(0)
    qc.measure(0, 0)
    return qc


def with_parameter():
    qc = QuantumCircuit(1, 1)
    qc.rz(A, 0)
    qc.measure(0, 0)
    return qc


def schedule(*instructions, name="s"):
    return Schedule(*instructions, name=name)


def acquire(t0=0, qubit=0, slot=0, duration=1600):
    return (t0, pulse.Acquire(duration, AcquireChannel(qubit), MemorySlot(slot)))


def drive(t0=0, qubit=0, duration=160, amp=0.1):
    return (t0, pulse.Play(pulse.Gaussian(duration, amp, duration / 4), DriveChannel(qubit)))


def conditional():
    qc = plain()
    qc.x(0).c_if(0, 1)
    return qc


def untranspiled():
    qc = QuantumCircuit(1, 1)
    qc.h(0)
    qc.measure(0, 0)
    return qc


def too_wide():
    qc = QuantumCircuit(2, 1)
    qc.x(1)
    qc.measure(1, 0)
    return qc


def in_nanoseconds():
    qc = plain()
    qc.unit = "ns"
    return qc


def opaque():
    qc = QuantumCircuit(1, 1)
    qc.append(Gate("mine", 1, []), [0])
    qc.measure(0, 0)
    return qc


CIRCUITS = [
    ("None", None, QiskitError, "circuits", None),
    ("str", "circuit", QiskitError, "circuits", None),
    ("tuple", (plain(),), QiskitError, "circuits", None),
    ("int", 3, QiskitError, "circuits", None),
    ("dict", {}, QiskitError, "circuits", None),
    ("empty list", [], ValueError, "at least one", None),
    ("list of None", [None], QiskitError, r"circuits\[0\]", None),
    ("list with a str", [plain(), "x"], QiskitError, r"circuits\[1\]", None),
    ("nested list", [[plain()]], QiskitError, r"circuits\[0\]", None),
    ("ndarray", np.zeros(2), QiskitError, "circuits", None),
    ("condition", conditional(), QiskitError, "condition", None),
    ("untranspiled gate", untranspiled(), QiskitError, "'h'", 7000),
    ("opaque gate", opaque(), QiskitError, "'mine'", 7000),
    ("too many qubits", too_wide(), QiskitError, "qubit", 1109),
    ("circuit in ns", in_nanoseconds(), QiskitError, "unit", None),
    ("unbound circuit", with_parameter(), QiskitError, r"circuits\[0\].* has a and nothing binds", None),
    ("unbound schedule", schedule((0, pulse.ShiftPhase(A, D0)), acquire()), PulseError,
     "schedule 's': .*unassigned", None),
    ("snapshot", [schedule(acquire()), schedule((0, pulse.Snapshot("a", "state")))], PulseError,
     "schedule 's': ", 8011),
    ("drive channel that is not there", schedule(drive(qubit=5), acquire()), QiskitError, "d5", 8004),
    ("acquire channel that is not there", schedule(acquire(qubit=5)), QiskitError, "a5", 8004),
    ("control channel that is not there",
     schedule((0, pulse.Play(pulse.Constant(160, 0.1), ControlChannel(4))), acquire()), QiskitError, "u4", 8004),
]  # fmt: skip

KEYWORDS = [
    ("job_name int", {"job_name": 3}, ValueError, "job_name", None),
    ("job_name list", {"job_name": ["n"]}, ValueError, "job_name", None),
    ("job_name with half a character", {"job_name": "a\ud800"}, ValueError, "whole characters", None),
    ("job_tags with half a character", {"job_tags": ["a\ud800"]}, ValueError, "job_tags", None),
    ("rep_delay beyond all floats", {"rep_delay": 10**400}, ValueError, "rep_delay", 8030),
    ("schedule_los beyond all floats", {"schedule_los": {D0: 10**400}}, PulseError, "d0", 8000),
    ("parameter_binds beyond all floats", {"parameter_binds": [{A: 10**400}]}, ValueError, "finite", None),
    ("job_name with NUL", {"job_name": "a\0"}, ValueError, "NUL", None),
    ("job_name bytes", {"job_name": b"n"}, ValueError, "job_name", None),
    ("job_share_level unknown", {"job_share_level": "world"}, ValueError, "job_share_level", 3255),
    ("job_share_level case", {"job_share_level": "Global"}, ValueError, "job_share_level", 3255),
    ("job_share_level bool", {"job_share_level": True}, ValueError, "job_share_level", 3255),
    ("job_tags str", {"job_tags": "tag"}, ValueError, "job_tags", None),
    ("job_tags tuple", {"job_tags": ("t",)}, ValueError, "job_tags", None),
    ("job_tags set", {"job_tags": {"t"}}, ValueError, "job_tags", None),
    ("job_tags of ints", {"job_tags": [1]}, ValueError, "job_tags", None),
    ("job_tags mixed", {"job_tags": ["a", None]}, ValueError, "job_tags", None),
    ("experiment_id int", {"experiment_id": 5}, ValueError, "experiment_id", None),
    ("experiment_id list", {"experiment_id": ["e"]}, ValueError, "experiment_id", None),
    ("header str", {"header": "h"}, TypeError, "header", None),
    ("header list", {"header": [1]}, TypeError, "header", None),
    ("header with int keys", {"header": {1: 2}}, TypeError, "header", None),
    ("header that no header can be", {"header": {"self": 1}}, ValueError, "header.*'self'", None),
    ("shots 0", {"shots": 0}, QiskitError, "shots", 6001),
    ("shots negative", {"shots": -5}, QiskitError, "shots", 6001),
    ("shots True", {"shots": True}, QiskitError, "shots", None),
    ("shots float", {"shots": 100.0}, QiskitError, "shots", None),
    ("shots str", {"shots": "100"}, QiskitError, "shots", None),
    ("shots nan", {"shots": NAN}, QiskitError, "shots", None),
    ("shots list", {"shots": [100]}, QiskitError, "shots", None),
    ("shots huge", {"shots": 10**12}, QiskitError, "shots", 1103),
    ("shots over max_shots", {"shots": 200_000, "limits": "device"}, QiskitError, "max_shots", 1103),
    ("memory str", {"memory": "yes"}, TypeError, "memory", None),
    ("memory int", {"memory": 1}, TypeError, "memory", None),
    ("qubit_lo_freq too short", {"qubit_lo_freq": [5e9, 5e9]}, QiskitError, "qubit_lo_freq", None),
    ("qubit_lo_freq number", {"qubit_lo_freq": 5e9}, QiskitError, "qubit_lo_freq", None),
    ("qubit_lo_freq in GHz", {"qubit_lo_freq": [5.0]}, QiskitError, "GHz", 8000),
    ("qubit_lo_freq nan", {"qubit_lo_freq": [NAN]}, QiskitError, "qubit 0", 8000),
    ("qubit_lo_freq inf", {"qubit_lo_freq": [INF]}, QiskitError, "qubit 0", 8000),
    ("qubit_lo_freq negative", {"qubit_lo_freq": [-5e9]}, QiskitError, "qubit 0", 8000),
    ("qubit_lo_freq out of range", {"qubit_lo_freq": [6e9]}, QiskitError, "qubit 0", 8000),
    ("qubit_lo_freq str in it", {"qubit_lo_freq": ["5e9"]}, QiskitError, "qubit 0", 8000),
    ("qubit_lo_freq None in it", {"qubit_lo_freq": [None]}, QiskitError, "qubit 0", 8000),
    ("qubit_lo_freq bool in it", {"qubit_lo_freq": [True]}, QiskitError, "qubit 0", 8000),
    ("qubit_lo_freq str", {"qubit_lo_freq": "5e9"}, QiskitError, "qubit_lo_freq", None),
    ("qubit_lo_freq dict", {"qubit_lo_freq": {D0: 5e9}}, QiskitError, "qubit_lo_freq", None),
    ("qubit_lo_freq set", {"qubit_lo_freq": {5e9}}, QiskitError, "qubit_lo_freq", None),
    ("qubit_lo_freq generator", {"qubit_lo_freq": (f for f in [5e9])}, QiskitError, "qubit_lo_freq", None),
    ("qubit_lo_freq of lists", {"qubit_lo_freq": [[5e9]]}, QiskitError, "qubit 0", 8000),
    ("meas_lo_freq too long", {"meas_lo_freq": [7e9, 7e9]}, QiskitError, "meas_lo_freq", None),
    ("meas_lo_freq out of range", {"meas_lo_freq": [9e9]}, QiskitError, "qubit 0", 8000),
    ("meas_lo_freq nan", {"meas_lo_freq": [NAN]}, QiskitError, "qubit 0", 8000),
    ("meas_lo_freq number", {"meas_lo_freq": 7e9}, QiskitError, "meas_lo_freq", None),
    ("meas_lo_freq complex", {"meas_lo_freq": [7e9 + 1j]}, QiskitError, "qubit 0", 8000),
    ("schedule_los number", {"schedule_los": 5e9}, PulseError, "schedule_los", None),
    ("schedule_los str", {"schedule_los": "d0"}, PulseError, "schedule_los", None),
    ("schedule_los list of numbers", {"schedule_los": [5e9]}, PulseError, "schedule_los", None),
    ("schedule_los out of range", {"schedule_los": {D0: 6e9}}, PulseError, "d0", 8000),
    ("schedule_los GHz", {"schedule_los": {D0: 5.0}}, PulseError, "GHz", 8000),
    ("schedule_los negative", {"schedule_los": {D0: -5e9}}, PulseError, "d0", 8000),
    ("schedule_los nan", {"schedule_los": [{D0: 5e9}, {D0: NAN}]}, PulseError, r"schedule_los\[1\]", 8000),
    ("schedule_los str value", {"schedule_los": {D0: "5e9"}}, PulseError, "d0", 8000),
    ("schedule_los measure out of range", {"schedule_los": {M0: 1e9}}, PulseError, "m0", 8000),
    ("schedule_los qubit index", {"schedule_los": {DriveChannel(9): 5e9}}, IndexError, "d9", 8004),
    ("schedule_los control channel", {"schedule_los": {ControlChannel(0): 5e9}}, PulseError, "u0", None),
    ("schedule_los acquire channel", {"schedule_los": {AcquireChannel(0): 7e9}}, PulseError, "a0", None),
    ("schedule_los LoConfig out of range", {"schedule_los": LoConfig({D0: 1e9})}, PulseError, "d0", 8000),
    ("schedule_los memory slot", {"schedule_los": {MemorySlot(0): 7e9}}, PulseError, "schedule_los", None),
    ("schedule_los unbound channel", {"schedule_los": {DriveChannel(A): 5e9}}, PulseError, "schedule_los", None),
    ("schedule_los str key", {"schedule_los": {"d0": 5e9}}, PulseError, "schedule_los.*but 'd0' came", None),
    ("schedule_los None value", {"schedule_los": {D0: None}}, PulseError, "d0", 8000),
    ("schedule_los bool value", {"schedule_los": {D0: True}}, PulseError, "d0", 8000),
    ("schedule_los list in list", {"schedule_los": [[{D0: 5e9}]]}, PulseError, "schedule_los", None),
    ("meas_map int", {"meas_map": 3}, ValueError, "meas_map", None),
    ("meas_map str", {"meas_map": "ab"}, ValueError, "meas_map", None),
    ("meas_map other qubit", {"meas_map": [[9]]}, QiskitError, "meas_map", None),
    ("qubit_lo_range of str", {"qubit_lo_range": [["a", "b"]]}, ValueError, "qubit_lo_range", None),
    ("qubit_lo_range too long", {"qubit_lo_range": [[4e9, 6e9]] * 2}, ValueError, "qubit_lo_range", None),
    ("meas_lo_range high before low", {"meas_lo_range": [[8e9, 6e9]]}, ValueError, "meas_lo_range.*low <= high", None),
    ("meas_lo_range nan", {"meas_lo_range": [[NAN, NAN]]}, ValueError, "meas_lo_range.*finite", None),
    ("meas_level 3", {"meas_level": 3}, QiskitError, "meas_level", 8009),
    ("meas_level -1", {"meas_level": -1}, QiskitError, "meas_level", 8009),
    ("meas_level str", {"meas_level": "1"}, QiskitError, "meas_level", 8009),
    ("meas_level float", {"meas_level": 1.0}, QiskitError, "meas_level", 8009),
    ("meas_level True", {"meas_level": True}, QiskitError, "meas_level", 8009),
    ("meas_return unknown", {"meas_return": "mean"}, ValueError, "meas_return", None),
    ("meas_return case", {"meas_return": "Single"}, ValueError, "meas_return", None),
    ("meas_return int", {"meas_return": 1}, ValueError, "meas_return", None),
    ("memory_slots 0", {"memory_slots": 0}, ValueError, "memory_slots", None),
    ("memory_slots negative", {"memory_slots": -1}, ValueError, "memory_slots", None),
    ("memory_slots float", {"memory_slots": 1.5}, TypeError, "memory_slots", None),
    ("memory_slots bool", {"memory_slots": True}, TypeError, "memory_slots", None),
    ("memory_slots huge", {"memory_slots": 10**9}, ValueError, "memory_slots", None),
    ("memory_slot_size 0", {"memory_slot_size": 0}, ValueError, "memory_slot_size", None),
    ("memory_slot_size negative", {"memory_slot_size": -3}, ValueError, "memory_slot_size", None),
    ("memory_slot_size str", {"memory_slot_size": "9"}, TypeError, "memory_slot_size", None),
    ("memory_slot_size bool", {"memory_slot_size": False}, TypeError, "memory_slot_size", None),
    ("rep_time str", {"rep_time": "1ms"}, TypeError, "rep_time", 8029),
    ("rep_time negative", {"rep_time": -1e-3}, ValueError, "rep_time", 8029),
    ("rep_time nan", {"rep_time": NAN}, ValueError, "rep_time", 8029),
    ("rep_time list", {"rep_time": [1e-3]}, TypeError, "rep_time", 8029),
    ("rep_delay negative", {"rep_delay": -1e-6}, QiskitError, "rep_delay", 8030),
    ("rep_delay in us", {"rep_delay": 250.0}, QiskitError, "microseconds", 8030),
    ("rep_delay str", {"rep_delay": "1us"}, TypeError, "rep_delay", 8030),
    ("rep_delay nan", {"rep_delay": NAN}, QiskitError, "rep_delay", 8030),
    ("rep_delay inf", {"rep_delay": INF}, QiskitError, "rep_delay", 8030),
    ("rep_delay bool", {"rep_delay": True}, TypeError, "rep_delay", 8030),
    ("init_qubits int", {"init_qubits": 0}, TypeError, "init_qubits", None),
    ("init_qubits str", {"init_qubits": "no"}, TypeError, "init_qubits", None),
    ("parameter_binds dict", {"parameter_binds": {A: 0.1}}, ValueError, "one dict per binding", None),
    ("parameter_binds of lists", {"parameter_binds": [{A: [0.1, 0.2]}]}, QiskitError, "one dict per binding", None),
    ("parameter_binds by name", {"parameter_binds": [{"a": 0.1}]}, QiskitError, "parameter_binds", None),
    ("parameter_binds nan", {"parameter_binds": [{A: NAN}]}, QiskitError, "parameter_binds", None),
    ("parameter_binds str value", {"parameter_binds": [{A: "x"}]}, QiskitError, "parameter_binds", None),
    ("parameter_binds tuple", {"parameter_binds": ({A: 0.1},)}, ValueError, "parameter_binds", None),
    ("parameter_binds of None", {"parameter_binds": [None]}, ValueError, "parameter_binds", None),
    ("parameter_binds of another circuit", {"parameter_binds": [{A: 0.1}]}, QiskitError, "a", None),
    ("use_measure_esp unsupported", {"use_measure_esp": True}, ValueError, "use_measure_esp", 8037),
    ("use_measure_esp str", {"use_measure_esp": "yes"}, TypeError, "use_measure_esp", None),
    ("use_measure_esp int", {"use_measure_esp": 0}, TypeError, "use_measure_esp", None),
    ("live_data_enabled int", {"live_data_enabled": 1}, TypeError, "live_data_enabled", None),
    ("dynamic", {"dynamic": True}, ValueError, "dynamic", None),
    ("dynamic False", {"dynamic": False}, ValueError, "dynamic", None),
    ("backend", {"backend": None}, TypeError, "backend", None),
    ("seed_simulator float", {"seed_simulator": 1.5}, TypeError, "seed_simulator", None),
    ("seed_simulator negative", {"seed_simulator": -1}, ValueError, "seed_simulator", None),
    ("frequency_scope unknown", {"frequency_scope": "pulse"}, ValueError, "frequency_scope", None),
    ("limits unknown", {"limits": "none"}, ValueError, "limits", None),
    ("spectator_bound 0", {"spectator_bound": 0.0}, ValueError, "spectator_bound", None),
    ("spectator_bound negative", {"spectator_bound": -1.0}, ValueError, "spectator_bound", None),
    ("spectator_bound str", {"spectator_bound": "0"}, TypeError, "spectator_bound", None),
    ("tolerance 0", {"tolerance": 0.0}, ValueError, "tolerance", None),
    ("tolerance below doubles", {"tolerance": 1e-15}, ValueError, "tolerance", None),
    ("tolerance nan", {"tolerance": NAN}, ValueError, "tolerance", None),
    ("tolerance 1", {"tolerance": 1.0}, ValueError, "tolerance", None),
    ("method int", {"method": 3}, TypeError, "method", None),
    ("method unknown", {"method": "magic"}, ValueError, "method", None),
    ("noise str", {"noise": "on"}, TypeError, "noise", None),
    ("memory_cap 0", {"memory_cap": 0}, ValueError, "memory_cap", None),
    ("executor int", {"executor": 4}, TypeError, "executor", None),
]  # fmt: skip

CONFLICTS = [
    ("binds on a fixed circuit beside a parametrised one",
     [with_parameter(), plain()], {"parameter_binds": [{A: 0.1}]}, QiskitError,
     r"circuit 1 .*\['a'\] are not among", None),
    ("a parameter too many", with_parameter(), {"parameter_binds": [{A: 0.1, B: 0.2}]}, QiskitError,
     r"\['b'\] are not among", None),
    ("a parameter missing in one bind", with_parameter(), {"parameter_binds": [{A: 0.1}, {}]}, QiskitError,
     r"parameter_binds\[1\]` .*\['a'\] are missing", None),
    ("binds that bind nothing", with_parameter(), {"parameter_binds": [{}]}, QiskitError,
     "has a and nothing binds", None),
    ("binds of another schedule", schedule((0, pulse.ShiftPhase(A, D0)), acquire()), {"parameter_binds": [{B: 0.1}]},
     QiskitError, "Schedule 's' .*'a'. are missing", None),
    ("binds of another parameter of that name", with_parameter(), {"parameter_binds": [{Parameter("a"): 0.1}]},
     QiskitError, "Two Parameters of one name are not the same", None),
    ("a length that is no integer", schedule((0, pulse.Play(pulse.Gaussian(160, A, B), D0)), acquire(160)),
     {"parameter_binds": [{A: 0.1, B: -3.0}]}, QiskitError, "igma", 8042),
    ("a complex angle", with_parameter(), {"parameter_binds": [{A: 0.1 + 1j}]}, QiskitError,
     "finite real number for 'a'", None),
    ("2 LO entries for 3 circuits", [plain()] * 3, {"schedule_los": [{D0: 5e9}] * 2}, QiskitError, "entry", None),
    ("2 LO entries for 2 x 2 experiments",
     [with_parameter()] * 2, {"parameter_binds": [{A: 0.1}, {A: 0.2}], "schedule_los": [{D0: 5e9}] * 2},
     QiskitError, "schedule_los", None),
    ("memory_slots below the circuit's", QuantumCircuit(1, 3), {"memory_slots": 2}, QiskitError, "memory_slots", None),
    ("too many experiments", [plain()] * 301, {"limits": "device"}, QiskitError, "max_experiments", 1102),
    ("too many sweep points", plain(), {"limits": "device", "schedule_los": [{D0: 5e9}] * 301},
     QiskitError, "max_experiments", 1102),
]  # fmt: skip

CALLS = (
    [(name, item, {}, *rest) for name, item, *rest in CIRCUITS]
    + [(name, plain(), keywords, *rest) for name, keywords, *rest in KEYWORDS]
    + [(name, item, keywords, *rest) for name, item, keywords, *rest in CONFLICTS]
)


@pytest.fixture(scope="module")
def quiet(transmon):
    """A backend whose jobs only this module makes."""
    from pulsekit.backend import Backend

    made = Backend(transmon, "memory", shots=50)
    made.run(plain()).result()
    return made


def test_there_are_at_least_100_bad_calls():
    assert len(CALLS) >= 100
    assert len({name for name, *_ in CALLS}) == len(CALLS)


@pytest.mark.parametrize("name, circuits, keywords, error, words, code", CALLS, ids=[c[0] for c in CALLS])
def test_bad_call(quiet, name, circuits, keywords, error, words, code):
    before = len(quiet.jobs(limit=0))
    with warnings.catch_warnings(), pytest.raises(error, match=words) as caught:
        warnings.simplefilter("ignore")
        quiet.run(circuits, **keywords)
    assert isinstance(caught.value, PulsekitError) and isinstance(caught.value, QiskitError)
    message = str(caught.value)
    assert message.count("\n") <= 2 and len(message) < 600
    if code is not None:
        assert f"Error code: {code}." in message and caught.value.code == code
    assert len(quiet.jobs(limit=0)) == before


@pytest.mark.nightly
def test_every_bad_call_takes_less_than_50_ms(quiet):
    for name, circuits, keywords, error, *_ in CALLS:
        best = 1.0
        for _ in range(3):
            start = time.perf_counter()
            with warnings.catch_warnings(), pytest.raises(error):
                warnings.simplefilter("ignore")
                quiet.run(circuits, **keywords)
            best = min(best, time.perf_counter() - start)
        assert best < 0.05, name
