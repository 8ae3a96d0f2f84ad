"""Runs inside the virtual machine: the real supervisor on the kernel's own CAN, hurt in every way; writes what it saw.

PYTHONPATH=tests/faults guest_faults.py OUT.json [--queue-full-s S]
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import signal
import struct
import tempfile
import threading
import time
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Any

from guest import PUPPET, WELL, Bench, make_vcan, sh
from rig import Rig, runs

from watchkeeper.clock import now_ns
from watchkeeper.supervisor.bus import open_listener
from watchkeeper.supervisor.frames import decode
from watchkeeper.types import Cause

_N_SLCAN, _TIOCSETD = 17, 0x5423  # <asm-generic/ioctls.h>, <linux/tty.h>
_FREEZE_AFTER = 90  # pictures


def signal_vision(number: int) -> Callable[[Rig], None]:
    """Send vision a signal."""
    return lambda rig: os.kill(rig.report().vision_pid, number)


def starve(rig: Rig) -> int:
    """The kernel kills vision, which grows, at its memory limit (control group v2); counted from its end."""
    root = Path("/sys/fs/cgroup")
    if not (root / "cgroup.controllers").exists():
        sh(f"mount -t cgroup2 none {root}")
    (root / "cgroup.subtree_control").write_text("+memory")
    group = root / "vision"
    group.mkdir(exist_ok=True)
    (group / "memory.max").write_text(str(8 * 2**20))
    pid = rig.report().vision_pid
    (group / "cgroup.procs").write_text(str(pid))
    while runs(pid):
        time.sleep(0.001)
    kills = (group / "memory.events").read_text()
    assert "oom_kill 1" in kills, kills
    return now_ns()


def frozen(bench: Bench) -> Callable[[Rig], int]:
    """The puppet freezes by itself; counted from its first picture that repeats the one before, as its diary has it."""

    def act(rig: Rig) -> int:
        end = time.monotonic() + 60
        while True:
            exposures = [exposed for _, seq, exposed, _ in bench.diary.lines() if seq == _FREEZE_AFTER + 1]
            if exposures:
                return exposures[0]
            assert time.monotonic() < end, "the puppet never came to its frozen picture"
            time.sleep(0.02)

    return act


def link_down(rig: Rig) -> int:
    """3 s without a link; counted from when it is back."""
    sh("ip link set vcan0 down")
    time.sleep(3)
    sh("ip link set vcan0 up")
    return now_ns()


def made_again(rig: Rig) -> int:
    """2 s without the interface."""
    sh("ip link del vcan0")
    time.sleep(2)
    sh("ip link add vcan0 type vcan && ip link set vcan0 up")
    return now_ns()


def full_disk(interface: str) -> dict[str, Any]:
    """The CAN log's disk fills up; the bus is listened to, since the log cannot tell any more."""
    print("disk of the CAN log full ...", flush=True)
    folder = tempfile.mkdtemp()
    sh(f"mount -t tmpfs -o size=64k none {folder}")
    bus = open_listener(f"socketcan:{interface}")
    rig = Rig(Path(folder), (), PUPPET, f"socketcan:{interface}")
    try:
        rig.first(0, lambda v: v == WELL)
        sh(f"cat /dev/zero >{folder}/fill 2>/dev/null || true")
        time.sleep(1)
        while bus.receive():
            pass
        end, shown, frames = time.monotonic() + 3, set(), 0
        while time.monotonic() < end:
            for frame in bus.receive():
                got = decode(frame)
                if got is not None and got.name == "DMS_Status":
                    assert got.crc_ok
                    frames += 1
                    shown.add(Cause(int(got.values["Cause"] or 0)).label)
            time.sleep(0.005)
        left = os.statvfs(folder).f_bavail
        row = {"fault": "disk of the CAN log full", "causes": sorted(shown - {"None"}), "frames": frames, "left": left}
        rig.process.terminate()
        row |= {"exit_status": rig.end(), "frames_ok": True, "bus_off": 0}
        print(json.dumps(row), flush=True)
        return row
    finally:
        rig.close()
        bus.close()


class Adapter:
    """The far side of a kernel slcan interface: a pty that is read while `reading`."""

    def __init__(self, name: str) -> None:
        self._master, self._port = pty.openpty()
        tty.setraw(self._port)
        fcntl.ioctl(self._port, _TIOCSETD, struct.pack("i", _N_SLCAN))
        time.sleep(0.3)
        sh(f"ip link set {name} up")
        self.reading = True
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        os.set_blocking(self._master, False)
        while True:
            time.sleep(0.002)
            if self.reading:
                try:
                    os.read(self._master, 4096)
                except BlockingIOError:
                    continue

    def bus_off(self, rig: Rig) -> None:
        """The adapter says that its controller went bus-off."""
        os.write(self._master, b"sb255127\r")

    def stuck(self, seconds: float) -> Callable[[Rig], int]:
        """It takes nothing for so long; counted from when it takes again."""

        def act(rig: Rig) -> int:
            # what the pty and the driver hold passes first; then the queue is full
            self.reading = False
            end = time.monotonic() + 60
            before = rig.report().send_failures
            while rig.report().send_failures == before:
                assert time.monotonic() < end, "the queue never filled up"
                time.sleep(0.05)
            time.sleep(seconds)
            self.reading = True
            return now_ns()

        return act


def main() -> None:
    """All faults in one boot."""
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--queue-full-s", type=float, default=3.0)
    args = parser.parse_args()
    vcan = make_vcan()
    sh("modprobe slcan")
    bench = Bench()
    with bench.unit(vcan) as rig:
        bench.fault(rig, "link down and up", link_down, Cause.BUS_RECOVERED)
        bench.fault(rig, "interface deleted and made again", made_again, Cause.BUS_RECOVERED)
        bench.fault(rig, "vision killed (SIGKILL)", signal_vision(signal.SIGKILL), Cause.VISION_RESTARTING)
        bench.fault(rig, "vision stopped (SIGSTOP)", signal_vision(signal.SIGSTOP), Cause.STALE_VISION)
    with bench.unit(vcan, "--grow-after", "60") as rig:
        bench.fault(rig, "vision at its memory limit", starve, Cause.VISION_RESTARTING)
    with bench.unit(vcan, "--freeze-after", str(_FREEZE_AFTER)) as rig:
        bench.fault(rig, "frozen picture", frozen(bench), Cause.CAMERA_FROZEN)
    bench.rows.append(full_disk("vcan0"))
    adapter = Adapter("can0")
    with bench.unit("socketcan:can0") as rig:
        bench.fault(rig, "bus-off", adapter.bus_off, Cause.BUS_RECOVERED)
        stuck = f"queue full for {args.queue_full_s:g} s"
        bench.fault(rig, stuck, adapter.stuck(args.queue_full_s), Cause.BUS_RECOVERED)
    args.out.write_text(json.dumps(bench.rows, indent=1))


if __name__ == "__main__":
    main()
