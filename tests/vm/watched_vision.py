"""Runs inside the virtual machine: the product's own vision, with a look at where the bytes of each picture lie.

watched_vision.py OUT.json VISION-OPTIONS...

The lamp's perception (`--glass-test`) stands for the networks, which an emulated processor runs once a second; source,
hand-over, loop, preprocessing kernel, mailbox and process are the product's. Before each picture is read, every byte of
it is looked up: in one of the driver's buffers (mapped from the device, from a dmabuf, or memory of ours that the
driver was given), or elsewhere, which would be a copy. OUT.json is written anew every ten pictures.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from unittest.mock import patch

from watchkeeper.capture import v4l2
from watchkeeper.capture.source import Clock
from watchkeeper.memory.buffers import address_of
from watchkeeper.runtime import vision
from watchkeeper.runtime.glass_test import GlassTest
from watchkeeper.types import Frame, Measurement

OUT = Path(sys.argv[1])
_sources: list[v4l2.V4l2Source] = []


class WatchedSource(v4l2.V4l2Source):
    """The source, known to who counts."""

    def __init__(self, options: v4l2.Options, *, paced: bool, clock: Clock) -> None:
        super().__init__(options, paced=paced, clock=clock)
        _sources.append(self)


def mapping_of(address: int) -> str:
    """What the kernel says is mapped at `address`: a path such as /dev/video0, or `anonymous` (proc_pid_maps(5))."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, _, _, _, _, *path = line.split(maxsplit=5)
        low, high = (int(end, 16) for end in span.split("-"))
        if low <= address < high:
            return path[0] if path else "anonymous"
    return "nothing"


class WatchedGlassTest(GlassTest):
    """Counts before it reads."""

    frames = bytes_read = bytes_in_place = 0
    mappings: set[str] = set()

    def process(self, frame: Frame) -> Measurement:
        """As GlassTest.process."""
        spans = [(address_of(slot.view), slot.nbytes) for slot in _sources[-1].slots]
        for plane in frame.planes:
            at, size = address_of(plane), memoryview(plane).nbytes
            self.bytes_read += size
            if any(low <= at and at + size <= low + nbytes for low, nbytes in spans):
                self.bytes_in_place += size
            if self.frames % 10 == 0:
                self.mappings.add(mapping_of(at))
        measurement = super().process(frame)
        self.frames += 1
        if self.frames % 10 == 0:
            source = _sources[-1]
            counted = {
                "frames": self.frames, "bytes_read": self.bytes_read, "bytes_in_place": self.bytes_in_place,
                "kernel_copied": self._preprocess.copies.total_bytes(), "mappings": sorted(self.mappings),
                "format": frame.format.name, "size": [frame.width, frame.height], "lost": source.lost_frames,
            }  # fmt: skip
            part = OUT.with_suffix(".part")
            part.write_text(json.dumps(counted))
            part.replace(OUT)
        return measurement


if __name__ == "__main__":
    with (
        patch.object(v4l2, "V4l2Source", WatchedSource),
        patch.object(vision, "GlassTest", WatchedGlassTest),
    ):
        sys.exit(vision.main(sys.argv[2:]))
