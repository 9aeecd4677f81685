"""Draw when excited-state promotion pays: assigned error against acquisition length.

python docs/plots/readout_esp.py [out.svg]
"""

from __future__ import annotations

import sys

import numpy as np

from pulsekit.device import Device, Resonator, Transmon
from pulsekit.program import AcquireSpec, Pulse
from pulsekit.readout import Tone, build_acquisition, chance_of_one, project

T1 = 100e-6  # s
CHI = (0.725e6, -0.725e6, -1.62e6)  # Hz: small against kappa, so that 1 lies between 0 and 2
SEPARATION = 8.0  # standard deviations between 0 and 1, at every length
PI12_ERRORS = (0.0, 1e-2, 5e-2)


def errors(length_s: float, pi12_error: float) -> "tuple[float, float]":
    """Return P(read 0 | prepared 1), without and with ESP; a failed promotion stays in 1."""
    device = Device(
        "esp",
        (Transmon(5e9, levels=3, t1=T1, t2=T1),),
        resonators=(Resonator(7e9, kappa=8e6, chi=CHI, drive_rate=60e6),),
    )
    samples = int(length_s / device.timing.dt) // 16 * 16
    pulse = Pulse.from_shape("gaussian_square", samples, {"sigma": 32, "width": samples - 128}).samples
    tones = [Tone(0, 0.25 * pulse, 0.0)]
    half = np.array([0.5])
    found = []
    for spec, upper in ((AcquireSpec(), 1), (AcquireSpec(esp=True), 2)):
        a = build_acquisition(device, 0, tones=tones, lo_freq=7e9, duration=samples, spec=spec)
        paths = project(a, upper, (1, 2))
        c = a.centers
        far = np.array([SEPARATION * abs(c[upper] - c[0]) / abs(c[1] - c[0])])
        found.append([1 - float(chance_of_one(paths, k, far, half)[0]) for k in (0, 1)])
    plain = found[0][0]
    promoted = (1 - pi12_error) * found[1][1] + pi12_error * found[1][0]
    return plain, promoted


def main(out: str) -> None:
    """Draw the figure."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    lengths = np.geomspace(0.2e-6, 10e-6, 14)
    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    plain = [errors(t, 0.0)[0] for t in lengths]
    axes.loglog(lengths * 1e6, plain, "k-", lw=2, label="without ESP")
    for error, style in zip(PI12_ERRORS, ("-", "--", ":")):
        esp = [errors(t, error)[1] for t in lengths]
        axes.loglog(lengths * 1e6, esp, style, color="tab:red", label=f"ESP, pi-12 error {error:g}")
    x = lengths / 2 / T1
    axes.loglog(lengths * 1e6, 1 - np.exp(-x), "x", color="k", ms=5, label="1 - exp(-x), x = half the window / T1")
    axes.loglog(lengths * 1e6, (1 - np.exp(-x)) ** 2, "+", color="tab:red", ms=7, label="(1 - exp(-x))^2")
    axes.set(
        xlabel="acquisition length (us)",
        ylabel="P(read 0 | prepared 1)",
        title=f"T1 = {T1 * 1e6:.0f} us, 0 and 1 {SEPARATION:g} sigma apart",
    )
    axes.grid(alpha=0.3, which="both")
    axes.legend(fontsize=8)
    figure.savefig(out)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "readout_esp.svg")
