"""An ordered end.

Vision is told to stop (SIGTERM, SIGKILL after STOP_WAIT_NS) while frames go on and say Standby, cause None: nothing is
judged and nothing is wrong. One full slot at least says so. A Fault stays a Fault to the last frame.
"""

from __future__ import annotations

from watchkeeper.clock import NS_PER_S
from watchkeeper.supervisor.liveness import VisionPhase
from watchkeeper.supervisor.restart import EXIT_BAD_INPUT, VisionKeeper
from watchkeeper.supervisor.vision_process import VisionProcess

STOP_WAIT_NS = 2 * NS_PER_S
FAULT_SHOWN_NS = NS_PER_S // 2
"""A run that ends because of bad input says so on the bus for this long first."""


class OrderedEnd:
    """Call `decide` once a slot, after its frames.

    since_ns: when it began, None before. exit_status: of the run. by_itself: nobody asked for it.
    """

    def __init__(self, vision: VisionProcess, duration_ns: int | None, keep_fault: bool) -> None:
        """duration_ns: end by itself after this long. keep_fault: stay on the bus with a Fault, do not end."""
        self._vision, self._duration_ns, self._keep_fault = vision, duration_ns, keep_fault
        self._requested = False
        self._finished: int | None = None
        self._fault_since_ns: int | None = None
        self.since_ns: int | None = None
        self.exit_status = 0
        self.by_itself = True

    @property
    def begun(self) -> bool:
        """Whether it is under way: nothing is judged any more."""
        return self.since_ns is not None

    @property
    def over(self) -> bool:
        """Whether vision is gone too."""
        return self.begun and not self._vision.pid

    def request(self) -> None:
        """Begin with the next slot. Safe in a signal handler."""
        self._requested = True

    def finish(self, exit_status: int) -> None:
        """The run has come to an end of its own: begin with the next slot."""
        self._finished = exit_status

    def decide(self, keeper: VisionKeeper, ran_ns: int, t_ns: int) -> None:
        """Whether it begins with the next slot; sends vision its signals. ran_ns: how long the run has lasted."""
        if self.since_ns is not None:
            if t_ns - self.since_ns > STOP_WAIT_NS:
                self._vision.kill()
            return
        if keeper.given_up and self._fault_since_ns is None:
            self._fault_since_ns = t_ns
        beyond_help = self._fault_since_ns is not None and t_ns - self._fault_since_ns >= FAULT_SHOWN_NS
        if beyond_help and not self._keep_fault:
            self.exit_status = EXIT_BAD_INPUT
        elif self._finished is not None:
            self.exit_status = self._finished
        elif self._requested:
            self.by_itself = False
        elif not (
            keeper.status.phase is VisionPhase.ENDED or (self._duration_ns is not None and ran_ns >= self._duration_ns)
        ):
            return
        self.since_ns = t_ns
        self._vision.terminate()
