"""What the supervisor's loop works with, without processes and mailboxes: vision by hand, mailboxes as lists."""

from __future__ import annotations

from typing import Generic, TypeVar

from watchkeeper.mailbox.layout import LayoutError
from watchkeeper.mailbox.reader import Reader
from watchkeeper.mailbox.writer import Writer
from watchkeeper.supervisor.frames import CanFrame
from watchkeeper.supervisor.vision_process import VisionProcess
from watchkeeper.types import VisionReport

T = TypeVar("T")


class HandVision(VisionProcess):
    """A process that runs, ends and cannot be started as the test says. done: what it was told."""

    def __init__(self) -> None:
        super().__init__(["true"], 0, 1)
        self.number = 0
        self.exit_status: int | None = None
        self.error: OSError | None = None
        self.done: list[str] = []
        self.starts = 0

    @property
    def pid(self) -> int:
        return self.number

    def start(self) -> int:
        self.done.append("start")
        if self.error is not None:
            raise self.error
        self.starts += 1
        self.number = 100 + self.starts
        return self.number

    def end(self, status: int) -> None:
        """`poll` will tell of it."""
        self.exit_status = status

    def poll(self) -> int | None:
        status, self.exit_status = self.exit_status, None
        if status is not None:
            self.number = 0
        return status

    def terminate(self) -> None:
        self.done.append("terminate")

    def kill(self) -> None:
        self.done.append("kill")


class HandReader(Reader[VisionReport]):
    """Gives `report`, or raises when `garbage` is set."""

    def __init__(self) -> None:
        self.report: VisionReport | None = None
        self.garbage = False

    def read(self) -> VisionReport | None:
        if self.garbage:
            raise LayoutError("no such value")
        return self.report


class HandWriter(Writer[T], Generic[T]):
    """Keeps what was written."""

    def __init__(self) -> None:
        self.written: list[T] = []

    def write(self, value: T) -> None:
        self.written.append(value)


class HandPort:
    """A port of a bus: takes frames unless `full`, hands over `arriving`, hears itself."""

    def __init__(self) -> None:
        self.bus_off_count = self.overruns = 0
        self.full = False
        self.written: list[CanFrame] = []
        self.arriving: list[CanFrame] = []
        self.heard: list[tuple[CanFrame, int]] = []
        self.own_ids: frozenset[int] = frozenset()

    def write(self, frame: CanFrame) -> None:
        if self.full:
            raise BlockingIOError
        self.written.append(frame)

    def read(self, limit: int) -> list[CanFrame]:
        frames, self.arriving = self.arriving[:limit], self.arriving[limit:]
        return frames

    def hear_own(self, frame_ids: object) -> None:
        """Asked for."""

    def echoes(self) -> list[tuple[CanFrame, int]]:
        heard, self.heard = self.heard, []
        return heard

    def fileno(self) -> int:
        return -1

    def close(self) -> None:
        """Nothing to let go."""
