"""What is learned of a driver, across the end of a vision process: taken up once, handed out now and then."""

from __future__ import annotations

import contextlib
from typing import Protocol

from watchkeeper.clock import NS_PER_S
from watchkeeper.errors import BadInputError
from watchkeeper.types import DriverBaseline, VehicleReport

_LEARNED_EVERY_NS = 2 * NS_PER_S


class Learns(Protocol):
    """The state machine, as far as it learns."""

    @property
    def learned(self) -> DriverBaseline | None: ...
    def recall(self, kept: DriverBaseline) -> None: ...


class DriverMemory:
    """`take_up` before a frame is judged, `note` after it. learned: what the supervisor is to keep."""

    def __init__(self) -> None:
        self.learned: DriverBaseline | None = None
        self._taken_up = False
        self._due_ns = 0

    def forget(self) -> None:
        """Nothing is known of the driver, and what was kept is not taken up again."""
        self.learned, self._taken_up, self._due_ns = None, True, 0

    def take_up(self, machine: Learns, report: VehicleReport | None) -> None:
        """The first baseline the supervisor hands over; one of another version is learned anew."""
        if report is not None and report.baseline is not None and not self._taken_up:
            self._taken_up = True
            with contextlib.suppress(BadInputError):
                machine.recall(report.baseline)

    def note(self, machine: Learns, t_ns: int) -> None:
        """What `machine` knows now, every two seconds: it changes slowly."""
        if t_ns >= self._due_ns:
            self.learned, self._due_ns = machine.learned, t_ns + _LEARNED_EVERY_NS
