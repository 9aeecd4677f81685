"""The main job does what the README says, and finds the snapshot's values."""

from __future__ import annotations

import re
import struct
import warnings
from pathlib import Path
from typing import List

import numpy as np
import pytest
from click.testing import CliRunner

import pulsekit
from pulsekit.calibration import fit_resonance, project_iq
from pulsekit.cli import main
from pulsekit.cli.demo import Findings, run_demo, summary
from pulsekit.errors import PulsekitWarning

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    folder = tmp_path_factory.mktemp("demo")
    findings = run_demo("ibm_perth", output=folder / "report.png", shots=4000, seed=7, progress=False)
    findings.png = folder / "report.png"  # type: ignore[attr-defined]
    return findings


def test_circuits_come_out_as_on_a_good_machine(found: Findings) -> None:
    assert found.fidelities["bell"] > 0.97
    assert found.fidelities["ghz-3"] > 0.94
    assert all(sum(c.values()) == 4000 for c in found.counts.values())
    assert 0.45 < found.counts["bell"]["00"] / 4000 < 0.55


def test_rabi_finds_the_calibrated_amplitude(found: Findings) -> None:
    calibrated = found.backend.device.calibrations.get("x", (0,))
    assert calibrated is not None
    amplitude = float(calibrated.program.events.value[0])
    assert found.rabi.value == pytest.approx(amplitude, abs=5 * found.rabi.stderr + 0.003 * amplitude)
    assert found.rabi.stderr < 0.01 * amplitude


def test_the_lo_sweep_finds_the_snapshots_frequency(found: Findings) -> None:
    estimate = found.backend.defaults().qubit_freq_est[0]
    assert abs(found.resonance.value - estimate) < 20e3
    assert 10 < found.resonance.stderr < 20e3


def test_levels_have_clouds_of_their_own(found: Findings) -> None:
    centres = [c.mean() for c in found.clouds.values()]
    widths = [c.std() / np.sqrt(2) for c in found.clouds.values()]
    assert len(centres) == 3
    for a, b in ((0, 1), (1, 2), (0, 2)):
        assert abs(centres[a] - centres[b]) > 1.5 * max(widths)


def test_the_raw_trace_covers_the_acquisition(found: Findings) -> None:
    assert found.trace.shape == (1472,)
    assert np.iscomplexobj(found.trace) and np.ptp(np.abs(found.trace)) > 0


def test_the_report_is_a_png_of_a_readable_size(found: Findings) -> None:
    data = found.png.read_bytes()  # type: ignore[attr-defined]
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    assert width >= 1200 and height >= 800


def test_the_summary_sets_findings_beside_the_snapshot(found: Findings) -> None:
    text = "\n".join(summary(found))
    assert "Hellinger fidelity" in text and "snapshot 5.157546 GHz" in text and "snapshot 0.16094" in text


def test_the_command_lists_devices_and_describes_one() -> None:
    listed = CliRunner().invoke(main, ["backends"])
    assert listed.exit_code == 0 and "ibm_perth" in listed.output.split()
    described = CliRunner().invoke(main, ["device", "ibm_perth"])
    assert described.exit_code == 0 and "ibm_perth" in described.output


def test_every_listed_device_is_described() -> None:
    for name in ("transmon", "ring_8"):
        described = CliRunner().invoke(main, ["device", name])
        assert described.exit_code == 0 and described.output.strip(), name


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["device", "ibm_perht"], "Did you mean ibm_perth"),
        (["demo", "--backend", "ibm_perht"], "Did you mean ibm_perth"),
        (["demo", "--backend", "pair"], "pair has 2 of the 3 qubits"),
        (["demo", "--output", "no/such/folder/report.png"], "There is no folder 'no/such/folder'"),
        (["demo", "--output", "report.docx"], "'report.docx' must end with one of"),
        (["demo", "--seed", "-1"], "-1 is not in the range"),
    ],
)
def test_wrong_arguments_are_told_in_a_line(arguments: List[str], told: str) -> None:
    outcome = CliRunner().invoke(main, arguments)
    assert outcome.exit_code in (1, 2) and isinstance(outcome.exception, SystemExit)
    assert told in outcome.output.strip().splitlines()[-1]


def blocks(language: str) -> List[str]:
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf8"), re.S)


def test_the_readmes_ten_lines_run(capsys: pytest.CaptureFixture) -> None:
    (code,) = blocks("python")
    assert len(code.strip().splitlines()) <= 12
    space: dict = {}
    with warnings.catch_warnings():
        warnings.simplefilter("error", PulsekitWarning)
        exec(compile(code, "README.md", "exec"), space)  # the README's own code
    counts, line = capsys.readouterr().out.strip().splitlines()
    assert "'00'" in counts and "'11'" in counts
    assert line.count("j") == 61
    signal = project_iq(np.array([space["sweep"].get_memory(k)[0] for k in range(61)]))
    assert abs(fit_resonance(space["lo"], signal).value - space["lo"][30]) < 50e3
    assert space["backend"].name == "ibm_perth"


def test_the_readme_has_both_commands() -> None:
    demo, test = blocks("sh")
    assert "pulsekit demo" in demo and ".[plot]" in demo
    assert "pytest" in test and ".[test]" in test
    assert pulsekit.__version__ == "0.1.0"
