"""Compare run() with the reference's signature, and with its own table."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import pytest
from backend_circuits import measured

from pulsekit.backend import Backend
from pulsekit.backend.parameters import OWN_OPTIONS, RUN_PARAMETERS, default_options

STORED = json.loads(Path(__file__).with_name("ibmq_run_signature.json").read_text())


def shape(signature):
    return [
        {
            "name": p.name,
            "kind": p.kind.name,
            "default": None if p.default is p.empty else repr(p.default),
            "required": p.default is p.empty,
        }
        for p in signature.parameters.values()
    ]


def test_signature_is_the_references():
    assert shape(inspect.signature(Backend.run)) == STORED["parameters"]


def test_stored_signature_is_the_installed_ones():
    provider = pytest.importorskip("qiskit.providers.ibmq")
    assert shape(inspect.signature(provider.IBMQBackend.run)) == STORED["parameters"]


def test_the_table_is_the_signature():
    names = list(inspect.signature(Backend.run).parameters)
    assert [p.name for p in RUN_PARAMETERS] == names[1:-1]


def test_the_documentation_has_every_parameter():
    text = Backend.run.__doc__
    for p in RUN_PARAMETERS + OWN_OPTIONS:
        assert f"{p.name} ({p.hint}): {p.doc}" in text


def test_options_are_the_tables(backend):
    assert set(backend.options) == set(default_options())
    reference = {"shots": 4000, "memory": False, "meas_level": 2, "meas_return": "avg", "memory_slot_size": 100}
    assert {k: default_options()[k] for k in reference} == reference
    assert default_options()["init_qubits"] is True
    others = ("qubit_lo_freq", "meas_lo_freq", "schedule_los", "memory_slots", "rep_time", "rep_delay")
    assert all(default_options()[k] is None for k in (*others, "use_measure_esp", "live_data_enabled"))


def test_positional_order(backend):
    job = backend.run(measured(), "name", "hub", ["t"], "e1", {"k": "v"}, 11, True)
    assert (job.name(), job.share_level(), job.tags(), job.experiment_id) == ("name", "hub", ["t"], "e1")
    result = job.result()
    assert result.header.k == "v" and len(result.get_memory()) == 11
