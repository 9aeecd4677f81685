"""The flows of the classic public notebooks find the device's true values."""

from __future__ import annotations

import numpy as np
import pytest
from client_truth import cross_resonance, readout_centre, stark_shift
from qiskit import QuantumCircuit, assemble, pulse, schedule, transpile
from qiskit.circuit import Gate, Parameter
from qiskit.pulse import Acquire, AcquireChannel, DriveChannel, MeasureChannel, MemorySlot, Play, Schedule
from scipy.optimize import curve_fit

import pulsekit
from pulsekit.calibration import tune
from pulsekit.device import Device

pytestmark = pytest.mark.filterwarnings("ignore")
D0, M0 = DriveChannel(0), MeasureChannel(0)


@pytest.fixture(scope="module")
def backend():
    device = tune(Device.transmon(t1=60e-6, t2=40e-6))
    return pulsekit.Backend(device, "memory", seed_simulator=11, shots=1024)


@pytest.fixture(scope="module")
def measure(backend):
    return backend.instruction_schedule_map.get("measure", [0])


@pytest.fixture(scope="module")
def pi_pulse(backend):
    plays = [i for _, i in backend.instruction_schedule_map.get("x", 0).instructions if isinstance(i, Play)]
    return plays[0].pulse


def then(*parts, name=None):
    """Return schedules one after the other."""
    whole = Schedule(name=name)
    for part in parts:
        whole = whole.insert(whole.duration, part)
    return whole


def averages(result):
    """Return the averaged signal of each experiment."""
    return np.array([result.get_memory(i)[0] for i in range(len(result.results))])


def along(signal):
    """Return complex points as real ones, along the line on which they lie, from 0 to 1."""
    centred = signal - signal.mean()
    axis = np.linalg.svd(np.column_stack([centred.real, centred.imag]))[2][0]
    line = centred.real * axis[0] + centred.imag * axis[1]
    return (line - line.min()) / np.ptp(line)


def peak(x, y):
    """Return the centre of a Lorentzian, whichever way up."""
    y = y if y[np.argmax(np.abs(y - np.median(y)))] > np.median(y) else 1 - y

    def line(x, a, centre, width, offset):
        return a / (1 + ((x - centre) / width) ** 2) + offset

    scale = np.ptp(x)
    guess = [1.0, x[np.argmax(y)], scale / 10, 0.0]
    return curve_fit(line, x, y, guess, x_scale=[1, scale, scale, 1], method="trf")[0][1]


def fitted(function, x, y, guess):
    """Return the parameters of a least-squares fit, scaled by their guesses."""
    scale = [abs(g) or 1.0 for g in guess]
    return curve_fit(function, x, y, guess, x_scale=scale, method="trf")[0]


def decay(t, a, b, tau):
    return a * np.exp(-t / tau) + b


def test_calibrating_qubits_frequency_by_schedule_los_and_qobj(backend, measure):
    """A sweep of the drive LO, assembled to a Qobj as in 2020."""
    true = backend.defaults().qubit_freq_est[0]
    frequencies = true + np.arange(-4e6, 4e6, 0.25e6) + 0.1e6
    probe = then(Schedule((0, Play(pulse.Gaussian(5120, 0.003, 1280), D0))), measure, name="Frequency sweep")
    qobj = assemble(
        probe,
        backend=backend,
        meas_level=1,
        meas_return="avg",
        shots=1024,
        schedule_los=[{D0: f} for f in frequencies],
    )
    by_qobj = averages(backend.run(qobj).result())
    by_run = averages(backend.run(probe, schedule_los=[{D0: f} for f in frequencies], meas_level=1).result())
    for signal in (by_qobj, by_run):
        assert peak(frequencies, along(signal)) == pytest.approx(true, abs=0.1e6)


def test_calibrating_qubits_rabi(backend, measure, pi_pulse):
    amps = np.linspace(0, 0.75, 50)
    schedules = [
        then(
            Schedule((0, Play(pulse.Drag(pi_pulse.duration, a, pi_pulse.sigma, pi_pulse.beta), D0))),
            measure,
            name=str(a),
        )
        for a in amps
    ]
    y = along(averages(backend.run(schedules, meas_level=1).result()))
    fit = curve_fit(
        lambda x, a, b, period: a * np.cos(2 * np.pi * x / period) + b, amps, y, [0.5, 0.5, 2 * pi_pulse.amp]
    )[0]
    assert abs(fit[2]) / 2 == pytest.approx(pi_pulse.amp, rel=0.01)


def test_calibrating_qubits_t1_ramsey_and_echo(backend, measure, pi_pulse):
    dt = backend.dt
    x, sx = (backend.instruction_schedule_map.get(name, 0) for name in ("x", "sx"))

    def wait(seconds):
        return Schedule((0, pulse.Delay(int(seconds / dt) // 16 * 16, D0)))

    def run(schedules, **options):
        return np.array([c.get("1", 0) / 1024 for c in backend.run(schedules, **options).result().get_counts()])

    delays = np.linspace(0, 150e-6, 25)
    ones = run([then(x, wait(t), measure) for t in delays])
    assert fitted(decay, delays, ones, [1, 0, 5e-5])[2] == pytest.approx(60e-6, rel=0.12)
    delays, turning, detuning = np.linspace(0, 60e-6, 61), 1e5, 3e4
    turned = [
        then(sx, wait(t), Schedule((0, pulse.ShiftPhase(2 * np.pi * turning * t, D0))), sx, measure) for t in delays
    ]

    def fringe(t, a, b, tau, f, phase):
        return a * np.exp(-t / tau) * np.cos(2 * np.pi * f * t + phase) + b

    for lo in (-detuning, 0.0, detuning):  # phases that grow look like a LO that is too high
        f01 = backend.defaults().qubit_freq_est[0] + lo
        ones = run(turned, qubit_lo_freq=[f01])
        fit = fitted(fringe, delays, ones, [0.5, 0.5, 4e-5, turning, 0.1])
        assert fit[3] == pytest.approx(turning + lo, abs=1.5e3) and fit[2] == pytest.approx(40e-6, rel=0.2)
    delays = np.linspace(0, 60e-6, 20)
    ones = run([then(sx, wait(t), x, wait(t), sx, measure) for t in delays])
    assert fitted(decay, 2 * delays, ones, [0.5, 0.5, 4e-5])[2] == pytest.approx(40e-6, rel=0.2)


def test_calibrating_qubits_with_parametrised_pulse_gates(backend):
    """Spectroscopy with set_frequency in a pulse gate, bound point by point."""
    true = backend.defaults().qubit_freq_est[0]
    frequency = Parameter("frequency")
    with pulse.build(backend, default_alignment="sequential", name="sweep") as gate:
        pulse.set_frequency(frequency, D0)
        pulse.play(pulse.Gaussian(5120, 0.003, 1280), D0)
    qc = QuantumCircuit(1, 1)
    qc.append(Gate("spectroscopy", 1, [frequency]), [0])
    qc.measure(0, 0)
    qc.add_calibration("spectroscopy", (0,), gate, [frequency])
    points = true + np.arange(-4e6, 4e6, 0.25e6) + 0.1e6
    circuits = [qc.assign_parameters({frequency: f}) for f in points]
    constraints = backend.configuration().timing_constraints
    options = {"timing_constraints": constraints, "scheduling_method": "alap"}
    circuits = [transpile(c, backend, **options) for c in circuits]
    bound = backend.run(qc, parameter_binds=[{frequency: f} for f in points], meas_level=1).result()
    listed = backend.run(circuits, meas_level=1).result()
    for result in (bound, listed):
        assert peak(points, along(averages(result))) == pytest.approx(true, abs=0.1e6)


def test_accessing_higher_energy_states(backend, measure):
    """A sideband on the samples finds the 1-2 transition."""
    f01 = backend.defaults().qubit_freq_est[0]
    alpha = backend.device.transmons[0].anharmonicity
    x = backend.instruction_schedule_map.get("x", 0)
    base = pulse.Gaussian(5120, 0.002, 1280).get_waveform().samples
    times = np.arange(5120) * backend.dt
    points = f01 + alpha + np.arange(-4e6, 4e6, 0.4e6)

    def sideband(f):
        return pulse.Waveform(base * np.exp(2j * np.pi * (f - f01) * times))

    schedules = [then(x, Schedule((0, Play(sideband(f), D0))), measure, name=f"{f}") for f in points]
    signal = averages(backend.run(schedules, meas_level=1).result())
    assert peak(points, along(signal)) == pytest.approx(f01 + alpha, abs=0.2e6)


def test_measure_lo_sweep(backend, measure):
    """The resonator answers where it is."""
    resonator = backend.device.resonators[0]
    points = backend.defaults().meas_freq_est[0] + np.linspace(-20e6, 20e6, 41)
    result = backend.run(measure, schedule_los=[{M0: f} for f in points], meas_level=1).result()
    height = np.abs(averages(result))
    true = resonator.frequency + (resonator.chi[0] if resonator.chi else 0.0)
    assert peak(points, height / height.max()) == pytest.approx(true, abs=0.2e6)


def test_measurement_levels_with_kernel_and_discriminator(backend, measure, pi_pulse):
    """Level 0 integrated by hand is level 1; clouds of 0 and 1 are apart."""
    x = backend.instruction_schedule_map.get("x", 0)
    acquire = next(i for _, i in measure.instructions if isinstance(i, Acquire))
    tone = [(t, i) for t, i in measure.instructions if not isinstance(i, Acquire)]

    def readout(kernel=None, discriminator=None):
        made = Acquire(acquire.duration, AcquireChannel(0), MemorySlot(0), kernel=kernel, discriminator=discriminator)
        return Schedule(*tone, (0, made))

    boxcar = readout(pulse.Kernel("boxcar"))
    options = {"meas_return": "single", "shots": 200}
    length = int(acquire.duration * backend.dt / backend.dtm)
    raw = backend.run(boxcar, meas_level=0, memory_slot_size=length, **options).result().get_memory()
    kerneled = backend.run(boxcar, meas_level=1, **options).result().get_memory()
    ratio = raw.sum(axis=2) / kerneled
    assert ratio == pytest.approx(np.full_like(ratio, ratio[0, 0]), rel=1e-6)
    clouds = backend.run([readout(), then(x, readout())], meas_level=1, **options).result()
    zero, one = (clouds.get_memory(i)[:, 0] for i in (0, 1))
    assert abs(zero.mean() - one.mean()) > 2 * max(zero.std(), one.std()) / np.sqrt(2)
    true = [readout_centre(backend.device, backend, 0, level) for level in (0, 1)]
    assert one.mean() / zero.mean() == pytest.approx(true[1] / true[0], abs=0.05)
    linear = readout(discriminator=pulse.Discriminator("linear_discriminator"))
    counts = backend.run([linear, then(x, linear)], shots=500).result().get_counts()
    assert counts[0].get("0", 0) > 450 and counts[1].get("1", 0) > 450


@pytest.mark.nightly
@pytest.mark.parametrize("detuning", [-80e6, 90e6])
def test_ac_stark_shift(backend, detuning):
    """A tone below the qubit pushes it up, one above it down, as the driven ladder's eigenvalues say."""
    dt, amp = backend.dt, 0.1
    sx = backend.instruction_schedule_map.get("sx", 0)
    measure = backend.instruction_schedule_map.get("measure", [0])
    rabi = amp * backend.device.drives[0].rabi_rate
    transmon = backend.device.transmons[0]
    true = stark_shift(transmon.frequency + detuning, transmon.frequency, transmon.anharmonicity, rabi, 3)
    assert np.sign(true) == -np.sign(detuning)
    durations = np.arange(64, 6400, 128) // 16 * 16
    phases = []
    for d in durations:
        tone = Schedule(
            (0, pulse.ShiftFrequency(detuning, D0)),
            (0, Play(pulse.GaussianSquare(int(d) + 256, amp, 32, width=int(d)), D0)),
            (int(d) + 256, pulse.ShiftFrequency(-detuning, D0)),
            (int(d) + 256, pulse.ShiftPhase(-2 * np.pi * detuning * (int(d) + 256) * dt, D0)),
        )
        phases += [then(sx, tone, Schedule((0, pulse.ShiftPhase(p, D0))), sx, measure) for p in (0.0, np.pi / 2)]
    counts = backend.run(phases).result().get_counts()
    ones = np.array([c.get("1", 0) / 1024 for c in counts]).reshape(-1, 2)
    angle = np.unwrap(np.arctan2(ones[:, 1] - 0.5, ones[:, 0] - 0.5))
    slope = np.polyfit(durations * dt, angle, 1)[0] / (2 * np.pi)
    assert slope == pytest.approx(true, rel=0.02)


@pytest.mark.nightly
def test_cross_resonance_hamiltonian_tomography():
    """The target turns about x at IX + ZX for control 0 and at IX - ZX for control 1, signs included."""
    device = tune(Device.pair())
    backend = pulsekit.Backend(device, "memory", seed_simulator=3, shots=4096)
    u = backend.control_channel((0, 1))[0]
    line = device.controls[u.index]
    true = cross_resonance(device, 0, 1, 0.2 * line.rabi_rate * line.gain)
    widths = np.arange(128, 2176, 64)
    for control, sign in ((0, 1), (1, -1)):
        circuits = []
        for width in widths:
            for basis in "yz":
                qc = QuantumCircuit(2, 1)
                if control:
                    qc.x(0)
                qc.append(Gate("cr", 2, []), [0, 1])
                if basis == "y":
                    qc.sx(1)
                qc.measure(1, 0)
                with pulse.build() as cr:
                    pulse.play(pulse.GaussianSquare(int(width) + 128, 0.2, 32, width=int(width)), u)
                qc.add_calibration("cr", (0, 1), cr)
                circuits.append(qc)
        counts = backend.run(circuits, noise=False).result().get_counts()
        y, z = np.array([1 - 2 * c.get("1", 0) / 4096 for c in counts]).reshape(-1, 2).T
        turned = np.unwrap(np.arctan2(-y, z))  # x stays, y is -sin, z cos
        rate = np.polyfit(widths * backend.dt, turned, 1)[0] / (2 * np.pi)
        assert rate == pytest.approx(true["omega_ix"] + sign * true["omega_zx"], rel=0.02)


def test_schedule_then_run_is_what_the_circuit_gives(backend):
    qc = QuantumCircuit(1, 1)
    qc.sx(0)
    qc.rz(0.7, 0)
    qc.sx(0)
    qc.measure(0, 0)
    counts = backend.run([qc, schedule(qc, backend)], shots=20000).result().get_counts()
    assert counts[0]["1"] / 20000 == pytest.approx(counts[1]["1"] / 20000, abs=0.02)
