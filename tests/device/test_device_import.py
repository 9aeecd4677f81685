"""Devices from the snapshots that ship with terra, and from live backends."""

from __future__ import annotations

import copy
import subprocess
import sys
import warnings

import numpy as np
import pytest

from pulsekit.device import CalibrationMap, Device, snapshots
from pulsekit.device.commands import affine
from pulsekit.device.snapshots import load_snapshot
from pulsekit.errors import DeviceError, PulsekitWarning
from pulsekit.program import Channel, Op

DEFAULT = ("ibm_perth", "ibmq_poughkeepsie", "ibm_geneva")


def load(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PulsekitWarning)
        return Device.from_snapshot(name)


def check_device(name):
    configuration, defaults, properties = load_snapshot(name)
    device = load(name)
    n = configuration["n_qubits"]
    assert device.name == configuration["backend_name"] and device.n_qubits == n
    unit = 1.0 if name == "ibmq_poughkeepsie" else 1e9
    assert np.allclose([t.frequency for t in device.transmons], np.array(defaults["qubit_freq_est"]) * unit, rtol=1e-12)
    assert all(-500e6 < t.anharmonicity < -100e6 for t in device.transmons)
    assert all(t.t1 is None or t.t2 is None or t.t2 <= 2 * t.t1 for t in device.transmons)
    assert all(1e-12 < device.timing.dt < 1e-8 for _ in range(1))
    assert all(6e9 < r.frequency < 8.5e9 for r in device.resonators)
    assert all(5e6 < d.rabi_rate < 1e9 for d in device.drives)
    assert len(device.controls) == len(configuration["u_channel_lo"])
    pairs = {frozenset(p) for p in configuration["coupling_map"] or ()}
    assert pairs <= {frozenset(c.qubits) for c in device.couplings}
    for line in device.controls:
        assert frozenset((line.qubit, line.lo[0][0])) in pairs
    for command in defaults["cmd_def"]:
        assert (command["name"], tuple(command["qubits"])) in device.calibrations
    for q in range(n):
        for extra in ("measure", "x12", "measure_esp"):
            assert device.calibrations.get(extra, (q,)) is not None, (extra, q)
        x = device.calibrations.get("x", (q,)).program
        row = int(x.rows(Op.PLAY)[0])
        area = abs(x.events.value[row] * x.pulses[x.events.ref[row]].samples.sum())
        assert 2 * device.drives[q].rabi_rate * device.timing.dt * area == pytest.approx(1, rel=1e-9)
    report = device.report()
    assert device.name in report and "Derived" in report and "Assumed" in report
    return device, configuration, properties


@pytest.mark.parametrize("name", DEFAULT)
def test_a_snapshot_becomes_a_device(name):
    check_device(name)


@pytest.mark.nightly
@pytest.mark.parametrize("name", snapshots())
def test_every_snapshot_becomes_a_device(name):
    device, _, _ = check_device(name)
    assert Device.from_json(device.to_dict()).content_hash() == device.content_hash()


def test_published_numbers_of_perth():
    device = load("ibm_perth")
    assert device.transmons[0].frequency == pytest.approx(5.157546043297998e9, rel=1e-15)
    assert device.transmons[0].anharmonicity == pytest.approx(-0.3415245174784648e9, rel=1e-9)
    assert device.transmons[0].t1 == pytest.approx(200.89953443278273e-6)
    assert device.readout[0].prob_meas0_prep1 == pytest.approx(0.0288)
    assert device.readout[0].length_s == pytest.approx(675.5555555555555e-9)
    assert device.measure_esp_enabled and device.timing.pulse_alignment == 16
    assert device.limits.rep_delay_range == (0.0, 5e-4) and device.limits.default_rep_delay == 2.5e-4
    assert device.limits.drive_lo[0] == pytest.approx((4.657546043297998e9, 5.657546043297998e9))
    strengths = {c.qubits: c.strength for c in device.couplings}
    assert strengths[(4, 5)] == pytest.approx(0.019157791111464737e9 / (2 * np.pi))
    # u0 drives qubit 0 at the LO of qubit 1, u7 drives qubit 4 at the LO of 5
    assert [(device.controls[u].qubit, device.controls[u].lo) for u in (0, 7)] == [(0, ((1, 1),)), (4, ((5, 1),))]
    published = 1.17768084688185e9 / (2 * np.pi)
    assert published / device.drives[0].rabi_rate == pytest.approx(1.1558, abs=1e-4)
    assert device.content_hash() == load("perth").content_hash() == load("FakePerthV2").content_hash()


def test_derived_couplings_are_named():
    device = load("ibm_perth")
    notes = {n.quantity: n for n in device.provenance.notes}
    strengths = {c.qubits: c.strength for c in device.couplings}
    for pair in ((0, 1), (1, 3)):
        assert notes[f"couplings[{pair[0]},{pair[1]}].strength"].kind == "derived"
        assert 1e6 < strengths[pair] < 6e6
    assert notes["couplings[4,5].strength"].kind == "published"


def test_the_most_demanding_gate_of_a_pair_decides_its_coupling():
    """On ibm_geneva, cx(12, 10) is shorter than cx(10, 12), and plays on another channel."""
    strengths = {c.qubits: c.strength for c in load("ibm_geneva").couplings}
    assert strengths[(10, 12)] == pytest.approx(2.172e6, rel=1e-3)
    # by hand: |mu| = J R / |D| |a / (a + D)| turns a quarter in the tones' area
    device = load("ibm_geneva")
    line = next(c for c in device.controls if c.qubit == 12 and c.lo[0][0] == 10)
    program = device.calibrations.get("cx", (12, 10)).program
    row = program.channel_id(Channel("u", device.controls.index(line)))
    area = sum(
        abs(e.value * program.pulses[e.ref].samples.sum()) * device.timing.dt
        for e in program.events
        if e.op == Op.PLAY and e.channel == row
    )
    detuning = device.transmons[12].frequency - device.transmons[10].frequency
    alpha = device.transmons[12].anharmonicity
    rate = strengths[(10, 12)] * line.rabi_rate / abs(detuning) * abs(alpha / (alpha + detuning))
    assert rate * area == pytest.approx(0.25, rel=1e-9)


def test_traps_of_the_files():
    poughkeepsie, geneva = load("ibmq_poughkeepsie"), load("ibm_geneva")
    assert poughkeepsie.timing.dt == pytest.approx(3.5555555555555554e-9)
    assert poughkeepsie.timing.granularity == 1
    assert poughkeepsie.limits.rep_times == (0.001,)
    assert poughkeepsie.resonators[0].frequency == pytest.approx(7.02304866e9)  # meas_freq_est repeats the qubits'
    for device in (poughkeepsie, geneva):
        derived = [n for n in device.provenance.notes if n.quantity.endswith("anharmonicity") and n.kind == "derived"]
        assert len(derived) == device.n_qubits
        assert all(0.4e6 < c.strength < 6e6 for c in device.couplings)
    assert load("ibm_oslo").n_qubits == 7  # says open_pulse false
    with pytest.warns(PulsekitWarning, match="qubit 6 exceeds 2 T1"):
        oslo = Device.from_snapshot("ibm_oslo")
    assert oslo.transmons[6].t2 == 2 * oslo.transmons[6].t1
    assert any(n.kind == "clipped" and n.quantity == "transmons[6].t2" for n in oslo.provenance.notes)


@pytest.mark.parametrize("name", ["ibm_perth", "ibmq_boeblingen"])
def test_commands_are_what_terra_reads(name):
    """Sample by sample against terra's own converter."""
    from qiskit.providers.models import PulseDefaults
    from qiskit.pulse import Acquire, Play, ShiftPhase, Waveform
    from qiskit.pulse.library import SymbolicPulse
    from qiskit.qobj.converters.pulse_instruction import QobjToInstructionConverter  # noqa: F401

    _, defaults, _ = load_snapshot(name)
    device = load(name)

    def decoded(value, key=""):
        if isinstance(value, dict):
            return {k: decoded(v, k) for k, v in value.items()}
        if isinstance(value, list):
            if key == "amp":
                return complex(*value)
            return [complex(*v) for v in value] if key == "samples" else [decoded(v, key) for v in value]
        return value

    terra = PulseDefaults.from_dict(decoded(defaults)).instruction_schedule_map
    kinds = {"DriveChannel": "d", "ControlChannel": "u", "MeasureChannel": "m", "AcquireChannel": "a"}
    for calibration in device.calibrations:
        if calibration.source != "vendor":
            continue
        arguments = (
            {p: 0.3 + k for k, p in enumerate(calibration.program.parameters.names)}
            if (calibration.program.parameters)
            else {}
        )
        schedule = terra.get(calibration.name, calibration.qubits, **arguments)
        program = calibration.program
        assert schedule.duration == program.duration
        value = program.events.value.copy()
        if program.parameters:
            theta = np.array([arguments[p] for p in program.parameters.names])
            np.add.at(
                value, program.parameters.row, program.parameters.coefficient * theta[program.parameters.parameter]
            )
        expected = {}
        for t0, instruction in schedule.instructions:
            channel = f"{kinds[type(instruction.channel).__name__]}{instruction.channel.index}"
            expected.setdefault((t0, channel, type(instruction).__name__), []).append(instruction)
        seen = 0
        for row, event in enumerate(program.events):
            channel = program.channels[event.channel].name
            kind = {Op.PLAY: "Play", Op.SHIFT_PHASE: "ShiftPhase", Op.DELAY: "Delay", Op.ACQUIRE: "Acquire"}[event.op]
            instruction = expected[(event.t0, channel, kind)].pop(0)
            seen += 1
            if isinstance(instruction, Play):
                pulse = instruction.pulse
                samples = (pulse.get_waveform() if isinstance(pulse, SymbolicPulse) else pulse).samples
                ours = event.value * np.exp(1j * event.angle) * program.pulses[event.ref].samples
                assert isinstance(pulse, (SymbolicPulse, Waveform))
                assert np.abs(ours - samples).max() < 1e-12
                assert event.label < 0 or program.labels[event.label] == pulse.name
            elif isinstance(instruction, ShiftPhase):
                assert float(instruction.phase) == pytest.approx(value[row], abs=1e-15)
            elif isinstance(instruction, Acquire):
                assert (instruction.mem_slot.index, instruction.duration) == (event.slot, event.duration)
            else:
                assert instruction.duration == event.duration
        assert seen == len(schedule.instructions)


def test_esp_parts_compensate_the_carrier():
    device = load("ibm_perth")
    for q in range(device.n_qubits):
        x12 = device.calibrations.get("x12", (q,)).program
        alpha = device.transmons[q].anharmonicity
        events = list(x12.events)
        assert [e.op for e in events] == [Op.SHIFT_FREQUENCY, Op.PLAY, Op.SHIFT_FREQUENCY, Op.SHIFT_PHASE]
        assert (events[0].value, events[2].value) == (alpha, -alpha)
        gathered = 2 * np.pi * alpha * x12.duration * device.timing.dt
        assert np.exp(1j * (gathered + events[3].value)) == pytest.approx(1, abs=1e-9)
        x = device.calibrations.get("x", (q,)).program
        assert events[1].value == pytest.approx(x.events.value[0] / np.sqrt(2))
        esp = device.calibrations.get("measure_esp", (q,)).program
        stimulus = [e for e in esp.events if e.op == Op.PLAY and esp.channels[e.channel] == Channel("m", q)]
        acquires = [e for e in esp.events if e.op == Op.ACQUIRE]
        assert stimulus[0].t0 == x12.duration
        assert [(e.slot, esp.acquires[e.ref].esp) for e in acquires] == [(q, True)]
        assert acquires[0].t0 % device.timing.acquire_alignment == 0


def test_from_backend_reads_v1_and_says_what_v2_lacks():
    from qiskit.providers.fake_provider import FakeNairobi, FakeOpenPulse2Q, FakePerth, FakeYorktown, GenericBackendV2

    live, file = Device.from_backend(FakeNairobi()), load("ibm_nairobi")
    assert live.n_qubits == 7 and live.limits.rep_times == (0.001,)
    assert not CalibrationMap.diff(live.calibrations, file.calibrations)
    assert np.allclose([t.frequency for t in live.transmons], [t.frequency for t in file.transmons], rtol=1e-12)
    assert np.allclose([c.strength for c in live.couplings], [c.strength for c in file.couplings], rtol=1e-12)
    assert Device.from_json(live.to_dict()).content_hash() == live.content_hash()
    assert Device.from_backend(FakeOpenPulse2Q()).couplings[0].strength == pytest.approx(10e6)
    with pytest.raises(DeviceError, match=r"lacks configuration\(\) and defaults\(\).*from_snapshot\('ibm_perth'\)"):
        Device.from_backend(FakePerth())
    with pytest.raises(DeviceError, match=r"Device\.from_json"):
        Device.from_backend(GenericBackendV2(2))
    with pytest.raises(DeviceError, match=r"lacks defaults\(\): it publishes no pulses"):
        Device.from_backend(FakeYorktown())


def test_clear_errors():
    with pytest.raises(DeviceError, match="ibm_perth"):
        Device.from_snapshot("ibm_nowhere")
    with pytest.raises(DeviceError, match="pulse defaults"):
        Device.from_snapshot("ibmq_rochester" if "ibmq_rochester" not in snapshots() else "ibmq_burlington")
    configuration, defaults, properties = load_snapshot("ibm_perth")
    for key, where in (("hamiltonian", "Hamiltonian"), ("dt", "dt"), ("n_qubits", "n_qubits")):
        broken = {k: v for k, v in configuration.items() if k != key}
        with pytest.raises(DeviceError, match=where):
            Device.from_json(broken, defaults, properties)
    with pytest.raises(DeviceError, match="cmd_def"):
        Device.from_json(configuration, {k: v for k, v in defaults.items() if k != "cmd_def"}, properties)
    with pytest.raises(DeviceError, match="defaults"):
        Device.from_json(configuration)
    odd = copy.deepcopy(defaults)
    odd["cmd_def"][0]["sequence"].append({"name": "warble", "t0": 0, "ch": "d0"})
    with pytest.raises(DeviceError, match="warble"):
        Device.from_json(configuration, odd, properties)
    units = copy.deepcopy(properties)
    units["qubits"][2][0]["unit"] = "fortnight"
    with pytest.raises(DeviceError, match="T1 of qubit 2"):
        Device.from_json(configuration, defaults, units)


def test_properties_may_be_missing():
    configuration, defaults, _ = load_snapshot("ibmq_manila")
    device = Device.from_json(configuration, defaults)
    assert device.transmons[0].t1 is None and device.readout[0].prob_meas0_prep1 is None
    assert any(n.quantity == "transmons[0].t1" and n.kind == "assumed" for n in device.provenance.notes)


def test_a_mean_readout_error_stands_for_both():
    configuration, defaults, properties = load_snapshot("ibmq_manila")
    properties = copy.deepcopy(properties)
    properties["qubits"][1] = [p for p in properties["qubits"][1] if not p["name"].startswith("prob_meas")]
    device = Device.from_json(configuration, defaults, properties)
    mean = next(p["value"] for p in properties["qubits"][1] if p["name"] == "readout_error")
    assert (device.readout[1].prob_meas0_prep1, device.readout[1].prob_meas1_prep0) == (mean, mean)
    assert device.readout[0].prob_meas0_prep1 != device.readout[0].prob_meas1_prep0


def test_affine_expressions():
    assert affine("-(P0)") == (0.0, {"P0": -1.0})
    assert affine("P1/2 - 3*(P0)+1.5") == (1.5, {"P1": 0.5, "P0": -3.0})
    for text in ("P0*P1", "sin(P0)", "", "P0 P1", "__import__('os')", "(P0"):
        with pytest.raises(DeviceError, match="affine"):
            affine(text)


def test_importing_a_snapshot_does_not_import_qiskit():
    code = (
        "import sys\nfrom pulsekit.device import Device\nDevice.from_snapshot('ibm_perth')\n"
        "assert not [m for m in sys.modules if m.split('.')[0] == 'qiskit'], 'qiskit came in'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


@pytest.mark.nightly
def test_every_shipped_file_is_a_device_or_one_clear_reason():
    from pulsekit.device.snapshots import _index, snapshot_folder

    names = list(_index(snapshot_folder()))
    assert len(names) > 40
    usable = set(snapshots())
    for name in names:
        if name in usable:
            assert load(name).name == name
        else:
            with pytest.raises(DeviceError, match="must have pulse defaults"):
                Device.from_snapshot(name)
