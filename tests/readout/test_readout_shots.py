"""Shots: random numbers, level paths, records and integrated signals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest, norm

from pulsekit.device import Device, Resonator, Transmon
from pulsekit.program import AcquireSpec, Pulse
from pulsekit.readout import (
    Purpose,
    Stream,
    Tone,
    build_acquisition,
    cloud_moments,
    free_decay,
    free_rates,
    jump_tables,
    path_nodes,
    pick_levels,
    read_shots,
    trace_shots,
    uniforms,
)

DT = 2e-9 / 9
N = 1472


def acquisition(t1=None, p_th=0.0, samples=N, drive=40e6, spec=None, transitions=(), levels=3):
    device = Device(
        "r",
        (Transmon(5e9, levels=levels, t1=t1, t2=None if t1 is None else t1, p_th=p_th),),
        resonators=(Resonator(7e9, drive_rate=drive, transitions=transitions),),
    )
    pulse = Pulse.from_shape("gaussian_square", samples, {"sigma": 64, "width": samples - 256}).samples
    tones = [Tone(0, 0.24 * pulse, 0.0)]
    return build_acquisition(device, 0, tones=tones, lo_freq=7e9, duration=samples, spec=spec or AcquireSpec())


def test_random_numbers_are_numpys_philox():
    found = uniforms(Stream(5, 7, Purpose.READ, 3), 4, 8)
    counter = np.array([0, 0, 3, int(Purpose.READ)], np.uint64)  # numpy steps before it gives
    raw = np.random.Philox(key=np.array([5, 7], np.uint64), counter=counter).random_raw(8)
    assert np.array_equal(found, (raw >> np.uint64(11)) * 2.0**-53)
    assert np.array_equal(uniforms(Stream(5, 7, Purpose.READ, 3), 6, 3), found[2:5])


def test_levels_follow_their_probabilities():
    u = uniforms(Stream(1, 0, Purpose.OUTCOME), 0, 200000)
    p = np.array([0.5, 0.0, 0.3, -1e-18, 0.2])
    counts = np.bincount(pick_levels(p, u), minlength=5) / 200000
    assert np.abs(counts - np.maximum(p, 0)).max() < 5 * 0.5 / 200000**0.5
    assert counts[1] == counts[3] == 0


def test_a_quiet_cloud_is_a_gaussian_of_the_right_width():
    a = acquisition()
    iq = np.empty(100000, complex)
    read_shots(a, Stream(1, 0, Purpose.READ), 0, np.ones(100000, np.uint8), iq=iq)
    z = (iq - a.centers[1]) / a.sigma
    for part in (z.real, z.imag):
        assert kstest(part, norm.cdf).pvalue > 1e-3
    assert abs(np.corrcoef(z.real, z.imag)[0, 1]) < 5 / 100000**0.5
    assert abs(np.corrcoef(z.real[1:], z.real[:-1])[0, 1]) < 5 / 100000**0.5


@pytest.mark.parametrize("level", [0, 1, 2])
def test_integrated_records_are_the_integrated_signals(level):
    a = acquisition(t1=0.4e-6, p_th=0.2)
    start = np.full(400, level, np.uint8)
    iq, raw = np.empty(400, complex), np.empty((400, N + 5), complex)
    stream = Stream(3, 1, Purpose.READ, 2)
    end = read_shots(a, stream, 10, start, iq=iq)
    trace_shots(a, stream, 10, start, raw)
    assert np.count_nonzero(end != level) > 30  # most bend
    assert np.allclose(raw[:, :N] @ a.weights, iq, rtol=1e-9)
    assert not raw[:, N:].any()


def test_kernels_weight_records_as_they_weight_signals():
    spec = AcquireSpec(
        kernel=("weights", (("imag", tuple(np.sin(np.arange(N) / 99))), ("real", tuple(np.arange(N) / N))))
    )
    a = acquisition(t1=1e-6, spec=spec)
    start = np.ones(200, np.uint8)
    iq, raw = np.empty(200, complex), np.empty((200, N), complex)
    read_shots(a, Stream(3, 1, Purpose.READ), 0, start, iq=iq)
    trace_shots(a, Stream(3, 1, Purpose.READ), 0, start, raw)
    assert np.allclose(raw @ a.weights, iq, rtol=1e-9)


def test_record_noise_is_white_and_of_the_right_size():
    a = acquisition()
    raw = np.empty((4000, 200), complex)
    trace_shots(a, Stream(3, 1, Purpose.READ), 0, np.zeros(4000, np.uint8), raw)
    noise = raw - a.mean[0, :200]
    assert noise.real.std() == pytest.approx(a.sigma_sample, rel=0.01)
    assert noise.imag.std() == pytest.approx(a.sigma_sample, rel=0.01)
    correlation = (noise[:, 1:] * noise[:, :-1].conj()).mean() / (2 * a.sigma_sample**2)
    assert abs(correlation) < 5 / (4000 * 199) ** 0.5


def test_levels_and_signals_do_not_depend_on_the_first_shot_asked():
    a = acquisition(t1=0.5e-6)
    start = np.tile(np.array([0, 1, 2], np.uint8), 100)
    whole, part = np.empty(300, complex), np.empty(50, complex)
    read_shots(a, Stream(3, 1, Purpose.READ), 0, start, iq=whole)
    read_shots(a, Stream(3, 1, Purpose.READ), 120, start[120:170], iq=part)
    assert np.array_equal(whole[120:170], part)


def independent_signals(a, shots, rng):
    """Integrated signals of prepared 1 by brute force: paths in numpy, records summed sample by sample."""
    out = np.empty(shots, complex)
    for k in range(shots):
        beta, total = 0j, 0j
        jumps = rng.random(N)
        # piecewise: the same drive for all levels, read off the constant-level solution
        noise = a.sigma_sample * (rng.normal(size=N) + 1j * rng.normal(size=N)).sum()
        step = np.exp(a.w_lambda)
        forcing = a.edges[:, 1:] - step[:, None] * a.edges[:, :-1]
        at = np.flatnonzero(jumps < a.rates[1])
        first = int(at[0]) if at.size else N
        beta = a.edges[1, first]
        total = a.mean[1, :first].sum()
        if first < N:
            path = np.empty(N - first, complex)
            for n in range(first, N):
                path[n - first] = beta
                beta = step[0] * beta + forcing[0, n]
            extra = path - a.edges[0, first:N]
            total += a.mean[0, first:].sum() + (a.gain[0] * extra).sum()
        out[k] = total + noise
    return out


def test_fast_sampling_has_the_distribution_of_integrated_traces():
    """Kolmogorov-Smirnov: closed forms against records that numpy integrates."""
    a = acquisition(t1=0.6e-6)
    slow = independent_signals(a, 3000, np.random.default_rng(2))
    fast = np.empty(100000, complex)
    read_shots(a, Stream(9, 0, Purpose.READ), 0, np.ones(100000, np.uint8), iq=fast)
    axis = np.conj(a.centers[1] - a.centers[0]) / a.sigma**2
    for turn in (1, 1j):
        assert kstest((slow * axis * turn).real, (fast * axis * turn).real).pvalue > 1e-3


@pytest.mark.nightly
def test_fast_sampling_and_traces_on_many_shots():
    a = acquisition(t1=0.6e-6, samples=600)
    fast, slow = np.empty(100000, complex), np.empty(100000, complex)
    ones = np.ones(100000, np.uint8)
    read_shots(a, Stream(9, 0, Purpose.READ), 0, ones, iq=fast)
    for low in range(0, 100000, 5000):
        raw = np.empty((5000, 600), complex)
        trace_shots(a, Stream(10, 0, Purpose.READ), low, ones[:5000], raw)
        slow[low : low + 5000] = raw @ a.weights
    axis = np.conj(a.centers[1] - a.centers[0])
    assert kstest((slow * axis).real, (fast * axis).real).pvalue > 1e-3


def test_levels_reach_zero_as_the_closed_forms_say():
    t1, shots = 1e-6, 200000
    x = N * DT / t1
    a = acquisition(t1=t1)
    one = read_shots(a, Stream(1, 0, Purpose.READ), 0, np.ones(shots, np.uint8))
    two = read_shots(a, Stream(2, 0, Purpose.READ), 0, np.full(shots, 2, np.uint8))
    error = 5 * 0.5 / shots**0.5
    assert abs((one == 0).mean() - (1 - np.exp(-x))) < error
    assert abs((two == 0).mean() - (1 - np.exp(-x)) ** 2) < error
    assert abs((two == 2).mean() - np.exp(-2 * x)) < error


def test_thermal_and_induced_jumps():
    a = acquisition(t1=2e-6, p_th=0.1, transitions=((1, 2, 3e5),))
    shots, time = 200000, N * DT
    zero = read_shots(a, Stream(1, 0, Purpose.READ), 0, np.zeros(shots, np.uint8))
    assert (zero > 0).mean() == pytest.approx(0.05e6 * time, rel=0.2)
    one = read_shots(a, Stream(1, 1, Purpose.READ), 0, np.ones(shots, np.uint8))
    assert (one == 2).mean() == pytest.approx(3e5 * time, rel=0.3)


def test_free_decay_is_the_master_equation():
    from scipy.linalg import expm

    rates = free_rates(Transmon(5e9, t1=50e-6, t2=50e-6, p_th=0.05), 3)
    total, target = jump_tables(rates)
    generator = rates.T - np.diag(rates.sum(axis=1))
    for level in range(3):
        levels = np.full(100000, level, np.uint8)
        free_decay(total, target, Stream(4, level, Purpose.DECAY), 0, levels, 40e-6)
        expected = expm(generator * 40e-6)[:, level]
        assert np.abs(np.bincount(levels, minlength=3) / 100000 - expected).max() < 0.008


def test_cloud_moments_are_those_of_the_shots():
    a = acquisition(t1=2e-6)
    iq = np.empty(200000, complex)
    read_shots(a, Stream(1, 0, Purpose.READ), 0, np.ones(200000, np.uint8), iq=iq)
    mean, cov = cloud_moments(a, 1)
    assert np.abs(mean - [iq.real.mean(), iq.imag.mean()]).max() < 0.01 * a.sigma + 5 * a.sigma / 200000**0.5
    assert np.allclose(cov, np.cov(iq.real, iq.imag), atol=0.03 * cov[0, 0])
    assert path_nodes(a, 1)[1].sum() == pytest.approx(1)
