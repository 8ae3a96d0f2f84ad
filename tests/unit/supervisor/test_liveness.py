"""Staleness at its boundary, and what counts as a new measurement."""

from __future__ import annotations

import pytest

from watchkeeper.clock import NS_PER_MS
from watchkeeper.supervisor.liveness import STALE_AFTER_NS, Freshness, Liveness, VisionPhase, VisionStatus
from watchkeeper.types import Cause, DriverState, VisionReport

_RUNNING = VisionStatus()
_NOW = 10_000 * NS_PER_MS


def _report(exposure_ns: int, seq: int = 1, condition: Cause = Cause.NONE, pid: int = 7) -> VisionReport:
    return VisionReport(exposure_ns, pid, exposure_ns, condition, driver=DriverState(exposure_ns, seq))


def test_stale_is_older_than_200_ms_and_not_200_ms() -> None:
    for age_ns, cause in ((0, Cause.NONE), (STALE_AFTER_NS, Cause.NONE), (STALE_AFTER_NS + 1, Cause.STALE_VISION)):
        assert Liveness().step(_report(_NOW - age_ns), _RUNNING, _NOW) is cause
    assert STALE_AFTER_NS == 200 * NS_PER_MS


def test_a_picture_from_the_future_is_no_proof_either() -> None:
    assert Liveness().step(_report(_NOW + 30 * NS_PER_MS), _RUNNING, _NOW) is Cause.NONE
    assert Liveness().step(_report(_NOW + STALE_AFTER_NS + 1), _RUNNING, _NOW) is Cause.STALE_VISION


def test_stale_recovers_by_itself() -> None:
    live = Liveness()
    assert live.step(_report(_NOW, 1), _RUNNING, _NOW) is Cause.NONE
    late = _NOW + STALE_AFTER_NS + 1
    assert live.step(_report(_NOW, 1), _RUNNING, late) is Cause.STALE_VISION
    assert live.step(_report(late, 2), _RUNNING, late) is Cause.NONE


def test_a_frozen_sequence_number_under_a_new_time_goes_stale() -> None:
    live = Liveness()
    causes = [live.step(_report(_NOW + i * 50 * NS_PER_MS, 5), _RUNNING, _NOW + i * 50 * NS_PER_MS) for i in range(6)]
    assert causes == [Cause.NONE] * 5 + [Cause.STALE_VISION]


def test_a_source_that_does_not_number_is_believed_by_its_times() -> None:
    fresh = Freshness()
    assert [fresh.step(_report(_NOW + i, 0)) for i in (0, 1, 1, 0, 2)] == [True, True, False, False, True]


def test_another_process_starts_from_nothing() -> None:
    fresh = Freshness()
    assert fresh.step(_report(_NOW, 100, pid=7))
    assert fresh.step(_report(_NOW - NS_PER_MS, 100, pid=8))


def test_before_the_first_measurement_it_is_starting_whatever_the_time() -> None:
    for report in (None, VisionReport(1, 7), VisionReport(1, 7, condition=Cause.NONE)):
        assert Liveness().step(report, VisionStatus(VisionPhase.STARTING), _NOW) is Cause.STARTING


def test_stopped_is_stale_at_once() -> None:
    assert Liveness().step(_report(_NOW), VisionStatus(stopped=True), _NOW) is Cause.STALE_VISION


@pytest.mark.parametrize("phase", [VisionPhase.RESTARTING, VisionPhase.FAULT])
def test_dead_vision_is_not_believed_however_fresh_it_was(phase: VisionPhase) -> None:
    status = VisionStatus(phase, Cause.VISION_RESTARTING)
    assert Liveness().step(_report(_NOW), status, _NOW) is Cause.VISION_RESTARTING


@pytest.mark.parametrize("age_ns", [0, 10 * STALE_AFTER_NS])
def test_what_vision_says_of_itself_goes_before_its_silence(age_ns: int) -> None:
    report = _report(_NOW - age_ns, condition=Cause.CAMERA_LOST)
    assert Liveness().step(report, _RUNNING, _NOW) is Cause.CAMERA_LOST
