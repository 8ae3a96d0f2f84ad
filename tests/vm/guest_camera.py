"""Runs inside the virtual machine: supervisor and real vision on the kernel's test camera (vivid), which breaks.

PYTHONPATH=tests/faults guest_camera.py OUT.json [--networks]

Without --networks vision runs with its glass test in the place of the networks, which an emulated processor runs at one
picture a second: camera, capture, loop, mailbox, supervisor and restarts are the product's own either way. With them
StaleVision and Overrun are the truth before and after the fault.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from guest import Bench, Diary, make_vcan, sh
from rig import Rig, Verdict

from watchkeeper.types import Cause, SystemState

DEVICE = Path("/dev/video0")
_SOURCE = f"v4l2:{DEVICE}?size=640x360&format=YUYV"
_S_CTRL = 0xC008561C  # VIDIOC_S_CTRL of struct v4l2_control


class Control:
    """One of the test camera's controls, ready to be set at a known moment: no program has to be started for it."""

    def __init__(self, name: str) -> None:
        listed = subprocess.run(["v4l2-ctl", "-d", str(DEVICE), "-L"], capture_output=True, text=True, check=True)
        found = re.search(rf"{name} 0x([0-9a-f]+)", listed.stdout)
        assert found, listed.stdout
        self._id = int(found[1], 16)
        self._fd = os.open(DEVICE, os.O_RDWR)

    def set(self, value: int) -> None:
        """Set it."""
        fcntl.ioctl(self._fd, _S_CTRL, struct.pack("=Ii", self._id, value))

    def close(self) -> None:
        """Let go of the device. A disconnected one comes back when nobody holds it any more (Linux vivid.rst)."""
        os.close(self._fd)


def prepared(name: str) -> Control:
    """The control, and vision has caught up with what the tool took of the processor."""
    control = Control(name)
    time.sleep(2)
    return control


def away(rig: Rig, disconnect: Control) -> None:
    """The device goes (ENODEV), is missing for longer than it takes to start vision anew, and comes back."""
    before = rig.report().restarts
    disconnect.set(1)
    end = time.monotonic() + 90
    while rig.report().restarts < before + 3:
        assert time.monotonic() < end, "vision was not started anew without its camera"
        time.sleep(0.1)
    disconnect.close()


def well(verdict: Verdict) -> bool:
    """Vision measures: what it thinks of the picture, or of its own pace, is not the camera's fault."""
    return verdict[0] in (SystemState.STANDBY, SystemState.ACTIVE, SystemState.DEGRADED)


def _up(networks: bool) -> tuple[str, ...]:
    vision = (
        sys.executable, "-m", "watchkeeper.runtime.vision", "watchkeeper-vision", "--board", "host",
        "--source", _SOURCE, "--realtime",
    )  # fmt: skip
    return vision if networks else (*vision, "--glass-test")


def main() -> None:
    """Both faults, one after the other."""
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--networks", action="store_true")
    args = parser.parse_args()
    vcan = make_vcan()
    sh("modprobe vivid n_devs=1 node_types=0x1")
    stamps = prepared("timestamp_source")
    stamps.set(1)  # the default ones lie in the future
    stamps.close()
    bench, what = Bench(), ", networks and all" if args.networks else ""
    folder = Path(tempfile.mkdtemp())
    bench.diary = Diary(folder / "none")
    with bench.watched(Rig(folder, (), _up(args.networks), vcan)) as rig:
        rig.first(0, well)
        broken = prepared("inject_fatal_streaming_error")
        bench.fault(rig, f"camera breaks (EIO){what}", lambda _: broken.set(1), Cause.CAMERA_LOST, well)
        broken.close()
        gone = prepared("disconnect")
        bench.fault(rig, f"camera unplugged (ENODEV){what}", lambda rig: away(rig, gone), Cause.CAMERA_LOST, well)
    args.out.write_text(json.dumps(bench.rows, indent=1))


if __name__ == "__main__":
    main()
