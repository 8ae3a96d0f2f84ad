"""The product's loop as the benches run it: a frame counts as exposed when it is handed over, the decoder outside."""

from __future__ import annotations

from collections.abc import Callable

from watchkeeper.board import Board
from watchkeeper.capture.lease import FrameLease
from watchkeeper.clock import now_ns
from watchkeeper.runtime.frame_work import FrameWork
from watchkeeper.runtime.loop import Perceives, VisionLoop, budget_ns
from watchkeeper.state.machine import DriverStateMachine
from watchkeeper.state.profiles import get_profile
from watchkeeper.types import VehicleReport, VisionReport


class FrameClock:
    """Now, shifted so that the frame in hand was exposed when it was handed over."""

    def __init__(self) -> None:
        self._offset_ns = 0

    def __call__(self) -> int:
        return now_ns() + self._offset_ns

    def hand_over(self, t_ns: int) -> int:
        """A frame of t_ns is handed over; returns when, on the machine's clock."""
        began_ns = now_ns()
        self._offset_ns = t_ns - began_ns
        return began_ns


class TimedLoop:
    """Perception, judgement, publication. work: recorder and scheduler, those that perception was given, on `clock`.

    took_ns: of each frame, from hand-over to published; busy_ns: until all work on it was done. eased: frames on which
    a rung of the ladder left work out.
    """

    def __init__(
        self,
        perception: Perceives,
        board: Board,
        publish: Callable[[VisionReport], None],
        clock: FrameClock,
        work: FrameWork | None = None,
    ) -> None:
        self._publish, self._clock = publish, clock
        self._published_ns = 0
        self.budget_ns = budget_ns(board.budget_ms)
        self._loop = VisionLoop(
            perception,
            DriverStateMachine(get_profile("euroncap-2026"), board.cabin),
            self._out,
            VehicleReport,
            self.budget_ns,
            budget_ns(board.frame_period_ms),
            clock=clock,
            work=work,
        )
        self.took_ns: list[int] = []
        self.busy_ns: list[int] = []
        self.eased = 0

    def run(self, lease: FrameLease) -> None:
        """One frame."""
        self._published_ns = 0
        began_ns = self._clock.hand_over(lease.frame.t_ns)
        self._loop.frame(lease, len(self.took_ns) + 1, 0)
        ended_ns = now_ns()
        self.took_ns.append((self._published_ns or ended_ns) - began_ns)
        self.busy_ns.append(ended_ns - began_ns)

    @property
    def invalid(self) -> str | None:
        """Why its times are no times of the whole work, or None."""
        left_out = self.eased + sum(self._loop.drops.values())
        return f"the machine was too busy: work was left out of {left_out} frames" if left_out else None

    def _out(self, report: VisionReport) -> None:
        self.eased += report.health.rung > 0
        self._publish(report)
        self._published_ns = now_ns()
