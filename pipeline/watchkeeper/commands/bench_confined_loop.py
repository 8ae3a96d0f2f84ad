"""The product's loop on the demo drive, some frames at a time; for bench_confined_side."""

from __future__ import annotations

from collections.abc import Callable

from watchkeeper.capture.source import open_source
from watchkeeper.commands.bench_loop import FrameClock, TimedLoop
from watchkeeper.errors import BadInputError
from watchkeeper.runtime.open_perception import perception_for
from watchkeeper.runtime.settings import resolve
from watchkeeper.types import VisionReport


class Loop:
    """Ready to run; never closed, as the process ends with it."""

    def __init__(self, publish: Callable[[VisionReport], None]) -> None:
        settings = resolve("host", None, None, None)
        self._source = open_source(settings.source, paced=False, repeat=True)
        self._loop = TimedLoop(perception_for(settings), settings.board, publish, FrameClock())

    def run(self, frames: int) -> list[int]:
        """How long each of them took, ns, from hand-over to published."""
        for _ in range(frames):
            lease = self._source.next(timeout_s=10.0)
            if lease is None:
                raise BadInputError("demo:: no frame within 10 s")
            self._loop.run(lease)
        return self._loop.took_ns[-frames:]
