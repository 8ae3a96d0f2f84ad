"""Runs inside the virtual machine: the test camera (vivid) through the whole product, by every way of buffering.

PYTHONPATH=tests/faults guest_paths.py OUT.json WAY...     a WAY is FORMAT/IO, such as YUYV/mmap; `drop` is one too

Supervisor on vcan0, vision from `/dev/video0` (watched_vision.py looks where each byte lies that is read). `drop`: the
camera (YUYV, mmap) loses a fifth of its buffers, which is counted on the bus and is no fault.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from guest import make_vcan, sh
from guest_camera import DEVICE, Control, prepared, well
from rig import Rig

_WATCHED = Path(__file__).with_name("watched_vision.py")
_PICTURES = 40
_DROP_PCT = 20
_DROP_S = 20.0


class Unit:
    """A supervisor with a watched vision on the test camera."""

    def __init__(self, vcan: str, code: str, io: str) -> None:
        folder = Path(tempfile.mkdtemp())
        self._counts = folder / "counts.json"
        vision = (
            sys.executable, str(_WATCHED), str(self._counts), "watchkeeper-vision", "--board", "host",
            "--source", f"v4l2:{DEVICE}?size=640x360&format={code}&io={io}", "--glass-test", "--realtime",
        )  # fmt: skip
        self.rig = Rig(folder, (), vision, vcan)

    def counts(self) -> dict[str, Any]:
        """What vision counted so far."""
        found: dict[str, Any] = json.loads(self._counts.read_text()) if self._counts.exists() else {"frames": 0}
        return found

    def until(self, frames: int) -> dict[str, Any]:
        """Wait for so many."""
        end = time.monotonic() + 120
        while (counts := self.counts())["frames"] < frames:
            assert time.monotonic() < end, counts
            time.sleep(0.1)
        return counts

    def close(self) -> dict[str, Any]:
        """End in order; what is the same for each row."""
        self.rig.process.terminate()
        status = self.rig.end()
        row = {"exit_status": status, "frames_ok": all(frame.crc_ok for _, frame in self.rig.frames())}
        self.rig.close()
        return row


def by_way(vcan: str, code: str, io: str) -> dict[str, Any]:
    """One way of buffering: well on the bus, so many pictures, where their bytes lay."""
    row: dict[str, Any] = {"way": f"{code}/{io}"}
    if io == "dmabuf" and not Path("/dev/dma_heap/system").exists():
        return {**row, "refused": "this kernel has no dma-heaps"}
    unit = Unit(vcan, code, io)
    well_ns = unit.rig.first(0, well)
    row |= _copied(unit.until(_PICTURES))
    after = [v for t_ns, v in unit.rig.verdicts() if t_ns >= well_ns]
    row["unwell"] = sorted({v[1].label for v in after if not well(v)})
    return {**row, **unit.close()}


def _copied(counts: dict[str, Any]) -> dict[str, Any]:
    """With the bytes that were read from elsewhere than the driver's buffers, and those that the kernel copied."""
    return {**counts, "copied": counts["bytes_read"] - counts["bytes_in_place"] + counts["kernel_copied"]}


def dropping(vcan: str) -> dict[str, Any]:
    """A fifth of the buffers is lost inside the camera: how many the bus counts, and that nothing else comes of it."""
    control: Control = prepared("percentage_of_dropped_buffers")
    unit = Unit(vcan, "YUYV", "mmap")
    unit.rig.first(0, well)
    before = unit.until(10)
    control.set(_DROP_PCT)
    time.sleep(_DROP_S)
    after = unit.counts()
    control.set(0)
    control.close()
    lost, judged = after["lost"] - before["lost"], after["frames"] - before["frames"]
    time.sleep(1.5)  # DMS_Health comes once a second
    told = [f.values["FramesDropped"] or 0 for _, f in unit.rig.frames() if f.name == "DMS_Health"]
    causes = [v[1].label for _, v in unit.rig.verdicts()[-int(_DROP_S * 20) :]]
    row = {"way": "drop", "judged": judged, "told": told[-1], "causes": sorted(set(causes))}
    return {**_copied(after), **row, "lost": lost, **unit.close()}


def main() -> None:
    """Every way named, one after the other, in one boot."""
    vcan = make_vcan()
    sh("modprobe vivid n_devs=1 node_types=0x1")
    stamps = prepared("timestamp_source")
    stamps.set(1)  # the default ones lie in the future
    stamps.close()
    rows = []
    for way in sys.argv[2:]:
        rows.append(dropping(vcan) if way == "drop" else by_way(vcan, *way.split("/")))
        print(json.dumps(rows[-1]), flush=True)
    Path(sys.argv[1]).write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
