"""Keeping vision running: when to start it, when to kill it, when to give up hurrying. Pure; the loop does as it says.

Vision's exit status: 2 bad input or configuration and 3 invalid models (neither mends itself: no restart); 4 its camera
is lost; 5 its source cannot be opened, which is bad input unless an earlier run measured with it: then the camera is
gone. Anything else, signals included, is a failure too, and vision is started again. Its source has ended when it said
so (`VisionReport.ended`); 0 without that is somebody's SIGTERM.
"""

from __future__ import annotations

from enum import Enum

from watchkeeper.clock import NS_PER_MS, NS_PER_S
from watchkeeper.supervisor.liveness import Freshness, FrozenPicture, VisionPhase, VisionStatus
from watchkeeper.supervisor.safe_state import STATE_OF
from watchkeeper.types import Cause, SystemState, VisionReport

STALL_AFTER_NS = NS_PER_S
"""Without progress for longer than this, a vision that was up is killed and started again."""
FROZEN_KILL_NS = 3 * NS_PER_S
"""A picture frozen for this long gets vision started anew, which opens the camera anew."""
KILL_WAIT_NS = 10 * NS_PER_S
"""A killed process that is not gone after this long hangs in the kernel: nothing here can help it."""
START_ALLOWANCE_NS = 20 * NS_PER_S
"""Without a sign of life for longer than this after its start. Tuned on: models load in 1-3 s on a PC, a slow card
takes several times as long."""
BACK_OFF_NS = (0, 250 * NS_PER_MS, 500 * NS_PER_MS, NS_PER_S, 2 * NS_PER_S)
"""From a failure to the next start, growing; the first restart is at once."""
GOOD_RUN_NS = 10 * NS_PER_S
"""Measuring this long without a failure takes the back-off to its beginning."""
FAILURES_MAX = 8
"""Failures in a row without one measurement; then it is a Fault, and tried again only every RETRY_NS."""
RETRY_NS = 10 * NS_PER_S

EXIT_BAD_INPUT = 2
EXIT_MODEL_INVALID = 3
EXIT_CAMERA_LOST = 4
EXIT_NO_SOURCE = 5

_NOT_UP = (Cause.NONE, Cause.STARTING, Cause.ENGINE_BUILD)


class Action(Enum):
    """What the loop is to do with the process after this slot's frames."""

    NONE = "none"
    START = "start"
    KILL = "kill"


class VisionKeeper:
    """Call `step` once a slot; after START call `started`. patient: a service, which waits for a camera that is not
    there yet; somebody at a terminal rather wants to hear of a wrong name."""

    def __init__(self, *, patient: bool = False) -> None:
        self._waits_for_camera = patient
        self._phase = VisionPhase.STARTING
        self._cause = Cause.NONE
        self._permanent = False
        self._running = False
        self._starts = 0
        self._due_ns = 0
        self._failures = 0
        self._level = 0
        self._fresh = Freshness()
        self._progress_ns = 0
        self._published_ns = 0
        self._measuring_since_ns: int | None = None
        self._up = False
        self._killed = False
        self._condition = Cause.STARTING
        self._stopped_since_ns: int | None = None
        self._picture = FrozenPicture()
        self._frozen_since_ns: int | None = None
        self._killed_ns = 0

    @property
    def status(self) -> VisionStatus:
        """Phase and, in RESTARTING and FAULT, its cause."""
        return VisionStatus(self._phase, self._cause, self._stopped_since_ns is not None)

    @property
    def restarts(self) -> int:
        """Starts after the first."""
        return max(0, self._starts - 1)

    @property
    def failures(self) -> int:
        """Runs in a row that ended without one measurement."""
        return self._failures

    @property
    def given_up(self) -> bool:
        """Vision ended with a status that no further start mends."""
        return self._permanent

    def attends(self, t_ns: int) -> bool:
        """Whether vision makes progress or its loss is being handled; False while it cannot even be killed."""
        return not (self._running and self._killed and t_ns - self._killed_ns > KILL_WAIT_NS)

    @property
    def _ended(self) -> bool:
        return self._phase is VisionPhase.ENDED

    def started(self, t_ns: int) -> None:
        """The process has been started at `t_ns`."""
        self._starts += 1
        self._running = True
        self._begin_run(t_ns)

    def step(self, exit_status: int | None, stopped: bool, report: VisionReport | None, t_ns: int) -> Action:
        """exit_status: of the process that was running, once, when it has been reaped (signals negative), else None.
        stopped: it is stopped. report: the newest of this process (also of one just died), None before its first.
        """
        if not self._running:
            return self._next_start(t_ns)
        self._follow(report, t_ns)
        if exit_status is not None:
            self._stopped_since_ns = None
            self._exited(exit_status, t_ns)
            return self._next_start(t_ns)
        if self._ended:
            return Action.NONE
        if not stopped:
            self._stopped_since_ns = None
        elif self._stopped_since_ns is None:
            self._stopped_since_ns = t_ns
        frozen = self._frozen_since_ns is not None and t_ns - self._frozen_since_ns > FROZEN_KILL_NS
        if self._killed or frozen or self._is_stuck(t_ns):
            if not self._killed:
                self._killed, self._killed_ns = True, t_ns
            if self._phase is not VisionPhase.FAULT:
                self._phase, self._cause = VisionPhase.RESTARTING, self._kill_cause()
            return Action.KILL
        return Action.NONE

    def _kill_cause(self) -> Cause:
        """One fault, one cause: what was seen before the ladder acts stays the cause until vision measures again.

        A frozen picture is CameraFrozen and a run that fell silent is StaleVision however often it is started anew;
        VisionRestarting is a run that died, or never came up.
        """
        if self._picture.frozen:
            return Cause.CAMERA_FROZEN
        if self._up:
            return Cause.CAMERA_LOST if self._condition is Cause.CAMERA_LOST else Cause.STALE_VISION
        return self._death_cause()

    def _death_cause(self) -> Cause:
        if self._picture.frozen:
            return Cause.CAMERA_FROZEN
        # up to here the cause of a run before this one, which never measured
        earlier = self._phase is VisionPhase.RESTARTING and self._cause is not Cause.NONE
        return self._cause if earlier else Cause.VISION_RESTARTING

    def _is_stuck(self, t_ns: int) -> bool:
        if self._stopped_since_ns is not None and t_ns - self._stopped_since_ns > STALL_AFTER_NS:
            return True
        return t_ns - self._progress_ns > (STALL_AFTER_NS if self._up else START_ALLOWANCE_NS)

    def _next_start(self, t_ns: int) -> Action:
        due = not self._ended and not self._permanent and t_ns >= self._due_ns
        return Action.START if due else Action.NONE

    def _begin_run(self, t_ns: int) -> None:
        self._fresh = Freshness()
        self._progress_ns = t_ns
        self._published_ns = 0
        self._measuring_since_ns = None
        self._up = False
        self._killed = False
        self._condition = Cause.STARTING
        self._stopped_since_ns = None
        self._frozen_since_ns = None

    def _follow(self, report: VisionReport | None, t_ns: int) -> None:
        if report is None or self._killed:
            return
        self._condition = report.condition
        if report.ended:
            self._phase = VisionPhase.ENDED
        spoke = report.published_ns > self._published_ns
        self._published_ns = max(self._published_ns, report.published_ns)
        measured = self._fresh.step(report)
        if not self._picture.step(report):
            self._frozen_since_ns = None
        elif self._frozen_since_ns is None:
            self._frozen_since_ns = t_ns
        if measured:
            self._measured(t_ns)
        # Vision that waits for its camera or builds an engine makes no measurement; saying so again is its progress.
        waiting = spoke and report.condition not in (Cause.NONE, Cause.STARTING)
        if measured or waiting:
            self._progress_ns = t_ns
        if measured or (waiting and report.condition not in _NOT_UP):
            self._up = True
            if self._phase in (VisionPhase.STARTING, VisionPhase.RESTARTING):
                self._phase, self._cause = VisionPhase.RUNNING, Cause.NONE

    def _measured(self, t_ns: int) -> None:
        self._waits_for_camera = True  # its name was right
        if self._phase is VisionPhase.FAULT:
            self._phase, self._cause = VisionPhase.RUNNING, Cause.NONE
        if self._measuring_since_ns is None:
            self._measuring_since_ns = t_ns
        elif t_ns - self._measuring_since_ns >= GOOD_RUN_NS:
            self._level = 0

    def _exited(self, exit_status: int, t_ns: int) -> None:
        self._running = False
        if self._ended:
            return
        if exit_status == EXIT_NO_SOURCE:
            exit_status = EXIT_CAMERA_LOST if self._waits_for_camera else EXIT_BAD_INPUT
        if exit_status in (EXIT_BAD_INPUT, EXIT_MODEL_INVALID) and not self._killed:
            usual = Cause.CONFIG_INVALID if exit_status == EXIT_BAD_INPUT else Cause.MODEL_INVALID
            said = STATE_OF.get(self._condition) is SystemState.FAULT
            self._phase, self._cause = VisionPhase.FAULT, self._condition if said else usual
            self._permanent = True
            return
        # A run that measured something used nothing up, however often it is killed.
        self._failures = self._failures + 1 if self._measuring_since_ns is None else 0
        # a killed run's cause was settled when it was killed
        lost = exit_status == EXIT_CAMERA_LOST and not self._killed
        cause = Cause.CAMERA_LOST if lost else self._death_cause()
        if self._failures >= FAILURES_MAX:
            if self._condition is Cause.INTERNAL_ERROR:
                cause = self._condition
            elif cause is Cause.STALE_VISION:
                cause = Cause.VISION_RESTARTING  # it is not silence any more that does not heal, but the new starts
            self._phase, self._cause = VisionPhase.FAULT, cause
            self._due_ns = t_ns + RETRY_NS
            return
        self._phase, self._cause = VisionPhase.RESTARTING, cause
        self._due_ns = t_ns + BACK_OFF_NS[self._level]
        self._level = min(self._level + 1, len(BACK_OFF_NS) - 1)
