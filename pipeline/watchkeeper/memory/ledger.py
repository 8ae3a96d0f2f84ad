"""The ledger of bytes the CPU copied: every copy on the way from the driver's buffer to the engine's input is entered.

Reading a picture in the fused pass and writing the engine's input is work, not a copy, and is not entered.

    ledger = CopyLedger()
    ledger.enter(DECODE, plane.nbytes)   # beside the line that copies
    ledger.frame_done()
    ledger.per_frame()                   # {"decode": 460800.0}
"""

from __future__ import annotations

DECODE = "decode"
"""The source converted or turned a picture whose pixel format or orientation is not one of ours."""
UPLOAD = "upload"
"""A picture outside memory that the GPU reads went into memory that it does."""
DOWNLOAD = "download"
"""The GPU's crop went to an engine's input outside memory that the GPU writes."""
PLACES = (DECODE, UPLOAD, DOWNLOAD)
"""All places of this program where a picture's bytes may be copied, in the order a frame comes by them."""


class CopyLedger:
    """Sums copied bytes by place. Not shared between threads: each stage that copies keeps its own."""

    def __init__(self) -> None:
        self._bytes: dict[str, int] = {}
        self._frames = 0

    def enter(self, place: str, nbytes: int) -> None:
        """`nbytes` were copied beplace of `place`. ValueError for a negative number."""
        if nbytes < 0:
            raise ValueError(f"{place}: copied bytes cannot be negative, got {nbytes}")
        self._bytes[place] = self._bytes.get(place, 0) + nbytes

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

    def by_place(self) -> dict[str, int]:
        """Bytes so far by place; only places where something was copied."""
        return dict(self._bytes)

    def per_frame(self) -> dict[str, float]:
        """Bytes a frame by place, largest first; empty before the first frame and where nothing was copied."""
        if not self._frames:
            return {}
        ordered = sorted(self._bytes.items(), key=lambda item: (-item[1], item[0]))
        return {place: copied / self._frames for place, copied in ordered}
