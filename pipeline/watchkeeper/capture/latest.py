"""Depth-1 hand-over from the capture thread to the loop: newest wins, and every frame that is not taken is counted.

with CaptureThread(open_source(uri, paced=True)) as capture:
    lease = capture.latest.take(timeout_s=0.1)
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from types import TracebackType

from watchkeeper.capture.lease import FrameLease
from watchkeeper.capture.source import EndOfSource, Source
from watchkeeper.clock import now_ns

OVERWRITTEN = "overwritten"  # a newer frame came before the loop was ready
CLOSED = "closed"  # it was still there, or came, when the hand-over ended

_POLL_S = 0.1
_JOIN_S = 3.0


class Latest:
    """`put` never waits. captured = taken + dropped + (1 while a frame is waiting), at every moment."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: FrameLease | None = None
        self._put_ns = 0
        self.taken_put_ns = 0
        """When the frame that was taken last had been put."""
        self._end: BaseException | None = None
        self._closed = False
        self._captured = 0
        self._taken = 0
        self._drops: Counter[str] = Counter()

    @property
    def captured(self) -> int:
        """Frames ever put."""
        return self._captured

    @property
    def taken(self) -> int:
        """Frames ever taken."""
        return self._taken

    @property
    def drops(self) -> dict[str, int]:
        """Frames released unseen, by cause: `overwritten`, `closed`."""
        with self._changed:
            return dict(self._drops)

    @property
    def dropped(self) -> int:
        """All of `drops`."""
        with self._changed:
            return self._drops.total()

    def put(self, lease: FrameLease) -> None:
        """Hand a frame over. The one it replaces is released."""
        with self._changed:
            self._captured += 1
            if self._closed:
                gone: FrameLease | None = lease
                self._drops[CLOSED] += 1
            else:
                gone, self._waiting = self._waiting, lease
                self._put_ns = now_ns()
                if gone is not None:
                    self._drops[OVERWRITTEN] += 1
            self._changed.notify_all()
        if gone is not None:
            gone.release()

    def end(self, why: BaseException) -> None:
        """No frame will follow. What is waiting can still be taken; then `take` raises `why`."""
        with self._changed:
            if self._end is None:
                self._end = why
            self._changed.notify_all()

    def take(self, timeout_s: float) -> FrameLease | None:
        """The newest frame, or None when none came within `timeout_s`. The taker releases it.

        Raises what `end` was given once nothing is waiting, ValueError after `close`.
        """
        give_up_s = time.monotonic() + timeout_s
        with self._changed:
            while True:
                if self._closed:
                    raise ValueError("the hand-over is closed")
                if self._waiting is not None:
                    lease, self._waiting = self._waiting, None
                    self.taken_put_ns = self._put_ns
                    self._taken += 1
                    return lease
                if self._end is not None:
                    raise self._end
                left_s = give_up_s - time.monotonic()
                if left_s <= 0:
                    return None
                self._changed.wait(left_s)

    def close(self) -> None:
        """Release what is waiting and refuse what comes; may be called again. A waiting `take` ends."""
        with self._changed:
            gone, self._waiting = self._waiting, None
            if gone is not None:
                self._drops[CLOSED] += 1
            self._closed = True
            self._changed.notify_all()
        if gone is not None:
            gone.release()


class CaptureThread:
    """Pulls a source into a `Latest`, so that a slow loop never holds up the camera.

    Owns the source from here on. Its end or loss reaches the loop through `latest.take`.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.latest = Latest()
        self._stop = threading.Event()
        # A daemon: a driver call that never returns must not keep the process from ending.
        self._thread = threading.Thread(target=self._pull, name="capture", daemon=True)

    def start(self) -> None:
        """Begin to pull."""
        self._thread.start()

    def stop(self) -> bool:
        """Close source and hand-over; may be called again. False when the source's call did not come back in time."""
        self._stop.set()
        self.source.close()
        if self._thread.ident is not None:
            self._thread.join(_JOIN_S)
        self.latest.close()
        return not self._thread.is_alive()

    def _pull(self) -> None:
        try:
            while not self._stop.is_set():
                lease = self.source.next(_POLL_S)
                if lease is not None:
                    self.latest.put(lease)
        except Exception as error:
            self.latest.end(error)  # SourceLost, EndOfSource, or a defect: the loop must hear of each
        else:
            self.latest.end(EndOfSource("stopped"))

    def __enter__(self) -> CaptureThread:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.stop()
