"""The ledger of bytes the CPU copied: every copy on the way from the driver's buffer to the engine's input is entered.

Reading a picture in the fused pass and writing the engine's input is work, not a copy, and is not entered.

    ledger = CopyLedger()
    ledger.enter("decoder padding", plane.nbytes)   # beside the line that copies
    ledger.frame_done()
    ledger.per_frame()                              # {"decoder padding": 460800.0}
"""

from __future__ import annotations


class CopyLedger:
    """Sums copied bytes by cause. Not shared between threads: each stage that copies keeps its own."""

    def __init__(self) -> None:
        self._bytes: dict[str, int] = {}
        self._frames = 0

    def enter(self, cause: str, nbytes: int) -> None:
        """`nbytes` were copied because of `cause`. ValueError for a negative number."""
        if nbytes < 0:
            raise ValueError(f"{cause}: copied bytes cannot be negative, got {nbytes}")
        self._bytes[cause] = self._bytes.get(cause, 0) + nbytes

    def frame_done(self) -> None:
        """One frame has gone through, with or without copies."""
        self._frames += 1

    @property
    def frames(self) -> int:
        """Frames so far."""
        return self._frames

    def total_bytes(self) -> int:
        """All bytes copied so far."""
        return sum(self._bytes.values())

    def per_frame(self) -> dict[str, float]:
        """Bytes a frame by cause, largest first; empty before the first frame and where nothing was copied."""
        if not self._frames:
            return {}
        ordered = sorted(self._bytes.items(), key=lambda item: (-item[1], item[0]))
        return {cause: copied / self._frames for cause, copied in ordered}
