"""Looking after vision: what is done when, without a process."""

from __future__ import annotations

import errno

import pytest
from fake_vision_parts import HandReader, HandVision

from watchkeeper.clock import NS_PER_MS, NS_PER_S
from watchkeeper.errors import BadInputError
from watchkeeper.supervisor import vision_care
from watchkeeper.supervisor.black_box import BlackBox
from watchkeeper.supervisor.ladder import Restarter, Rung
from watchkeeper.supervisor.liveness import VisionPhase
from watchkeeper.supervisor.restart import EXIT_MODEL_INVALID, Action
from watchkeeper.supervisor.vision_care import VisionCare
from watchkeeper.types import Cause, DriverState, SystemState, VisionReport

_T, _SLOT = 100 * NS_PER_S, 50 * NS_PER_MS


class _Box(BlackBox):
    def __init__(self) -> None:
        self.saved = 0

    def save(self) -> None:
        self.saved += 1


class _Ladder(Restarter):
    """Answers with `rung`; keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(None, None, None)
        self.rung = Rung.NONE
        self.error: Exception | None = None
        self.asked: list[tuple[int, int, bool, bool]] = []

    def step(self, restarts: int, failures: int, fault: bool, well: bool, t_ns: int) -> Rung:
        self.asked.append((restarts, failures, fault, well))
        if self.error is not None:
            raise self.error
        return self.rung


class _Care:
    """A caretaker with its vision, a slot at a time; what it says on stderr is kept."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, ladder: bool = True) -> None:
        self.said: list[str] = []
        monkeypatch.setattr(vision_care, "say", self.said.append)
        self.vision, self.reader, self.ladder, self.box = HandVision(), HandReader(), _Ladder(), _Box()
        restarter = self.ladder if ladder else None
        self.care = VisionCare(self.vision, self.reader, restarter, patient=False, black_box=self.box)
        self.t_ns = _T

    def slot(self, *, judging: bool = True, state: SystemState = SystemState.ACTIVE) -> Action:
        self.t_ns += _SLOT
        action = self.care.look(self.t_ns, judging=judging)
        self.care.act(action, self.t_ns)
        self.care.climb(state, self.t_ns)
        return action

    def measure(self, pid: int | None = None) -> None:
        t_ns = self.t_ns + _SLOT
        driver = DriverState(t_ns, t_ns // NS_PER_MS)
        self.reader.report = VisionReport(t_ns, pid or self.vision.pid, t_ns, Cause.NONE, driver=driver)


@pytest.fixture
def care(monkeypatch: pytest.MonkeyPatch) -> _Care:
    return _Care(monkeypatch)


def test_vision_is_started_and_started_again_when_it_has_ended(care: _Care) -> None:
    assert care.slot() is Action.START
    assert (care.vision.pid, care.vision.done) == (101, ["start"])
    care.measure()
    assert care.slot() is Action.NONE
    assert care.care.report is care.reader.report
    care.vision.end(-9)
    assert care.slot() is Action.START
    assert (care.vision.pid, care.box.saved) == (102, 1)
    assert care.said == ["vision (process 101) ended with SIGKILL"]
    care.slot()
    assert care.box.saved == 1, "once"
    assert care.care.report is not None, "how old it is stays visible"


@pytest.mark.parametrize(
    ("status", "how", "saved"),
    [(0, "exit status 0", 0), (1, "exit status 1", 1), (-15, "SIGTERM", 1), (-77, "signal 77", 1)],
)
def test_how_it_ended_is_said_and_its_last_frames_are_saved_unless_all_was_well(
    care: _Care, status: int, how: str, saved: int
) -> None:
    care.slot()
    care.measure()
    care.slot()
    care.vision.end(status)
    care.slot()
    assert care.said == [f"vision (process 101) ended with {how}"]
    assert care.box.saved == saved


def test_in_an_ordered_end_its_end_is_no_failure(care: _Care) -> None:
    care.slot()
    care.vision.end(-9)
    assert care.slot(judging=False) is Action.NONE
    assert (care.said, care.box.saved) == ([], 0)


def test_what_another_process_said_is_not_believed(care: _Care) -> None:
    believed = []
    for pid in (101, 999, None):  # before there was a process, another one, its own
        care.measure(pid=pid)
        care.slot()
        believed.append(care.care.report is not None)
    assert believed == [False, False, True]
    assert care.care.keeper.status.phase is VisionPhase.RUNNING


def test_garbage_is_said_once_a_run_and_believed_never(care: _Care) -> None:
    care.slot()
    care.reader.garbage = True
    care.slot()
    care.slot()
    assert care.said == ["vision's report makes no sense: no such value"]
    care.vision.end(1)
    care.slot()
    care.slot()
    assert len([line for line in care.said if "no sense" in line]) == 2
    assert care.care.report is None


def test_a_vision_that_hangs_is_killed(care: _Care) -> None:
    care.slot()
    care.t_ns += 21 * NS_PER_S
    assert care.slot() is Action.KILL
    assert care.vision.done == ["start", "kill"]


@pytest.mark.parametrize(
    ("number", "given_up"),
    [(errno.ENOENT, True), (errno.EACCES, True), (errno.ENOEXEC, True), (errno.ENOTDIR, True), (errno.EAGAIN, False)],
)
def test_a_command_that_is_none_is_bad_input_and_a_full_machine_is_tried_again(
    care: _Care, number: int, given_up: bool
) -> None:
    care.vision.error = OSError(number, "no")
    care.slot()
    assert care.said[0].startswith("vision cannot be started: ")
    care.slot()
    assert care.care.keeper.given_up is given_up
    assert care.box.saved == 0, "there was no process whose frames could be saved"
    care.vision.error = None
    for _ in range(100):
        care.slot()
    assert (care.vision.starts > 0) is not given_up


def test_the_ladder_hears_how_vision_does(care: _Care) -> None:
    care.slot()
    assert care.ladder.asked[-1] == (0, 0, False, False)
    care.measure()
    care.slot()
    assert care.ladder.asked[-1] == (0, 0, False, True)
    for state in (SystemState.UNAVAILABLE, SystemState.INIT):
        care.measure()
        care.slot(state=state)
        assert care.ladder.asked[-1] == (0, 0, False, False), "running, but nothing to be seen of it on the bus"
    care.vision.end(1)
    care.slot()
    assert care.ladder.asked[-1] == (1, 0, False, False)
    for _ in range(8):
        care.vision.end(1)
        for _ in range(50):
            care.slot()
    restarts, failures, fault, well = care.ladder.asked[-1]
    assert (restarts, failures, fault, well) == (8, 8, True, False), "and so on every ten seconds"


def test_a_fault_that_no_start_mends_is_none_for_the_ladder(care: _Care) -> None:
    care.slot()
    care.vision.end(EXIT_MODEL_INVALID)
    care.slot()
    assert care.care.keeper.status.phase is VisionPhase.FAULT
    assert care.ladder.asked[-1] == (0, 0, False, False)


def test_a_rung_is_said_and_one_that_fails_stops_nothing(care: _Care) -> None:
    care.slot()
    assert care.said == []
    care.ladder.rung = Rung.CAMERA_SERVICE
    care.slot()
    assert care.said == ["vision does not come back: restarting the camera service"]
    for error in (OSError(2, "no such command"), BadInputError("disk full")):
        care.ladder.error = error
        care.slot()
        assert care.said[-1].startswith("the restart of more than vision failed: ")


def test_without_a_ladder_there_is_nothing_to_climb(monkeypatch: pytest.MonkeyPatch) -> None:
    care = _Care(monkeypatch, ladder=False)
    care.slot()
    assert care.ladder.asked == []
