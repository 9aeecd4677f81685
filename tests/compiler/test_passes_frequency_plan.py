"""The LO plan: run_contract section 2, with the decisions of sections 6 and 8."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit.pulse import AcquireChannel, ControlChannel, DriveChannel, LoConfig, MeasureChannel

from pulsekit.compiler.passes.frequency_plan import channel_ranges, resolve_los
from pulsekit.device import ControlLine, Device, Limits, Resonator, Transmon
from pulsekit.errors import CompilerError
from pulsekit.program import Channel

D0, D1, M0 = Channel("d", 0), Channel("d", 1), Channel("m", 0)


@pytest.fixture
def device():
    return Device(
        "two",
        (Transmon(5.0e9), Transmon(5.1e9)),
        controls=(
            ControlLine(0, ((1, 1.0),), 1e6),
            ControlLine(1, ((0, -1.0 + 0j), (1, 2.0)), 1e6),
        ),
        resonators=(Resonator(7.0e9), Resonator(7.2e9)),
    )


def test_los_default_to_the_device(device):
    los, expansion = resolve_los(device, 3)
    assert expansion.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(los.drive, [[5.0e9, 5.1e9]] * 3)
    np.testing.assert_array_equal(los.measure, [[7.0e9, 7.2e9]] * 3)
    np.testing.assert_array_equal(los.drive_frame, [5.0e9, 5.1e9])
    np.testing.assert_allclose(los.control, [[5.1e9, 5.2e9]] * 3)


@pytest.mark.parametrize("given", [[5.05e9, 5.0e9], (5.05e9, 5.0e9), np.array([5.05e9, 5.0e9])])
def test_job_list_overrides_defaults_and_moves_control_frames(device, given):
    los, _ = resolve_los(device, 2, qubit_lo_freq=given)
    np.testing.assert_array_equal(los.drive_frame, [5.05e9, 5.0e9])
    np.testing.assert_array_equal(los.drive, [[5.05e9, 5.0e9]] * 2)
    np.testing.assert_allclose(los.control_frame, [5.0e9, -5.05e9 + 10.0e9])
    np.testing.assert_array_equal(los.measure_frame, [7.0e9, 7.2e9])


@pytest.mark.parametrize("given", [None, [], (), np.array([])])
def test_empty_job_list_counts_as_not_given(device, given):
    los, _ = resolve_los(device, 1, qubit_lo_freq=given, meas_lo_freq=given)
    np.testing.assert_array_equal(los.drive_frame, [5.0e9, 5.1e9])
    np.testing.assert_array_equal(los.measure_frame, [7.0e9, 7.2e9])


@pytest.mark.parametrize("entries", [None, [], {}, ()])
def test_no_entries(device, entries):
    los, expansion = resolve_los(device, 2, schedule_los=entries)
    assert len(los) == 2 and expansion.tolist() == [0, 1]


@pytest.mark.parametrize("experiments", [1, 4])
@pytest.mark.parametrize("wrap", [lambda e: e, lambda e: [e]])
def test_one_entry_holds_for_all_and_at_the_job_level(device, experiments, wrap):
    los, expansion = resolve_los(device, experiments, meas_lo_freq=[7.1e9, 7.1e9], schedule_los=wrap({D0: 5.2e9}))
    assert expansion.tolist() == list(range(experiments))
    np.testing.assert_array_equal(los.drive, [[5.2e9, 5.1e9]] * experiments)
    np.testing.assert_array_equal(los.drive_frame, [5.2e9, 5.1e9])
    np.testing.assert_array_equal(los.measure, [[7.1e9, 7.1e9]] * experiments)
    np.testing.assert_allclose(los.control_frame, [5.1e9, -5.2e9 + 10.2e9])


def test_several_entries_sweep_one_experiment_drive_only(device):
    """The reference crashes here (2.5); an entry equal to the default too."""
    los, expansion = resolve_los(
        device, 1, qubit_lo_freq=[5.0e9, 5.15e9], schedule_los=[{D0: 4.9e9}, {D0: 5.0e9}, {}, None, {M0: 6.9e9}]
    )
    assert expansion.tolist() == [0] * 5
    np.testing.assert_array_equal(los.drive[:, 0], [4.9e9, 5.0e9, 5.0e9, 5.0e9, 5.0e9])
    np.testing.assert_array_equal(los.drive[:, 1], [5.15e9] * 5)  # per-channel override, not replacement
    np.testing.assert_array_equal(los.measure[:, 0], [7.0e9] * 4 + [6.9e9])
    np.testing.assert_array_equal(los.drive_frame, [5.0e9, 5.15e9])  # the job level stays
    np.testing.assert_allclose(los.control[:, 1], -los.drive[:, 0] + 2 * los.drive[:, 1])


def test_pairwise_entries(device):
    los, expansion = resolve_los(device, 2, schedule_los=[{D0: 4.9e9}, {D1: 5.0e9}])
    assert expansion.tolist() == [0, 1]
    np.testing.assert_array_equal(los.drive, [[4.9e9, 5.1e9], [5.0e9, 5.0e9]])


@pytest.mark.parametrize("experiments,entries", [(3, 2), (2, 3), (4, 5)])
def test_impossible_number_of_entries(device, experiments, entries):
    with pytest.raises(CompilerError, match=r"schedule_los.*one entry, or one per experiment"):
        resolve_los(device, experiments, schedule_los=[{D0: 5.0e9}] * entries)


def test_qiskit_channels_and_lo_configs(device):
    config = LoConfig({DriveChannel(1): 5.2e9, MeasureChannel(1): 7.3e9})
    los, _ = resolve_los(device, 1, schedule_los=[config, {DriveChannel(0): 5.1e9}])
    np.testing.assert_array_equal(los.drive, [[5.0e9, 5.2e9], [5.1e9, 5.1e9]])
    np.testing.assert_array_equal(los.measure, [[7.0e9, 7.3e9], [7.0e9, 7.2e9]])


@pytest.mark.parametrize("bad", [5.6e9, 4.4e9, -5.0e9, float("nan"), float("inf"), True, "5e9", 5e9 + 0j, None])
def test_bad_frequencies_are_coded(device, bad):
    for settings in (
        {"qubit_lo_freq": [bad, 5.1e9]},
        {"schedule_los": {D0: bad}},
        {"schedule_los": [{}, {D0: bad}]},
    ):
        with pytest.raises(CompilerError, match="d0, qubit 0") as caught:
            resolve_los(device, 1, **settings)
        assert caught.value.code == 8000


def test_range_ends_are_included_and_gigahertz_are_recognized(device):
    resolve_los(device, 1, qubit_lo_freq=[5.5e9, 4.6e9])
    with pytest.raises(CompilerError, match="looks like GHz"):
        resolve_los(device, 1, qubit_lo_freq=[5.0, 5.1])
    narrow = device.replace(limits=Limits(drive_lo=((4.99e9, 5.01e9), (5.0e9, 5.2e9))))
    with pytest.raises(CompilerError, match=r"4\.990000\.\.5\.010000 GHz"):
        resolve_los(narrow, 1, qubit_lo_freq=[5.02e9, 5.1e9])


@pytest.mark.parametrize("name", ["qubit_lo_freq", "meas_lo_freq"])
@pytest.mark.parametrize("bad", [[7.0e9], [5.0e9] * 3, 5.0e9, "5.0e9", {D0: 5.0e9}])
def test_lists_of_the_wrong_kind_or_length(device, name, bad):
    with pytest.raises(CompilerError, match=f"Argument `{name}`"):
        resolve_los(device, 1, **{name: bad})


@pytest.mark.parametrize(
    "channel,code",
    [
        (ControlChannel(0), 8000),
        (AcquireChannel(0), 8000),
        (Channel("u", 0), 8000),
        (DriveChannel(2), 8004),
        (MeasureChannel(9), 8004),
        ("d0", None),
        (0, None),
        (None, None),
    ],
)
def test_channels_that_cannot_be_set(device, channel, code):
    with pytest.raises(CompilerError, match=r"schedule_los\[0\]") as caught:
        resolve_los(device, 1, schedule_los={channel: 5.0e9})
    assert caught.value.code == code


def test_input_is_copied_not_kept(device):
    job = np.array([5.0e9, 5.1e9])
    los, _ = resolve_los(device, 1, qubit_lo_freq=job)
    job[0] = 0
    assert los.drive_frame[0] == 5.0e9


def test_control_ranges_follow_from_drive_ranges(device):
    low, high = channel_ranges(device)["u"][1]
    assert (low, high) == (-5.5e9 + 9.2e9, -4.5e9 + 11.2e9)
