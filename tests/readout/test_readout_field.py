"""The resonator's field against scipy's ODE solver, and what the record shows of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from pulsekit.device import Device, Resonator, Timing, Transmon
from pulsekit.errors import ReadoutError
from pulsekit.program import AcquireSpec, Pulse
from pulsekit.readout import Tone, build_acquisition, chi_of, solve_field

DT = 2e-9 / 9
KAPPA, CHI = 5e6, (2.4e6, -2.1e6, -6.0e6)
RESONATOR = Resonator(7e9, kappa=KAPPA, chi=CHI, drive_rate=20e6)


def device(resonator: Resonator = RESONATOR, **transmon) -> Device:
    options = {"t1": None, "t2": None, **transmon}
    return Device("r", (Transmon(5e9, levels=3, **options),), resonators=(resonator,))


def square(duration: int, amplitude: complex = 0.2) -> Tone:
    return Tone(0, np.full(duration, amplitude, complex), 0.0)


def test_field_solves_the_equation_of_physics_md():
    """alpha, not its conjugate: the sign conventions are part of the test."""
    pulse = Pulse.from_shape("gaussian_square", 400, {"sigma": 40, "width": 200}).samples * 0.2 * np.exp(0.7j)
    lo, detuning = 7.0012e9, 3.3e6
    tones = [Tone(30, pulse, 0.0), Tone(60, 0.5 * pulse[:300], detuning)]
    found = solve_field(RESONATOR, lo, tones, 600, DT, 3)

    def m(t: float) -> complex:
        k = int(t / DT)
        value = pulse[k - 30] if 30 <= k < 430 else 0
        if 60 <= k < 360:
            value += 0.5 * pulse[k - 60] * np.exp(2j * np.pi * detuning * (t - 60 * DT))
        return value

    for s in range(3):
        w = 2 * np.pi * (7e9 + CHI[s] - lo)

        def slope(t, y, w=w):
            alpha = y[0] + 1j * y[1]
            out = -(np.pi * KAPPA + 1j * w) * alpha - 1j * 2 * np.pi * 20e6 * np.conj(m(t))
            return [out.real, out.imag]

        now, edges = [0.0, 0.0], [0j]
        for k in range(600):  # sample edges are kinks: one integration per sample
            end = solve_ivp(slope, (k * DT, (k + 1) * DT * (1 - 1e-15)), now, rtol=1e-10, atol=1e-12).y[:, -1]
            now = list(end)
            edges.append(complex(*end))
        assert np.abs(np.conj(found.edges[s]) - edges).max() < 1e-7


def test_ring_up_and_ring_down_have_the_linewidth():
    found = solve_field(RESONATOR, 7e9 + CHI[0], [square(4000)], 8000, DT, 1)
    steady = 2 * np.pi * 20e6 * 0.2 / (np.pi * KAPPA)
    t = np.arange(8001) * DT
    up = steady * (1 - np.exp(-np.pi * KAPPA * t[:4001]))
    assert np.allclose(np.abs(found.edges[0, :4001]), up, atol=1e-9)
    down = up[-1] * np.exp(-np.pi * KAPPA * (t[4000:] - t[4000]))
    assert np.allclose(np.abs(found.edges[0, 4000:]), down, atol=1e-9)


def test_a_phase_shift_turns_the_record_with_it():
    plain = build_acquisition(device(), 0, tones=[square(500)], lo_freq=7e9, duration=500)
    turned = build_acquisition(device(), 0, tones=[square(500, 0.2 * np.exp(0.9j))], lo_freq=7e9, duration=500)
    assert np.allclose(turned.mean, np.exp(0.9j) * plain.mean)


def test_a_sideband_is_a_frequency():
    """Samples turning at +df excite what an LO higher by df excites."""
    df, n = 4e6, 3000
    at = np.arange(n) * DT
    sideband = Tone(0, 0.2 * np.exp(2j * np.pi * df * at), 0.0)
    moved = Tone(0, np.full(n, 0.2, complex), df)
    a = solve_field(RESONATOR, 7e9, [sideband], n, DT, 3)
    b = solve_field(RESONATOR, 7e9, [moved], n, DT, 3)
    held = np.exp(1j * np.pi * df * DT) * np.sinc(df * DT)  # a held sample against a turning one
    for s in range(3):
        ratio = b.edges[s, 1:] / a.edges[s, 1:]
        assert np.abs(ratio - ratio[0]).max() < 1e-9  # one factor, the whole time
        assert abs(ratio[0] - held) < 1e-5  # up to the field's own motion in a sample
    resonant = solve_field(RESONATOR, 7e9 + df, [Tone(0, np.full(n, 0.2, complex), 0.0)], n, DT, 3)
    assert np.allclose(np.abs(b.edges), np.abs(resonant.edges), atol=1e-9)


@pytest.mark.parametrize("mode", ["transmission", "reflection"])
def test_lo_sweep_shows_peak_or_notch_with_the_state_dependent_shift(mode):
    sweep = np.linspace(-12e6, 12e6, 121)
    resonator = replace(RESONATOR, mode=mode, notch_depth=0.9)
    size = np.array(
        [
            np.abs(
                build_acquisition(device(resonator), 0, tones=[square(8000)], lo_freq=7e9 + f, duration=8000).centers
            )
            for f in sweep
        ]
    )
    extreme = np.argmax if mode == "transmission" else np.argmin
    for s in range(3):
        assert sweep[extreme(size[:, s])] == pytest.approx(CHI[s], abs=2.1e5)
    if mode == "transmission":
        half = sweep[size[:, 0] ** 2 > size[:, 0].max() ** 2 / 2]
        assert half[-1] - half[0] == pytest.approx(KAPPA, rel=0.09)
    else:
        assert size[:, 0].min() / size[0, 0] < 0.2


def test_separation_over_noise_grows_as_the_root_of_the_length():
    lengths = np.array([20000, 80000, 320000])
    snr = []
    for n in lengths:
        a = build_acquisition(device(), 0, tones=[square(n)], lo_freq=7e9, duration=int(n))
        snr.append(abs(a.centers[1] - a.centers[0]) / a.sigma)
    assert np.allclose(np.diff(np.log(snr)) / np.diff(np.log(lengths)), 0.5, atol=0.02)
    half = build_acquisition(device(), 0, tones=[square(20000, 0.1)], lo_freq=7e9, duration=20000)
    assert snr[0] / (abs(half.centers[1] - half.centers[0]) / half.sigma) == pytest.approx(2, rel=1e-9)


def test_every_level_has_its_own_cloud():
    a = build_acquisition(device(), 0, tones=[square(4000, 0.3)], lo_freq=7e9, duration=4000)
    for i in range(3):
        for j in range(i):
            assert abs(a.centers[i] - a.centers[j]) > 2 * a.sigma


def test_crosstalk_at_another_frequency_averages_out():
    other = Tone(0, np.full(20000, 0.05, complex), 100e6)
    clean = build_acquisition(device(), 0, tones=[square(20000)], lo_freq=7e9, duration=20000)
    mixed = build_acquisition(device(), 0, tones=[square(20000), other], lo_freq=7e9, duration=20000)
    assert np.abs(mixed.mean - clean.mean).max() > 1e-3 * np.abs(clean.mean).max()
    assert np.abs(mixed.centers - clean.centers).max() < 1e-3 * np.abs(clean.centers).max()


def test_tones_before_the_acquire_have_filled_the_resonator():
    early = Tone(-3000, np.full(4000, 0.2, complex), 0.0)
    a = build_acquisition(device(), 0, tones=[early], lo_freq=7e9, duration=1000, warmup=3000)
    b = build_acquisition(device(), 0, tones=[square(4000)], lo_freq=7e9, duration=4000)
    assert np.allclose(a.mean, b.mean[:, 3000:])


def test_default_shifts_go_on_beyond_those_given():
    assert np.allclose(chi_of(Resonator(7e9, kappa=2e6), 2), [1e6, -1e6])
    assert np.allclose(chi_of(Resonator(7e9, chi=(1e6, -1e6)), 4), [1e6, -1e6, -3e6, -5e6])


def test_kernels_by_name():
    def acquire(spec, n=400, **resonator):
        return build_acquisition(
            device(replace(RESONATOR, **resonator)), 0, tones=[square(n)], lo_freq=7e9, duration=n, spec=spec
        )

    box = acquire(AcquireSpec(kernel=("boxcar", (("start_window", 100), ("stop_window", 300)))))
    assert np.array_equal(box.weights.real, (np.arange(400) // 100 % 3 != 0) * 1.0)
    own = acquire(AcquireSpec(kernel=("weights", (("imag", (0.0, 1.0)), ("real", (1.0, 2.0))))))
    assert np.array_equal(own.weights[:3], [1, 2 + 1j, 0])
    assert own.sigma == pytest.approx(own.sigma_sample * np.sqrt(6))
    fading = acquire(None or AcquireSpec(), kernel_decay_s=100 * DT)
    assert fading.weights[100] / fading.weights[0] == pytest.approx(np.exp(-1))
    matched, plain = acquire(AcquireSpec(kernel=("hw_qmfk", ()))), acquire(AcquireSpec())
    assert matched.sigma == pytest.approx(plain.sigma)
    assert abs(matched.centers[1] - matched.centers[0]) > 1.05 * abs(plain.centers[1] - plain.centers[0])
    for bad in (
        ("box", ()),
        ("boxcar", (("start", 1),)),
        ("boxcar", (("start_window", 500),)),
        ("weights", (("real", (0.0, 0.0)),)),
        ("weights", (("real", (float("nan"),)),)),
        ("exponential", ()),
    ):
        with pytest.raises(ReadoutError):
            acquire(AcquireSpec(kernel=bad))


def test_discriminators_by_name():
    def form(spec, **options):
        return build_acquisition(
            device(**options), 0, tones=[square(800)], lo_freq=7e9, duration=800, spec=AcquireSpec(discriminator=spec)
        )

    def bit(a, z):
        i, q = z.real, z.imag
        return a.form @ [i * i, q * q, i * q, i, q, 1] > 0

    for name in ("linear_discriminator", "hw_qmfk", "quadratic_discriminator"):
        a = form((name, ()), t1=20e-6, t2=20e-6)
        assert [bit(a, z) for z in a.centers[:2]] == [False, True]
    given = form(("linear_discriminator", (("threshold", 5.0), ("weights", (0.0, 1.0)))))
    assert bit(given, 6j) and not bit(given, 4j)
    raw = form(("quadratic_discriminator", (("coefficients", (1, 1, 0, 0, 0, -4)),)))
    assert bit(raw, 3.0 + 0j) and not bit(raw, 1.0 + 0j)
    for bad in (("lda", ()), ("linear_discriminator", (("weights", (1.0,)),)), ("hw_qmfk", (("bias", 1.0),))):
        with pytest.raises(ReadoutError):
            form(bad)


def test_record_samples_may_be_longer_than_dt():
    slow = device().replace(timing=Timing(dt=DT, dtm=4 * DT))
    a = build_acquisition(slow, 0, tones=[square(802)], lo_freq=7e9, duration=802)
    b = build_acquisition(device(), 0, tones=[square(800)], lo_freq=7e9, duration=800)
    assert a.weights.size == 200 and a.samples == 800
    # same signal-to-noise ratio: amplitude and noise per sample both follow from dtm
    assert abs(a.centers[1] - a.centers[0]) / a.sigma == pytest.approx(abs(b.centers[1] - b.centers[0]) / b.sigma)
    with pytest.raises(ReadoutError, match="dtm"):
        bad = device().replace(timing=Timing(dt=DT, dtm=1.5 * DT))
        build_acquisition(bad, 0, tones=[square(800)], lo_freq=7e9, duration=800)


def test_scale_and_rotation_of_the_iq_plane():
    turned = device(replace(RESONATOR, scale=5.0, rotation=1.1))
    a = build_acquisition(device(), 0, tones=[square(800)], lo_freq=7e9, duration=800)
    b = build_acquisition(turned, 0, tones=[square(800)], lo_freq=7e9, duration=800)
    assert np.allclose(b.centers, a.centers * 5e-6 * np.exp(1.1j))
    assert b.sigma == pytest.approx(a.sigma * 5e-6)
