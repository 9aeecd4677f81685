"""The benchmarks' tables and records, not their times."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import peers, threads
from benchmarks.clients_cases import EXPERIMENTS
from benchmarks.simulator import PROMISED, QUOTED, best_peer, measure
from benchmarks.table import Row, render
from benchmarks.workloads import load, names, reference
from benchmarks.workloads.counts import frequencies, wanted


def test_every_name_has_rows() -> None:
    for name in command.NAMES:
        assert callable(importlib.import_module(f"benchmarks.{name}").rows)
    assert set(PROMISED) == set(QUOTED) == set(names())


def test_a_row_has_time_error_and_memory() -> None:
    row = measure("w1_rabi1q", repeats=1)
    assert row.ours_s > 0 and row.error < 1e-6
    assert row.memory_mb > 30 and 0 <= row.growth_mb < row.memory_mb


def test_the_table_tells_what_ran_here_from_what_is_quoted() -> None:
    rows = [Row("a", 1e-3, "here", 0.5, "there", 2.0, error=1e-9), Row("b", 2e-3, survey="there", survey_s=2.0)]
    head, _, first, second = render(rows).splitlines()
    assert "peer, run here" in head and "peer, quoted" in head and "peak memory" not in head
    assert "500x" in first and "2,000x" in first and "1,000x" in second and "500x" not in second


def test_only_accurate_peers_of_this_machine_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "MEASURED", tmp_path)
    assert best_peer("w1_rabi1q") == ("", None)
    entry = {"seconds": 2.0, "error": 1e-8, "how": "expm, warm"}
    record = {"machine": peers.machine(), "versions": {}, "times": {"w1_rabi1q": entry}}
    (tmp_path / "slow.json").write_text(json.dumps(record))
    fast = {**record, "times": {"w1_rabi1q": {**entry, "seconds": 0.1, "error": 1e-5}}}
    (tmp_path / "wrong.json").write_text(json.dumps(fast))
    other = {**record, "machine": "another", "times": {"w1_rabi1q": {**entry, "seconds": 0.2}}}
    (tmp_path / "elsewhere.json").write_text(json.dumps(other))
    assert best_peer("w1_rabi1q") == ("slow expm", 2.0)


def test_samples_of_peers_are_the_workloads() -> None:
    channels, samples, offset = peers.tables(load("w5_cr2q"))
    assert channels == ["d0", "u0"] and samples.shape == (50, 2, 2336) and offset.shape == (50, 2)
    assert np.allclose(offset[0], [0.06, -0.06])
    assert np.abs(samples[-1, 1]).max() == pytest.approx(0.5)


def test_counts_are_compared_with_probabilities() -> None:
    assert np.allclose(frequencies({"00": 3, "10": 1}, 2), [[0.75, 0, 0.25, 0]])
    assert np.allclose(wanted(reference("w5_cr2q"), [3, 3]).sum(axis=1), 1)
    one = np.zeros((1, 9))
    one[0, 2 + 3 * 0] = 0.25  # qubit 0 in level 2
    one[0, 3 * 1] = 0.75  # qubit 1 in level 1
    assert np.allclose(wanted(one, [3, 3]), [[0, 0.25, 0.75, 0]])


def test_two_threads_are_timed_beside_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "LONG", 1e-3)
    monkeypatch.setattr(threads, "REPEATS", 1)
    monkeypatch.setattr(threads, "TRAJECTORIES", {"few": (2, 10, 3)})
    for name in ("w1_rabi1q", "few"):
        row = threads.measure(name)
        assert row.peer == "one thread" and row.ours_s > 0 and row.peer_s > 0


def test_every_client_is_measured_in_the_documentation() -> None:
    text = (Path(__file__).parents[1] / "docs" / "clients.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ") and line.count("|") == 10]
    for name, case in EXPERIMENTS.items():
        row = next(row for row in rows if row.startswith((f"| {name} ", f"| {name},")))
        assert ("not possible" in row) == bool(case.peer)
