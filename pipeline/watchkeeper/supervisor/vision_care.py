"""Looking after the vision process: what it says is read, its end noticed, its new start made, and what stands above it
restarted where vision alone does not help. What is to be done is decided elsewhere (restart.py, ladder.py)."""

from __future__ import annotations

import errno
import signal

from watchkeeper.errors import BadInputError
from watchkeeper.mailbox.layout import LayoutError
from watchkeeper.mailbox.reader import Reader
from watchkeeper.supervisor.black_box import BlackBox
from watchkeeper.supervisor.ladder import Restarter, Rung
from watchkeeper.supervisor.liveness import VisionPhase
from watchkeeper.supervisor.realtime import say
from watchkeeper.supervisor.restart import EXIT_BAD_INPUT, Action, VisionKeeper
from watchkeeper.supervisor.vision_process import VisionProcess
from watchkeeper.types import SystemState, VisionReport

_NOT_EXECUTABLE = (errno.ENOENT, errno.EACCES, errno.ENOEXEC, errno.ENOTDIR)
_NOT_WELL = (SystemState.UNAVAILABLE, SystemState.INIT)


class VisionCare:
    """`look` before a slot's frames, `act` and `climb` after them.

    report: the newest of any run, None before the first: how old it is stays visible between runs.
    """

    def __init__(
        self,
        vision: VisionProcess,
        reader: Reader[VisionReport],
        restarter: Restarter | None,
        *,
        patient: bool,
        black_box: BlackBox | None = None,
    ) -> None:
        """restarter: None where nothing but vision can be restarted. patient: as VisionKeeper's. black_box: saved when
        vision has ended unasked."""
        self.keeper = VisionKeeper(patient=patient)
        self.report: VisionReport | None = None
        self._vision, self._reader, self._restarter = vision, reader, restarter
        self._exit_status: int | None = None  # of a start that did not even come to a process
        self._garbage_said = False
        self._black_box = black_box
        self._failed = False  # vision ended unasked in this slot

    def look(self, t_ns: int, *, judging: bool) -> Action:
        """Take in its end, its state and its newest report. judging: no ordered end has begun. Returns what is to be
        done once the slot's frames are out."""
        pid = self._vision.pid
        exit_status = self._vision.poll() if self._exit_status is None else self._exit_status
        self._exit_status = None
        report = self._read(pid)
        if report is not None:
            self.report = report
        if not judging:
            return Action.NONE
        if exit_status is not None and pid:
            say(f"vision (process {pid}) ended with {_how(exit_status)}")
            self._failed = exit_status != 0
        return self.keeper.step(exit_status, self._vision.stopped, report, t_ns)

    def act(self, action: Action, t_ns: int) -> None:
        """Do to the process what `look` returned."""
        if self._failed and self._black_box is not None:
            self._black_box.save()
        self._failed = False
        if action is Action.KILL:
            self._vision.kill()
        elif action is Action.START:
            try:
                self._vision.start()
            except OSError as error:
                say(f"vision cannot be started: {error}")
                self._exit_status = EXIT_BAD_INPUT if error.errno in _NOT_EXECUTABLE else 1
            self._garbage_said = False
            self.keeper.started(t_ns)

    def climb(self, state: SystemState, t_ns: int) -> None:
        """Restart more than vision where vision alone does not help. state: as on the bus."""
        keeper = self.keeper
        if self._restarter is None:
            return
        if failed := self._restarter.take_failure():
            say(f"the restart of more than vision failed: {failed}")
        phase = keeper.status.phase
        fault = phase is VisionPhase.FAULT and not keeper.given_up  # a wrong setting is no better after a restart
        well = phase is VisionPhase.RUNNING and state not in _NOT_WELL
        try:
            rung = self._restarter.step(keeper.restarts, keeper.failures, fault, well, t_ns)
        except (OSError, BadInputError) as error:  # no such command; counts that a full disk does not take
            say(f"the restart of more than vision failed: {error}")
            return
        if rung is not Rung.NONE:
            say(f"vision does not come back: restarting the {rung.value}")

    def _read(self, pid: int) -> VisionReport | None:
        """The newest report of the present process; None for a predecessor's, for none and for garbage."""
        try:
            report = self._reader.read()
        except LayoutError as error:
            if not self._garbage_said:
                say(f"vision's report makes no sense: {error}")
            self._garbage_said = True
            return None
        return report if report is not None and pid and report.pid == pid else None


def _how(exit_status: int) -> str:
    if exit_status >= 0:
        return f"exit status {exit_status}"
    try:
        return signal.Signals(-exit_status).name
    except ValueError:
        return f"signal {-exit_status}"
