"""A frame on loan: the picture stays in the source's own buffer until the lease is released."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from types import TracebackType

from watchkeeper.types import Frame


class LeaseCount:
    """How many frames of one source are out on loan; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._outstanding = 0

    @property
    def outstanding(self) -> int:
        """Leases handed out and not yet released."""
        return self._outstanding

    def lend(self, frame: Frame, on_release: Callable[[], None] | None = None) -> FrameLease:
        """A lease on `frame`; `on_release` runs once, when the buffer may be reused."""
        with self._lock:
            self._outstanding += 1
        return FrameLease(frame, self, on_release)

    def _back(self) -> None:
        with self._lock:
            self._outstanding -= 1


class FrameLease:
    """Context manager over one frame. After `release` the frame and its planes are out of reach (ValueError).

    A numpy array made over a plane keeps the memory valid, but its content belongs to the source again.
    """

    def __init__(self, frame: Frame, count: LeaseCount, on_release: Callable[[], None] | None = None) -> None:
        self._frame: Frame | None = frame
        self._count, self._on_release = count, on_release
        self._lock = threading.Lock()

    @property
    def frame(self) -> Frame:
        """The picture. Raises ValueError once the lease is released."""
        frame = self._frame
        if frame is None:
            raise ValueError("the frame's lease was released")
        return frame

    @property
    def released(self) -> bool:
        """Whether the buffer has gone back."""
        return self._frame is None

    def release(self) -> None:
        """Give the buffer back; may be called again, from any thread."""
        with self._lock:
            frame, self._frame = self._frame, None
        if frame is None:
            return
        for plane in frame.planes:
            if isinstance(plane, memoryview):
                with contextlib.suppress(BufferError):  # an array over it still lives; it keeps the memory alive
                    plane.release()
        self._count._back()
        if self._on_release is not None:
            self._on_release()

    def __enter__(self) -> FrameLease:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.release()
