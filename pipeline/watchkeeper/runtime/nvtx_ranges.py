"""Frames and the ends of their stages for NVIDIA's profilers, where the Python package nvtx is installed.

API: nvtx 0.2 (push_range, mark, pop_range); without a profiler attached the calls do nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

from watchkeeper.trace.rows import Kind, Network


class NvtxRanges:
    """One range a frame, a mark at the end of each stage. Without nvtx, nothing at all."""

    def __init__(self) -> None:
        try:
            self._nvtx: Any = importlib.import_module("nvtx")
        except ImportError:
            self._nvtx = None
        # made once: no text is put together inside a frame
        self._names = {
            (kind, detail): kind.name.lower() + (f" {detail.name.lower()}" if detail else "")
            for kind in Kind
            for detail in Network
        }
        self._open = False

    def begin(self) -> None:
        """A frame was taken."""
        if self._nvtx is not None:
            self._nvtx.push_range("frame")
            self._open = True

    def mark(self, kind: Kind, detail: int) -> None:
        """A stage of it is over."""
        if self._nvtx is not None:
            self._nvtx.mark(self._names[kind, Network(detail)])

    def finish(self) -> None:
        """The frame is out, or failed."""
        if self._open:
            self._nvtx.pop_range()
            self._open = False
