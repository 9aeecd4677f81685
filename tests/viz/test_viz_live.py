"""Live plots: what they draw, and the examples in the documentation."""

from __future__ import annotations

import json
import runpy
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from pulsekit.errors import ReadoutError
from pulsekit.viz import LivePlot, live_signal, live_text

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def packet(iq, number=3):
    pairs = [[z.real, z.imag] for z in np.asarray(iq, complex).tolist()]
    return {"a1": {"avgLevel0": [], "avgLevel1": pairs, "rounds": number}, "total_rounds": 10}


def test_a_sweep_is_projected_on_its_line():
    swing = np.sin(np.linspace(0, np.pi, 21)) ** 2
    found = live_signal(packet((3 - 2j) * 1e6 + swing * (1 + 2j) * 1e6), "a1")
    assert found == pytest.approx(swing, abs=1e-12)
    assert live_signal(packet([3 + 4j]), "a1") == pytest.approx([5.0])
    assert live_signal(packet([1j, 1j, 1j]), "a1") == pytest.approx([1.0] * 3)
    with pytest.raises(ReadoutError, match="a0"):
        live_signal(packet([1.0]), "a0")


def test_text_has_a_mark_per_circuit():
    lines = live_text(packet(np.linspace(0, 1, 9)), "a1", height=9).splitlines()
    assert lines[0] == "a1  round 3 of 10" and len(lines) == 10
    assert ["".join(line).index("*") for line in lines[1:]] == list(range(8, -1, -1))
    wide = live_text(packet(np.linspace(0, 1, 500)), "a1", width=40).splitlines()
    assert max(map(len, wide[1:])) == 40


def test_the_figure_follows_the_packets():
    plot = LivePlot(np.linspace(5, 6, 3), "a1")
    plot(packet([0.0, 1.0, 4.0]))
    figure = plot(packet([0.0, 3.0, 4.0], 4))
    line = figure.axes[0].lines[0]
    assert len(figure.axes[0].lines) == 1 and line.get_ydata() == pytest.approx([0, 0.75, 1])
    assert figure.axes[0].get_title() == "round 4 of 10" and figure.axes[0].get_xlim()[1] > 6


@pytest.mark.filterwarnings("ignore")
def test_the_terminal_example_runs(capsys):
    runpy.run_path(str(EXAMPLES / "live_terminal.py"))["main"](200)
    assert [line for line in capsys.readouterr().out.splitlines() if "round" in line] == [
        f"a0  round {k} of 10" for k in range(1, 11)
    ]


@pytest.mark.filterwarnings("ignore")
def test_the_notebook_example_runs(monkeypatch):
    """Its code cells, with a stand-in for IPython's display."""
    shown = []
    handle = types.SimpleNamespace(update=shown.append)
    module = types.ModuleType("IPython.display")
    module.display = lambda figure, display_id: handle
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    cells = json.loads((EXAMPLES / "live_notebook.ipynb").read_text())["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    names = {}
    exec(compile(code.replace("100_000", "500"), "live_notebook.ipynb", "exec"), names)
    assert len(shown) == 10 and shown[-1] is names["plot"].figure
