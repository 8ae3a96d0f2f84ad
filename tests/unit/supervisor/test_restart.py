"""The restart ladder on a clock of its own: when it starts, kills, waits, gives up and forgives."""

from __future__ import annotations

import signal

import pytest

from watchkeeper.clock import NS_PER_MS, NS_PER_S
from watchkeeper.supervisor.liveness import VisionPhase, VisionStatus
from watchkeeper.supervisor.restart import (
    BACK_OFF_NS,
    FAILURES_MAX,
    GOOD_RUN_NS,
    RETRY_NS,
    STALL_AFTER_NS,
    START_ALLOWANCE_NS,
    Action,
    VisionKeeper,
)
from watchkeeper.types import Cause, DriverState, VisionReport

_SLOT = 50 * NS_PER_MS
_KILLED = -signal.SIGKILL


class _Box:
    """A keeper with its clock and a process that does what the test says."""

    def __init__(self) -> None:
        self.keeper = VisionKeeper()
        self.t_ns = 0
        self.pid = 0
        self.seq = 0
        assert self.step() is Action.START
        self.start()

    def start(self) -> None:
        self.pid += 1
        self.keeper.started(self.t_ns)

    def step(self, exit_status: int | None = None, report: VisionReport | None = None, stopped: bool = False) -> Action:
        return self.keeper.step(exit_status, stopped, report, self.t_ns)

    def measure(self) -> VisionReport:
        self.seq += 1
        return VisionReport(self.t_ns, self.pid, self.t_ns, Cause.NONE, driver=DriverState(self.t_ns, self.seq))

    def say(self, condition: Cause, ended: bool = False) -> VisionReport:
        return VisionReport(self.t_ns, self.pid, 0, condition, ended)

    def run(self, duration_ns: int) -> None:
        """Measure in every slot."""
        for _ in range(duration_ns // _SLOT):
            self.t_ns += _SLOT
            assert self.step(report=self.measure()) is Action.NONE
            assert self.keeper.status == VisionStatus(VisionPhase.RUNNING)

    def wait_ns_for_start(self, exit_status: int) -> int:
        """From the end of the process to its next start, which is done."""
        since_ns = self.t_ns
        action = self.step(exit_status)
        while action is Action.NONE:
            self.t_ns += 10 * NS_PER_MS
            assert self.t_ns - since_ns < 60 * NS_PER_S, "never started again"
            action = self.step()
        assert action is Action.START
        self.start()
        return self.t_ns - since_ns


def test_first_restart_at_once_then_back_off_up_to_its_end() -> None:
    box = _Box()
    waits = []
    for _ in range(7):
        box.run(NS_PER_S)
        waits.append(box.wait_ns_for_start(_KILLED))
        assert box.keeper.status == VisionStatus(VisionPhase.RESTARTING, Cause.VISION_RESTARTING)
    assert waits == [*BACK_OFF_NS, BACK_OFF_NS[-1], BACK_OFF_NS[-1]]
    assert box.keeper.restarts == 7


def test_a_good_run_takes_the_back_off_to_its_beginning() -> None:
    box = _Box()
    box.run(NS_PER_S)
    box.wait_ns_for_start(_KILLED)
    box.run(GOOD_RUN_NS)  # its first measurement is one slot in: 50 ms short of good
    assert box.wait_ns_for_start(_KILLED) == BACK_OFF_NS[1]
    box.run(GOOD_RUN_NS + _SLOT)
    assert box.wait_ns_for_start(_KILLED) == 0


def test_fifty_kills_after_a_measurement_use_nothing_up() -> None:
    box = _Box()
    for _ in range(50):
        box.run(_SLOT)
        assert box.wait_ns_for_start(_KILLED) <= BACK_OFF_NS[-1]
    assert box.keeper.status.phase is VisionPhase.RESTARTING


def test_failures_without_a_measurement_end_in_a_fault_that_is_retried_and_forgiven() -> None:
    box = _Box()
    for _ in range(FAILURES_MAX - 1):
        box.wait_ns_for_start(1)
        assert box.keeper.status.phase is VisionPhase.RESTARTING
    fault = VisionStatus(VisionPhase.FAULT, Cause.VISION_RESTARTING)
    for _ in range(3):
        assert box.wait_ns_for_start(1) == RETRY_NS
        assert box.keeper.status == fault
    box.t_ns += _SLOT
    box.step(report=box.say(Cause.STARTING))
    assert box.keeper.status == fault
    box.step(report=box.measure())
    assert box.keeper.status == VisionStatus(VisionPhase.RUNNING)
    assert box.wait_ns_for_start(1) < RETRY_NS
    assert not box.keeper.given_up


def test_a_camera_that_stays_lost_is_the_cause_until_the_fault_and_in_it() -> None:
    box = _Box()
    for failure in range(1, FAILURES_MAX + 1):
        box.wait_ns_for_start(4)
        phase = VisionPhase.FAULT if failure == FAILURES_MAX else VisionPhase.RESTARTING
        assert box.keeper.status == VisionStatus(phase, Cause.CAMERA_LOST)


def test_an_internal_error_is_the_faults_cause() -> None:
    box = _Box()
    for _ in range(FAILURES_MAX):
        box.step(report=box.say(Cause.INTERNAL_ERROR))
        box.wait_ns_for_start(1)
    assert box.keeper.status == VisionStatus(VisionPhase.FAULT, Cause.INTERNAL_ERROR)


def test_no_progress_is_a_stall_after_one_second_and_not_before() -> None:
    box = _Box()
    box.run(NS_PER_S)
    last = box.measure()
    box.step(report=last)
    box.t_ns += STALL_AFTER_NS
    assert box.step(report=last) is Action.NONE
    box.t_ns += 1
    assert box.step(report=last) is Action.KILL
    silent = VisionStatus(VisionPhase.RESTARTING, Cause.STALE_VISION)
    assert box.keeper.status == silent
    # until it is gone; what it still says is not believed
    assert box.step(report=box.measure()) is Action.KILL
    assert box.keeper.status == silent
    assert box.step(_KILLED) is Action.START
    # one fault, one cause: until it measures again, whatever else becomes of it before
    assert box.keeper.status == silent
    box.start()
    assert box.keeper.status == silent
    assert box.step(1) is Action.NONE
    assert box.keeper.status == silent
    box.wait_ns_for_start(1)
    box.step(report=box.measure())
    assert box.keeper.status == VisionStatus(VisionPhase.RUNNING)


def test_silence_that_no_new_start_mends_ends_in_the_fault_of_the_ladder() -> None:
    box = _Box()
    box.run(NS_PER_S)
    box.t_ns += STALL_AFTER_NS + 1
    assert box.step() is Action.KILL
    box.wait_ns_for_start(_KILLED)
    for _ in range(FAILURES_MAX - 1):
        assert box.keeper.status == VisionStatus(VisionPhase.RESTARTING, Cause.STALE_VISION)
        box.wait_ns_for_start(1)
    box.wait_ns_for_start(1)
    assert box.keeper.status == VisionStatus(VisionPhase.FAULT, Cause.VISION_RESTARTING)


def test_a_camera_that_waits_aloud_and_then_falls_silent_is_still_a_lost_camera() -> None:
    box = _Box()
    for _ in range(10):
        box.t_ns += NS_PER_S // 2
        assert box.step(report=box.say(Cause.CAMERA_LOST)) is Action.NONE
    silent = box.say(Cause.CAMERA_LOST)
    box.step(report=silent)
    box.t_ns += STALL_AFTER_NS + 1
    assert box.step(report=silent) is Action.KILL
    assert box.keeper.status == VisionStatus(VisionPhase.RESTARTING, Cause.CAMERA_LOST)


def test_talking_without_measuring_is_no_progress() -> None:
    box = _Box()
    box.run(NS_PER_S)
    box.t_ns += STALL_AFTER_NS + 1
    assert box.step(report=box.say(Cause.NONE)) is Action.KILL


def test_a_start_has_its_own_allowance() -> None:
    box = _Box()
    box.t_ns = START_ALLOWANCE_NS
    assert box.step(report=box.say(Cause.STARTING)) is Action.NONE
    assert box.keeper.status.phase is VisionPhase.STARTING
    box.t_ns += 1
    assert box.step(report=box.say(Cause.STARTING)) is Action.KILL


@pytest.mark.parametrize("condition", [Cause.ENGINE_BUILD, Cause.CAMERA_LOST])
def test_waiting_aloud_is_progress(condition: Cause) -> None:
    box = _Box()
    for _ in range(100):
        box.t_ns += NS_PER_S
        assert box.step(report=box.say(condition)) is Action.NONE
    silent = box.say(condition)
    limit_ns = START_ALLOWANCE_NS if condition is Cause.ENGINE_BUILD else STALL_AFTER_NS
    box.t_ns += limit_ns
    assert box.step(report=silent) is Action.NONE
    box.t_ns += 1
    assert box.step(report=silent) is Action.KILL


def test_stopped_while_starting_does_not_wait_for_the_allowance() -> None:
    box = _Box()
    assert box.step(stopped=True) is Action.NONE
    assert box.keeper.status.stopped
    box.t_ns += STALL_AFTER_NS
    assert box.step(stopped=True) is Action.NONE
    box.t_ns += 1
    assert box.step(stopped=True) is Action.KILL


def test_stopped_and_continued_in_time_goes_on() -> None:
    box = _Box()
    box.run(NS_PER_S)
    box.t_ns += NS_PER_S // 2
    assert box.step(stopped=True) is Action.NONE
    assert box.step(report=box.measure()) is Action.NONE
    assert box.keeper.status == VisionStatus(VisionPhase.RUNNING)


@pytest.mark.parametrize(
    ("exit_status", "said", "cause"),
    [
        (2, Cause.STARTING, Cause.CONFIG_INVALID),
        (3, Cause.STARTING, Cause.MODEL_INVALID),
        (2, Cause.MODEL_INVALID, Cause.MODEL_INVALID),
        (2, Cause.CAMERA_LOST, Cause.CONFIG_INVALID),
    ],
)
def test_what_no_start_mends_is_a_fault_for_good(exit_status: int, said: Cause, cause: Cause) -> None:
    box = _Box()
    box.step(report=box.say(said))
    assert box.step(exit_status) is Action.NONE
    box.t_ns += 1000 * NS_PER_S
    assert box.step() is Action.NONE
    assert box.keeper.given_up
    assert box.keeper.status == VisionStatus(VisionPhase.FAULT, cause)


def test_a_source_that_cannot_be_opened_is_bad_input_only_while_it_never_was() -> None:
    box = _Box()
    assert box.step(5) is Action.NONE
    assert box.keeper.status == VisionStatus(VisionPhase.FAULT, Cause.CONFIG_INVALID)
    assert box.keeper.given_up
    unplugged = _Box()
    unplugged.run(NS_PER_S)
    unplugged.wait_ns_for_start(4)
    unplugged.wait_ns_for_start(5)
    assert unplugged.keeper.status == VisionStatus(VisionPhase.RESTARTING, Cause.CAMERA_LOST)
    for _ in range(FAILURES_MAX):
        unplugged.wait_ns_for_start(5)
    assert unplugged.keeper.status == VisionStatus(VisionPhase.FAULT, Cause.CAMERA_LOST)
    assert not unplugged.keeper.given_up
    unplugged.run(NS_PER_S)  # plugged in again


def test_a_service_waits_for_a_camera_that_is_not_there_yet() -> None:
    keeper = VisionKeeper(patient=True)
    keeper.started(0)
    keeper.step(5, False, None, NS_PER_S)
    assert keeper.status == VisionStatus(VisionPhase.RESTARTING, Cause.CAMERA_LOST)


def test_the_end_of_the_source_is_no_failure() -> None:
    box = _Box()
    box.run(NS_PER_S)
    box.step(report=box.say(Cause.NONE, ended=True))
    assert box.keeper.status.phase is VisionPhase.ENDED
    box.t_ns += 100 * NS_PER_S
    assert box.step() is Action.NONE
    assert box.step(0) is Action.NONE
    assert not box.keeper.given_up


def test_a_last_word_read_after_the_death_counts() -> None:
    box = _Box()
    box.run(NS_PER_S)
    assert box.step(0, box.say(Cause.NONE, ended=True)) is Action.NONE
    assert box.keeper.status.phase is VisionPhase.ENDED


def test_exit_status_0_without_an_end_of_the_source_is_a_restart() -> None:
    box = _Box()
    box.run(NS_PER_S)
    assert box.step(0) is Action.START
