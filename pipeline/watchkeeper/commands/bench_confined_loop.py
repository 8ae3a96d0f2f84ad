"""The product's loop on the demo drive, some frames at a time; for bench_confined_side."""

from __future__ import annotations

from collections.abc import Callable

from watchkeeper.capture.source import open_source
from watchkeeper.clock import now_ns
from watchkeeper.errors import BadInputError
from watchkeeper.runtime.loop import VisionLoop, budget_ns
from watchkeeper.runtime.open_perception import perception_for
from watchkeeper.runtime.settings import resolve
from watchkeeper.state.machine import DriverStateMachine
from watchkeeper.state.profiles import get_profile
from watchkeeper.types import VehicleReport, VisionReport


class Loop:
    """Perception, judgement, publication; the decoder is outside the clock."""

    def __init__(self, publish: Callable[[VisionReport], None]) -> None:
        settings = resolve("host", None, None, None)
        self._source = open_source(settings.source, paced=False, repeat=True)
        self._offset_ns = self._frames = 0
        self._loop = VisionLoop(
            perception_for(settings),
            DriverStateMachine(get_profile("euroncap-2026"), settings.board.cabin),
            publish,
            VehicleReport,
            budget_ns(settings.board.budget_ms),
            budget_ns(settings.board.frame_period_ms),
            clock=lambda: now_ns() + self._offset_ns,
        )

    def run(self, frames: int) -> list[int]:
        """How long each of them took, ns, from hand-over to given back and published."""
        took_ns = []
        for _ in range(frames):
            lease = self._source.next(timeout_s=10.0)
            if lease is None:
                raise BadInputError("demo:: no frame within 10 s")
            began_ns = now_ns()
            self._offset_ns = lease.frame.t_ns - began_ns  # taken the moment it was exposed
            self._frames += 1
            self._loop.frame(lease, self._frames, 0)
            took_ns.append(now_ns() - began_ns)
        return took_ns
