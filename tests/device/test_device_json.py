"""Devices as JSON: exact, versioned, strict."""

from __future__ import annotations

import copy
import json
import warnings
from dataclasses import fields

import pytest

from pulsekit.device import (
    Calibration,
    CalibrationMap,
    ControlLine,
    Coupling,
    Crosstalk,
    Device,
    DriveLine,
    Limits,
    Note,
    ReadoutSpec,
    Resonator,
    Timing,
    Transmon,
)
from pulsekit.device.json_format import FORMAT, schema
from pulsekit.errors import DeviceError, PulsekitWarning


def rich():
    """A device with something in every field."""
    device = Device.line(3, disorder=True, seed=7, measure_esp_enabled=True, prob_meas0_prep1=0.02, reset_error=0.01)
    return device.age(3600, seed=2).replace(
        crosstalk=(Crosstalk("d0", 1, 0.01 + 0.02j),),
        readout_crosstalk=((0, 1, 0.001j),),
        measure_lo=tuple(r.frequency + 1e3 for r in device.resonators),
        vendor={"configuration": {"n": 1, "deep": [1.5, None, "x"]}},
    )


def same(a, b):
    for item in fields(Device):
        x, y = getattr(a, item.name), getattr(b, item.name)
        if item.name == "calibrations":
            assert list(x.entries) == list(y.entries) and x.version == y.version
            for p, q in zip(x, y):
                assert p.program.same_as(q.program)
                assert (p.id, p.date, p.source, dict(p.parameters)) == (q.id, q.date, q.source, dict(q.parameters))
                assert [z.name for z in p.program.pulses] == [z.name for z in q.program.pulses]
        else:
            assert x == y, item.name


@pytest.mark.parametrize("make", [rich, lambda: Device.from_snapshot("ibmq_poughkeepsie"), Device.transmon])
def test_round_trip_is_exact(make, tmp_path):
    device = make()
    path = tmp_path / "device.json"
    text = device.to_json(path)
    back = Device.from_json(path)
    same(device, back)
    assert back.to_json() == text
    assert back.content_hash() == device.content_hash()
    assert Device.from_json(json.loads(text)).to_json() == Device.from_json(text).to_json() == text


@pytest.mark.parametrize("source", ['{"format": ', "no/such/file.json"])
def test_what_is_no_json_is_refused(source):
    with pytest.raises(DeviceError, match=r"`source` must be a JSON file, its text or a dictionary, but"):
        Device.from_json(source)


def test_the_published_schema_describes_what_is_written():
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(schema())
    jsonschema.Draft202012Validator.check_schema(schema())
    for device in (rich(), Device.from_snapshot("ibm_perth")):
        data = json.loads(device.to_json())
        assert [e.message for e in validator.iter_errors(data)] == []
        data["transmons"][0]["colour"] = "red"
        data["timing"]["dt"] = -1
        assert len(list(validator.iter_errors(data))) == 2


def test_the_schema_names_exactly_the_fields():
    published = schema()
    assert published["$id"] == FORMAT == published["properties"]["format"]["const"]
    assert set(published["properties"]) == {f.name for f in fields(Device)} | {"format"}
    assert set(published["required"]) == set(published["properties"])
    kinds = {
        "transmon": Transmon,
        "coupling": Coupling,
        "drive": DriveLine,
        "control": ControlLine,
        "crosstalk": Crosstalk,
        "resonator": Resonator,
        "readout": ReadoutSpec,
        "timing": Timing,
        "limits": Limits,
        "calibration": Calibration,
        "note": Note,
    }
    for name, kind in kinds.items():
        assert set(published["$defs"][name]["properties"]) == {f.name for f in fields(kind)}, name


def test_unknown_and_missing_keys_are_refused():
    data = json.loads(Device.pair().to_json())
    entry = ("calibrations", "entries", 0)
    program = (*entry, "program")
    paths = ((), ("transmons", 0), ("timing",), ("calibrations",), entry, program, (*program, "pulses", 0))
    for path in (*paths, (*program, "events")):
        broken = copy.deepcopy(data)
        target = broken
        for key in path:
            target = target[key]
        target["surprise"] = 1
        with pytest.raises(DeviceError, match="surprise"):
            Device.from_json(broken)
    for key in ("transmons", "calibrations", "stale"):
        broken = {k: v for k, v in data.items() if k != key}
        with pytest.raises(DeviceError, match=key):
            Device.from_json(broken)
    broken = copy.deepcopy(data)
    del broken["transmons"][1]["frequency"]
    with pytest.raises(DeviceError, match=r"transmons\[1\].*frequency"):
        Device.from_json(broken)
    broken = copy.deepcopy(data)
    broken["transmons"][1]["t2"] = 5.0
    with pytest.raises(DeviceError, match=r"transmons\[1\].*`t2`"):
        Device.from_json(broken)


def test_version_1_is_read_and_newer_ones_are_refused():
    device = Device.pair()
    old = json.loads(device.to_json())
    old["format"] = "pulsekit.device/1"
    for key in ("qubit_lo", "measure_lo", "stale"):
        del old[key]
    for entry in old["calibrations"]["entries"]:
        for key in ("id", "date", "source", "parameters"):
            del entry[key]
    back = Device.from_json(old)
    assert back.content_hash() == device.content_hash()
    assert back.calibrations.get("x", (0,)).source == "device"
    for name in ("pulsekit.device/3", "pulsekit.device/0", "pulsekit.program/1", "pulsekit.device/", ""):
        with pytest.raises(DeviceError, match="format"):
            Device.from_json({**json.loads(device.to_json()), "format": name})


def test_vendor_files_from_a_folder_and_beside_each_other(tmp_path):
    from pulsekit.device.snapshots import load_snapshot

    names = ("conf_x.json", "defs_x.json", "props_x.json")
    for name, part in zip(names, load_snapshot("ibmq_manila")):
        (tmp_path / name).write_text(json.dumps(part))
    with warnings.catch_warnings():
        warnings.simplefilter("error", PulsekitWarning)
        expected = Device.from_snapshot("ibmq_manila").content_hash()
        assert Device.from_json(tmp_path).content_hash() == expected
        assert Device.from_json(tmp_path / names[0]).content_hash() == expected
        assert Device.from_json(*(tmp_path / n for n in names)).content_hash() == expected
    (tmp_path / "conf_y.json").write_text("{}")
    with pytest.raises(DeviceError, match="2 were found"):
        Device.from_json(tmp_path)
    with pytest.raises(DeviceError, match="no_such"):
        Device.from_json(tmp_path / "no_such.json")
    (tmp_path / "bad.json").write_text("[1, 2]")
    with pytest.raises(DeviceError, match="object"):
        Device.from_json(tmp_path / "bad.json")


def test_diff_says_what_changed():
    a = Device.pair()
    b = Device.pair(rabi_rate=(130e6, 120e6))
    found = CalibrationMap.diff(a.calibrations, b.calibrations)
    changed = {(c.name, c.qubits): c for c in found.changed}
    assert ("x", (1,)) in changed and ("x", (0,)) not in changed and ("measure", (1,)) not in changed
    old, new = changed[("x", (1,))].parameters["amp"]
    assert new / old == pytest.approx(130 / 120)
    assert "x[1]: amp: 0.2" in str(found)
    fewer = CalibrationMap({k: v for k, v in a.calibrations.entries.items() if k[0] != "x12"})
    found = a.calibrations.diff(fewer, a.calibrations)
    assert found.added == (("x12", (0,)), ("x12", (1,))) and not found.removed and not found.changed
    assert not CalibrationMap.diff(a.calibrations, a.calibrations)
    assert str(CalibrationMap.diff(a.calibrations, a.calibrations)) == "no difference"


def test_calibration_ids_follow_content():
    x = Device.transmon().calibrations.get("x", (0,))
    again = Device.transmon().calibrations.get("x", (0,))
    other = Device.transmon(rabi_rate=100e6).calibrations.get("x", (0,))
    assert x.id == again.id != other.id and x.id.startswith("x:0:")
    perth = Device.from_snapshot("ibm_perth").calibrations.get("sx", (3,))
    assert perth.source == "vendor" and perth.date.startswith("2022-07-13T")
    assert set(perth.parameters) == {"amp", "angle", "beta", "duration", "sigma"}


def test_a_device_can_be_copied_and_sent_to_another_process():
    import pickle

    device = rich()
    for copied in (copy.deepcopy(device), pickle.loads(pickle.dumps(device))):
        same(device, copied)
        assert copied.content_hash() == device.content_hash()
        events = copied.calibrations.get("x", (0,)).program.events
        assert not events.value.flags.writeable
        with pytest.raises(TypeError):
            copied.calibrations.get("x", (0,)).program.metadata["a"] = 1
