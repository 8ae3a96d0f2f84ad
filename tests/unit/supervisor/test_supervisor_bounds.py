"""The supervisor's judges right at their bounds: restarts, the ladder, tallies, the watchdog that is chosen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from watchkeeper.board import WatchdogSettings
from watchkeeper.clock import NS_PER_MS, NS_PER_S
from watchkeeper.errors import BadInputError
from watchkeeper.supervisor.bus_watch import BusWatch
from watchkeeper.supervisor.cycle import Cycle
from watchkeeper.supervisor.hw_watchdog import choose
from watchkeeper.supervisor.ladder import RestartCounts, RestartLadder, Rung
from watchkeeper.supervisor.liveness import Freshness, FrozenPicture, Liveness, VisionPhase, VisionStatus
from watchkeeper.supervisor.outputs import WarningTally
from watchkeeper.supervisor.restart import Action, VisionKeeper
from watchkeeper.types import Cause, DriverState, VisionReport

_MS = NS_PER_MS
_T = 50 * NS_PER_S


def _report(
    t_ns: int, seq: int = 1, *, pid: int = 7, content: int = 0, warnings: int = 0, condition: Cause = Cause.NONE
) -> VisionReport:
    driver = DriverState(t_ns, seq, warning_count=warnings)
    return VisionReport(t_ns, pid, t_ns, condition, driver=driver, content=content)


# --- the keeper of vision ---------------------------------------------------------------------------------------------


def _keeper() -> VisionKeeper:
    keeper = VisionKeeper()
    assert keeper.step(None, False, None, _T) is Action.START
    keeper.started(_T)
    return keeper


def test_before_the_first_start_nothing_was_restarted() -> None:
    keeper = VisionKeeper()
    assert (keeper.restarts, keeper.failures, keeper.given_up) == (0, 0, False)
    assert keeper.status == VisionStatus(VisionPhase.STARTING, Cause.NONE)
    assert keeper.attends(_T)
    keeper.started(_T)
    assert keeper.restarts == 0
    keeper.started(_T)
    assert keeper.restarts == 1


def test_a_process_that_cannot_be_killed_is_no_longer_attended_to_after_ten_seconds() -> None:
    keeper = _keeper()
    t_ns = _T + 20 * NS_PER_S + 1
    assert keeper.step(None, False, None, t_ns) is Action.KILL
    # killed again in every slot: counted from the first
    assert keeper.step(None, False, None, t_ns + 5 * NS_PER_S) is Action.KILL
    assert keeper.attends(t_ns + 10 * NS_PER_S)
    assert not keeper.attends(t_ns + 10 * NS_PER_S + 1)
    keeper.step(-9, False, None, t_ns + 11 * NS_PER_S)
    assert keeper.attends(t_ns + 30 * NS_PER_S), "gone at last"


def test_a_picture_frozen_for_three_seconds_gets_vision_started_anew() -> None:
    keeper, frozen_ns = _keeper(), None
    for k in range(1, 200):
        t_ns = _T + k * 50 * _MS
        action = keeper.step(None, False, _report(t_ns, k, content=5), t_ns)
        if action is Action.KILL:
            break
        if frozen_ns is None and k * 50 - 50 >= 300:
            frozen_ns = t_ns
    assert frozen_ns is not None
    assert t_ns - frozen_ns == 3050 * _MS
    assert keeper.status == VisionStatus(VisionPhase.RESTARTING, Cause.CAMERA_FROZEN)


def test_a_picture_that_moves_again_is_forgiven() -> None:
    keeper = _keeper()
    for k in range(1, 200):
        t_ns = _T + k * 50 * _MS
        content = k if k % 50 == 0 else 5
        assert keeper.step(None, False, _report(t_ns, k, content=content), t_ns) is Action.NONE


def test_failures_are_counted_until_one_run_measures() -> None:
    keeper, t_ns, failures = _keeper(), _T, []
    for measures in (False, False, True, False):
        if measures:
            keeper.step(None, False, _report(t_ns, 1), t_ns)
        keeper.step(1, False, None, t_ns)
        failures.append(keeper.failures)
        t_ns += 20 * NS_PER_S
        keeper.started(t_ns)
    assert failures == [1, 2, 0, 1]


# --- the ladder -------------------------------------------------------------------------------------------------------


def test_the_camera_service_is_restarted_after_three_failures_and_every_thirty_seconds() -> None:
    ladder = RestartLadder(RestartCounts(), camera_service=True, board=False)
    assert ladder.step(0, 2, False, False, _T) is Rung.NONE
    assert ladder.step(0, 3, False, False, _T) is Rung.CAMERA_SERVICE
    assert ladder.step(0, 4, False, False, _T + 30 * NS_PER_S - 1) is Rung.NONE
    assert ladder.step(0, 4, False, False, _T + 30 * NS_PER_S) is Rung.CAMERA_SERVICE
    assert ladder.counts == RestartCounts(camera_service=2)


def test_the_board_is_restarted_after_a_minute_of_fault_without_a_break() -> None:
    ladder = RestartLadder(RestartCounts(), camera_service=False, board=True)
    assert ladder.step(0, 8, True, False, _T) is Rung.NONE
    assert ladder.step(0, 8, False, False, _T + 30 * NS_PER_S) is Rung.NONE
    begun_ns = _T + 31 * NS_PER_S
    assert ladder.step(0, 8, True, False, begun_ns) is Rung.NONE
    assert ladder.step(0, 8, True, False, begun_ns + 60 * NS_PER_S - 1) is Rung.NONE
    assert ladder.step(0, 8, True, False, begun_ns + 60 * NS_PER_S) is Rung.BOARD
    assert ladder.step(0, 8, True, False, begun_ns + 900 * NS_PER_S) is Rung.NONE, "asked for once"
    assert ladder.counts == RestartCounts(board=1, board_in_a_row=1)


@pytest.mark.parametrize(("in_a_row", "rung"), [(2, Rung.BOARD), (3, Rung.NONE)])
def test_the_board_is_restarted_three_times_in_a_row_at_most(in_a_row: int, rung: Rung) -> None:
    ladder = RestartLadder(RestartCounts(board_in_a_row=in_a_row), camera_service=False, board=True)
    ladder.step(0, 8, True, False, _T)
    assert ladder.step(0, 8, True, False, _T + 60 * NS_PER_S) is rung


def test_a_minute_of_measuring_without_a_break_forgives_the_board() -> None:
    ladder = RestartLadder(RestartCounts(board_in_a_row=2), camera_service=False, board=True)
    ladder.step(0, 0, False, True, _T)
    ladder.step(0, 0, False, False, _T + 30 * NS_PER_S)
    begun_ns = _T + 31 * NS_PER_S
    ladder.step(0, 0, False, True, begun_ns)
    ladder.step(0, 0, False, True, begun_ns + 60 * NS_PER_S - 1)
    assert ladder.counts.board_in_a_row == 2
    ladder.step(0, 0, False, True, begun_ns + 60 * NS_PER_S)
    assert ladder.counts.board_in_a_row == 0


def test_restarts_of_vision_are_counted_on_from_what_was_kept() -> None:
    ladder = RestartLadder(RestartCounts(vision=10), camera_service=False, board=False)
    for restarts in (0, 1, 1, 4):
        ladder.step(restarts, 0, False, True, _T)
    assert ladder.counts.vision == 14


@pytest.mark.parametrize(("value", "read"), [(0, 0), (2**31 - 1, 2**31 - 1), (2**31, 0), (-1, 0), (True, 0), (1.0, 0)])
def test_a_kept_count_is_a_number_of_31_bits(value: object, read: int, tmp_path: Path) -> None:
    path = tmp_path / "restarts.json"
    path.write_text(json.dumps({"vision": value, "board": 5}))
    assert RestartCounts.read(path) == RestartCounts(vision=read, board=5)


# --- liveness ---------------------------------------------------------------------------------------------------------


def test_a_measurement_is_stale_after_two_hundred_milliseconds_either_way() -> None:
    fresh = Freshness()
    assert fresh.is_stale(_T)
    assert fresh.step(_report(_T))
    for off_ns, stale in ((200 * _MS, False), (200 * _MS + 1, True), (-200 * _MS, False), (-200 * _MS - 1, True)):
        assert fresh.is_stale(_T + off_ns) is stale


def test_progress_is_a_newer_exposure_with_another_number() -> None:
    fresh = Freshness()
    assert [fresh.step(_report(t_ns, seq)) for t_ns, seq in ((_T, 1), (_T, 2), (_T + 1, 1), (_T + 1, 2))] == [
        True, False, False, True,
    ]  # fmt: skip
    unnumbered = Freshness()
    assert [unnumbered.step(_report(_T + k, 0)) for k in range(3)] == [True, True, True]
    assert fresh.step(_report(_T - NS_PER_S, 2, pid=8)), "another process begins from nothing"


@pytest.mark.parametrize(
    ("pictures", "each_ns", "frozen"),
    [(3, 200 * _MS, False), (4, 100 * _MS, True), (4, 100 * _MS - 1, False), (5, 100 * _MS - 1, True)],
)
def test_frozen_is_three_repeats_over_three_hundred_milliseconds(pictures: int, each_ns: int, frozen: bool) -> None:
    picture = FrozenPicture()
    assert [picture.step(_report(_T + k * each_ns, content=9)) for k in range(pictures)][-1] is frozen
    silent = FrozenPicture()
    assert not any(silent.step(_report(_T + k * each_ns, content=0)) for k in range(pictures))


def test_the_same_report_again_is_no_repeat() -> None:
    picture = FrozenPicture()
    assert not any(picture.step(_report(_T + k // 9 * 100 * _MS, content=9)) for k in range(27))


def test_a_stopped_vision_is_stale_however_fresh_it_is() -> None:
    live = Liveness()
    assert live.step(_report(_T), VisionStatus(), _T) is Cause.NONE
    assert live.step(_report(_T), VisionStatus(stopped=True), _T) is Cause.STALE_VISION
    assert live.step(_report(_T), VisionStatus(VisionPhase.FAULT, Cause.MODEL_INVALID), _T) is Cause.MODEL_INVALID
    assert live.step(None, VisionStatus(), _T) is Cause.STARTING
    assert live.step(_report(_T, condition=Cause.CAMERA_LOST), VisionStatus(), _T) is Cause.CAMERA_LOST


# --- slots, the bus, tallies ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("late_ns", "slot", "sends"), [(0, 0, True), (500, 0, True), (501, 1, False), (1500, 1, True),
                                                        (1501, 2, False), (2500, 2, True)])  # fmt: skip
def test_a_slot_is_sent_up_to_half_a_period_late(late_ns: int, slot: int, sends: bool) -> None:
    cycle = Cycle(_T, 1000)
    assert cycle.arrive(_T + late_ns) is sends
    assert (cycle.slot, cycle.missed, cycle.due_ns) == (slot, slot, _T + slot * 1000)


def test_lateness_is_told_of_the_newest_slots() -> None:
    cycle = Cycle(_T, 1000)
    assert cycle.deviation_p99_ns() == 0
    for late_ns in [100] * 13 + [7] * 1200:
        assert cycle.arrive(cycle.due_ns + late_ns)
        cycle.done()
    assert cycle.deviation_p99_ns() == 7
    for _ in range(12):
        cycle.arrive(cycle.due_ns + 90)
        cycle.done()
    assert cycle.deviation_p99_ns() == 90, "twelve of 1200 are the highest hundredth"
    assert cycle.missed == 0


def test_a_bus_was_away_after_half_a_second_and_recovered_is_shown_for_two() -> None:
    watch = BusWatch()
    watch.step(True, 0, _T)
    watch.step(True, 0, _T + 500 * _MS)
    assert not watch.recovered(_T + 500 * _MS)
    back_ns = _T + 1000 * _MS + 1
    watch.step(False, 0, back_ns - 1)
    watch.step(True, 0, back_ns)
    assert watch.recovered(back_ns + 2 * NS_PER_S - 1)
    assert not watch.recovered(back_ns + 2 * NS_PER_S)


def test_a_bus_off_is_shown_as_soon_as_something_leaves_again() -> None:
    watch = BusWatch()
    watch.step(True, 0, _T)
    watch.step(False, 1, _T + 50 * _MS)
    assert not watch.recovered(_T + 50 * _MS)
    watch.step(True, 1, _T + 100 * _MS)
    assert watch.recovered(_T + 100 * _MS)
    watch.step(True, 1, _T + 3 * NS_PER_S // 2)
    assert not watch.recovered(_T + 4 * NS_PER_S), "told once"


def test_warnings_are_tallied_over_restarts_of_vision() -> None:
    tally = WarningTally()
    assert tally.step(None) == 0
    steps = ((7, 0), (7, 2), (7, 2), (8, 0), (8, 1), (8, 4), (8, 3), (8, 4))
    assert [tally.step(_report(_T, pid=pid, warnings=n)) for pid, n in steps] == [0, 2, 2, 2, 3, 6, 6, 7]


# --- which watchdog ---------------------------------------------------------------------------------------------------


def test_the_watchdog_is_the_boards_with_what_was_asked_for_in_its_place() -> None:
    dev, other = Path("/dev/watchdog0"), Path("/dev/watchdog1")
    board = WatchdogSettings(dev, 15, 5)
    assert choose(None, None, None) is None
    assert choose(board, None, None) == board
    assert choose(board, Path("none"), None) is None
    assert choose(board, other, None) == WatchdogSettings(other, 10, 1)
    assert choose(None, other, 2) == WatchdogSettings(other, 2, 1)
    assert choose(board, None, 6) == WatchdogSettings(dev, 6, 5)
    assert choose(board, None, 5) == WatchdogSettings(dev, 5, None), "no warning as late as the end itself"
    assert choose(WatchdogSettings(dev, 15, None), None, 6) == WatchdogSettings(dev, 6, None)
    for timeout_s in (1, 0):
        with pytest.raises(BadInputError, match="at least 2"):
            choose(board, None, timeout_s)
    with pytest.raises(BadInputError, match="names none"):
        choose(None, None, 5)
