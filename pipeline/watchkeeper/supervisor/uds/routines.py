"""0x31 RoutineControl (ISO 14229-1 clause 13.2): camera self-test, baseline reset, warning lamp test.

Routine identifiers 0x0200-0xDFFF are the maker's (Annex F.1). Results begin with one byte: 0 running, 1 passed or done,
2 failed, 3 stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Protocol

from watchkeeper.clock import NS_PER_S
from watchkeeper.supervisor.uds.codes import Nrc, RefusedError, Sid, need
from watchkeeper.supervisor.uds.server import EXTENDED_ONLY, Service, SessionState
from watchkeeper.supervisor.uds.sessions import need_standing
from watchkeeper.supervisor.uds.unit import Identity, UnitView, Wishes
from watchkeeper.types import Cause

START, STOP, RESULTS = 0x01, 0x02, 0x03
CAMERA_TEST, BASELINE_RESET, LAMP_TEST = 0x0210, 0x0211, 0x0212
CAMERA_TEST_NS = 2 * NS_PER_S
BASELINE_WAIT_NS = 2 * NS_PER_S
LAMP_SECONDS_MAX = 10
TELL_TALE, VISUAL_WARNING = 1, 2
_CAMERA_CAUSES = frozenset(
    (Cause.CAMERA_LOST, Cause.CAMERA_FROZEN, Cause.CAMERA_COVERED, Cause.STALE_VISION, Cause.VISION_RESTARTING)
)


class Outcome(IntEnum):
    """First byte of every result."""

    RUNNING = 0
    DONE = 1
    FAILED = 2
    STOPPED = 3


class Routine(Protocol):
    """One routine. outcome: None before it was ever started."""

    outcome: Outcome | None

    def start(self, options: bytes, t_ns: int) -> None:
        """Begin. Raises RefusedError."""

    def step(self, t_ns: int) -> None:
        """Called often while it runs."""

    def stop(self) -> None:
        """Before its end."""

    def result(self) -> bytes:
        """What follows the outcome."""


class CameraTest:
    """Two seconds of looking at what vision delivers. Passed: half the pictures of the board's period or more were
    judged and no cause of the camera was shown. Result: judged 2 bytes, dropped 2, oldest frame age seen 2 (ms), cause
    seen 1."""

    def __init__(self, view: UnitView, identity: Identity) -> None:
        self._view, self._identity = view, identity
        self.outcome: Outcome | None = None
        self._end_ns = self._oldest_ms = 0
        self._begin = (0, 0, 0)
        self._judged = self._dropped = 0
        self._cause = Cause.NONE

    def start(self, options: bytes, t_ns: int) -> None:
        """No options."""
        need(not options, Nrc.WRONG_LENGTH)
        self._end_ns, self._oldest_ms = t_ns + CAMERA_TEST_NS, 0
        self._begin, self._cause = self._counts(), Cause.NONE
        self._judged = self._dropped = 0
        self.outcome = Outcome.RUNNING

    def step(self, t_ns: int) -> None:
        """Watch."""
        view = self._view
        pid, judged, dropped = self._counts()
        if pid != self._begin[0]:  # another process counts from zero: a camera test over a restart has failed
            self._cause = Cause.VISION_RESTARTING
        else:
            self._judged, self._dropped = judged - self._begin[1], dropped - self._begin[2]
        self._oldest_ms = max(self._oldest_ms, view.frame_age_ms or 0)
        found = sorted(view.present & _CAMERA_CAUSES)
        if found and self._cause is Cause.NONE:
            self._cause = found[0]
        if t_ns >= self._end_ns:
            wanted = CAMERA_TEST_NS / 1e6 / self._identity.frame_period_ms / 2
            good = self._cause is Cause.NONE and self._judged >= max(1.0, wanted)
            self.outcome = Outcome.DONE if good else Outcome.FAILED

    def stop(self) -> None:
        """Nothing to undo."""

    def result(self) -> bytes:
        """As in the class's description."""
        numbers = (self._judged, self._dropped, self._oldest_ms)
        return b"".join(min(n, 0xFFFF).to_bytes(2, "big") for n in numbers) + bytes((self._cause,))

    def _counts(self) -> tuple[int, int, int]:
        report = self._view.report
        if report is None:
            return 0, 0, 0
        return report.pid, report.health.frames_processed, report.health.frames_dropped


class BaselineReset:
    """Vision forgets what it learned of this driver. Done when vision says so, failed when it does not within 2 s."""

    def __init__(self, view: UnitView, wishes: Wishes) -> None:
        self._view, self._wishes = view, wishes
        self.outcome: Outcome | None = None
        self._end_ns = 0

    def start(self, options: bytes, t_ns: int) -> None:
        """No options."""
        need(not options, Nrc.WRONG_LENGTH)
        need_standing(self._view)
        self._wishes.baseline_resets += 1
        self._end_ns = t_ns + BASELINE_WAIT_NS
        self.outcome = Outcome.RUNNING

    def step(self, t_ns: int) -> None:
        """Wait for vision's word."""
        report = self._view.report
        if report is not None and report.baseline_resets == self._wishes.baseline_resets:
            self.outcome = Outcome.DONE
        elif t_ns >= self._end_ns:
            self.outcome = Outcome.FAILED

    def stop(self) -> None:
        """Too late for that."""
        raise RefusedError(Nrc.SUB_FUNCTION_NOT_SUPPORTED)

    def result(self) -> bytes:
        """Nothing further."""
        return b""


class LampTest:
    """Options: what to light (1 tell-tale, 2 visual warning), seconds (1 to 10). Never while the vehicle moves."""

    def __init__(self, view: UnitView, wishes: Wishes) -> None:
        self._view, self._wishes = view, wishes
        self.outcome: Outcome | None = None
        self._end_ns = 0

    def start(self, options: bytes, t_ns: int) -> None:
        """Light it."""
        need(len(options) == 2, Nrc.WRONG_LENGTH)
        need(options[0] in (TELL_TALE, VISUAL_WARNING) and 1 <= options[1] <= LAMP_SECONDS_MAX, Nrc.OUT_OF_RANGE)
        need_standing(self._view)
        self._wishes.lamp_test, self._end_ns = options[0], t_ns + options[1] * NS_PER_S
        self.outcome = Outcome.RUNNING

    def step(self, t_ns: int) -> None:
        """Until its time is over or the vehicle moves."""
        if t_ns >= self._end_ns:
            self._wishes.lamp_test, self.outcome = 0, Outcome.DONE
        elif not self._view.standing:
            self._wishes.lamp_test, self.outcome = 0, Outcome.FAILED

    def stop(self) -> None:
        """Dark again."""
        self._wishes.lamp_test = 0

    def result(self) -> bytes:
        """Nothing further."""
        return b""


class RoutineServices:
    """Extended session, unlocked. The way into the default session stops what runs."""

    def __init__(self, state: SessionState, view: UnitView, wishes: Wishes, identity: Identity) -> None:
        self.routines: dict[int, Routine] = {
            CAMERA_TEST: CameraTest(view, identity),
            BASELINE_RESET: BaselineReset(view, wishes),
            LAMP_TEST: LampTest(view, wishes),
        }
        self._actions: dict[int, Callable[[Routine, bytes, int], None]] = {
            START: self._start,
            STOP: self._stop,
            RESULTS: self._results,
        }
        state.on_default.append(self._stop_all)

    def services(self) -> dict[int, Service]:
        """The table's part."""
        subs = dict.fromkeys((START, STOP, RESULTS), EXTENDED_ONLY)
        service = Service(self.control, sessions=EXTENDED_ONLY, length_min=4, sub_functions=subs, unlocked=True)
        return {Sid.ROUTINE_CONTROL: service}

    def step(self, t_ns: int) -> None:
        """Move on what runs."""
        for routine in self.routines.values():
            if routine.outcome is Outcome.RUNNING:
                routine.step(t_ns)

    def control(self, request: bytes, t_ns: int) -> bytes:
        """The response ends with the outcome and the result so far."""
        routine = self.routines.get(int.from_bytes(request[2:4], "big"))
        if routine is None:
            raise RefusedError(Nrc.OUT_OF_RANGE)
        self._actions[request[1]](routine, request[4:], t_ns)
        assert routine.outcome is not None
        return request[1:4] + bytes((routine.outcome,)) + routine.result()

    def _start(self, routine: Routine, options: bytes, t_ns: int) -> None:
        need(routine.outcome is not Outcome.RUNNING, Nrc.SEQUENCE_ERROR)
        routine.start(options, t_ns)

    def _stop(self, routine: Routine, options: bytes, t_ns: int) -> None:
        need(not options, Nrc.WRONG_LENGTH)
        need(routine.outcome is Outcome.RUNNING, Nrc.SEQUENCE_ERROR)
        routine.stop()
        routine.outcome = Outcome.STOPPED

    def _results(self, routine: Routine, options: bytes, t_ns: int) -> None:
        need(not options, Nrc.WRONG_LENGTH)
        need(routine.outcome is not None, Nrc.SEQUENCE_ERROR)

    def _stop_all(self) -> None:
        for routine in self.routines.values():
            if routine.outcome is Outcome.RUNNING and not isinstance(routine, BaselineReset):
                routine.stop()
                routine.outcome = Outcome.STOPPED
