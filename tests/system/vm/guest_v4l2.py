"""Runs inside the virtual machine, against the kernel's test camera (vivid): a line of JSON a way of buffering."""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np

from watchkeeper.capture.source import SourceLost
from watchkeeper.capture.v4l2 import V4l2Source, parse
from watchkeeper.clock import now_ns
from watchkeeper.errors import WatchkeeperError
from watchkeeper.memory.buffers import LockedBuffer, address_of

FRAMES = 15


def capture(device: str, code: str, io: str) -> dict[str, Any]:
    """Figures of one short run."""
    made: list[LockedBuffer] = []

    def allocate(nbytes: int) -> LockedBuffer:
        made.append(LockedBuffer(nbytes))
        return made[-1]

    said: dict[str, Any] = {"format": code, "io": io}
    try:
        source = V4l2Source(
            parse(f"{device}?size=640x360&format={code}&io={io}"), paced=True, clock=now_ns, allocate=allocate
        )
    except WatchkeeperError as error:
        return {**said, "refused": str(error)}
    slots = {address_of(slot.view) for slot in source.slots}
    ages, levels, inside, last = [], set(), True, -1
    for _ in range(FRAMES):
        lease = source.next(5.0)
        if lease is None:
            return {**said, "stalled": True}
        with lease:
            frame = lease.frame
            ages.append((now_ns() - frame.t_ns) / 1e6)
            inside = inside and address_of(frame.planes[0]) in slots and frame.seq > last
            last = frame.seq
            levels.add(round(float(np.frombuffer(frame.planes[0], np.uint8).mean()), 2))
            said["strides"], said["size"] = frame.strides, [frame.width, frame.height]
    said |= {"frames": FRAMES, "lost": source.lost_frames, "in_place": inside, "copied": source.copied_bytes}
    said |= {
        "age_ms_median": round(float(np.median(ages)), 2),
        "mean_grey": sorted(levels)[:3],
        "info": source.info.name,
    }
    said["ours"] = {buffer.address for buffer in made} == slots if made else None
    source.close()
    return said


def loses(device: str, control: str) -> dict[str, Any]:
    """What an injected fault ends in."""
    import subprocess

    source = V4l2Source(parse(f"{device}?size=640x360&format=YUYV"), paced=True, clock=now_ns)
    lease = source.next(5.0)
    if lease is not None:
        lease.release()
    done = subprocess.run(["v4l2-ctl", "-d", device, "-c", f"{control}=1"], capture_output=True, text=True, check=False)
    try:
        for _ in range(50):
            lease = source.next(1.0)
            if lease is not None:
                lease.release()
    except SourceLost as error:
        return {"control": control, "lost": str(error)}
    finally:
        source.close()
    return {"control": control, "lost": None, "v4l2-ctl": done.stderr}


if __name__ == "__main__":
    for code, io in (
        ("YUYV", "mmap"), ("NV12", "mmap"), ("GREY", "mmap"), ("NV12", "expbuf"), ("NV12", "userptr"),
        ("YUYV", "dmabuf"),
    ):  # fmt: skip
        print("VM " + json.dumps(capture(sys.argv[1], code, io)), flush=True)
    for control in ("inject_fatal_streaming_error", "disconnect"):
        print("VM " + json.dumps(loses(sys.argv[1], control)), flush=True)
