"""Runs inside the virtual machine: the real supervisor on the kernel's own CAN, hurt in every way; writes what it saw.

PYTHONPATH=tests/faults guest_faults.py OUT.json [--frames N] [--queue-full-s S]

Each fault is a row: the causes that the bus showed from the fault until all was well again, and how long it took to the
first frame that said so. Under emulation these times are upper bounds, full of noise.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rig import Rig, Verdict, runs

from watchkeeper.clock import NS_PER_MS, now_ns
from watchkeeper.supervisor.bus import open_listener
from watchkeeper.supervisor.frames import decode
from watchkeeper.types import Cause, SystemState

PUPPET = (sys.executable, str(Path(__file__).parents[1] / "faults" / "puppet_vision.py"), "watchkeeper-vision")
WELL: Verdict = (SystemState.STANDBY, Cause.NONE)  # no vehicle speaks here
_N_SLCAN, _TIOCSETD = 17, 0x5423  # <asm-generic/ioctls.h>, <linux/tty.h>


def sh(command: str) -> None:
    """Run it or fail."""
    subprocess.run(command, shell=True, check=True)


class Bench:
    """The rows so far, and a supervisor for each of them."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def fault(
        self, name: str, act: Callable[[Rig], int | None], shown: Cause | None, bus: str, *puppet: str, folder: str = ""
    ) -> Rig:
        """One supervisor, one fault. act: does it; returns when it began, if not when `act` was called. shown: the
        cause to wait for, None for a fault that shall not be seen at all."""
        print(f"{name} ...", flush=True)
        rig = Rig(Path(folder or tempfile.mkdtemp()), (), (*PUPPET, *puppet), bus)
        try:
            rig.first(0, lambda v: v == WELL)
            time.sleep(0.5)
            began_ns = now_ns()
            began_ns = act(rig) or began_ns
            row: dict[str, Any] = {"fault": name}
            if shown is None:
                time.sleep(2.0)
                rig.first(now_ns(), lambda v: v == WELL)
            else:
                seen_ns = rig.first(began_ns, lambda v: v[1] is shown)
                well_ns = rig.first(seen_ns, lambda v: v == WELL)
                row |= {"reaction_ms": (seen_ns - began_ns) / NS_PER_MS, "well_ms": (well_ns - began_ns) / NS_PER_MS}
            later = [v for t_ns, v in rig.verdicts() if t_ns > began_ns]
            order = [v[1].label for v in later if v != WELL]
            row["causes"] = list(dict.fromkeys(order))
            row["states"] = list(dict.fromkeys(v[0].name for v in later if v != WELL))
            counts = [f.values["BusOffCount"] for _, f in rig.frames() if f.name == "DMS_Health"]
            row["bus_off_count"] = counts[-1] if counts else None
            row["frames_ok"] = all(f.crc_ok for _, f in rig.frames())
            rig.process.terminate()
            row["exit_status"] = rig.end()
            self.rows.append(row)
            print(json.dumps(row), flush=True)
        finally:
            rig.close()
        return rig


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


def frozen(rig: Rig) -> int:
    """The puppet freezes by itself after its 90th picture; when the first repeated one was shown is not known here."""
    return rig.first(0, lambda v: v == WELL)


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


def pair(frames: int, sender: str, listener: str) -> dict[str, Any]:
    """`frames` frames from one interface to another (or the same): no repeat, skip, bad CRC, burst."""
    print(f"{sender} -> {listener}, {frames} frames ...", flush=True)
    bus = open_listener(f"socketcan:{listener}")
    rig = Rig(Path(tempfile.mkdtemp()), (), PUPPET, f"socketcan:{sender}")
    try:
        counters: dict[str, int] = {}
        last: dict[str, int] = {}
        total = bad = wrong = early = 0
        while total < frames:
            for frame in bus.receive():
                t_ns, got = now_ns(), decode(frame)
                if got is None:
                    continue
                total += 1
                bad += not got.crc_ok
                wrong += got.name in counters and got.counter != (counters[got.name] + 1) % 16
                early += got.name == "DMS_Status" and t_ns - last.get(got.name, 0) < 15 * NS_PER_MS
                counters[got.name], last[got.name] = got.counter, t_ns
            time.sleep(0.002)
        return {
            "pair": f"{sender}-{listener}", "frames": total, "bad_crc": bad, "wrong_counter": wrong, "early": early,
            "slots_missed": rig.report().slots_missed,
        }  # fmt: skip
    finally:
        rig.close()
        bus.close()


def main() -> None:
    """All faults in one boot."""
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--frames", type=int, default=400)
    parser.add_argument("--queue-full-s", type=float, default=3.0)
    args = parser.parse_args()
    sh("modprobe -a vcan can_raw slcan kvaser_pci; ip link add vcan0 type vcan; ip link set vcan0 up")
    vcan = "socketcan:vcan0"
    bench = Bench()
    bench.fault("vision killed (SIGKILL)", signal_vision(signal.SIGKILL), Cause.VISION_RESTARTING, vcan)
    bench.fault("vision stopped (SIGSTOP)", signal_vision(signal.SIGSTOP), Cause.STALE_VISION, vcan)
    bench.fault("vision at its memory limit", starve, Cause.VISION_RESTARTING, vcan, "--grow-after", "60")
    bench.fault("frozen picture", frozen, Cause.CAMERA_FROZEN, vcan, "--freeze-after", "90", "--freeze-frames", "45")
    bench.fault("link down and up", link_down, Cause.BUS_RECOVERED, vcan)
    bench.fault("interface deleted and made again", made_again, Cause.BUS_RECOVERED, vcan)
    full = tempfile.mkdtemp()
    sh(f"mount -t tmpfs -o size=64k none {full}")
    bench.fault("disk of the CAN log full", lambda _: sh(f"cat /dev/zero >{full}/fill 2>/dev/null || true"), None, vcan)
    for number in (0, 1):
        sh(f"ip link set can{number} type can bitrate 500000 && ip link set can{number} up")
    pairs = [pair(args.frames, "vcan0", "vcan0"), pair(args.frames, "can0", "can1")]
    sh("modprobe -r kvaser_pci")  # so that the slcan interface is can0 for certain
    adapter = Adapter("can0")
    bench.fault("bus-off", adapter.bus_off, Cause.BUS_RECOVERED, "socketcan:can0")
    stuck = f"queue full for {args.queue_full_s:g} s"
    bench.fault(stuck, adapter.stuck(args.queue_full_s), Cause.BUS_RECOVERED, "socketcan:can0")
    args.out.write_text(json.dumps({"faults": bench.rows, "pairs": pairs}, indent=1))


if __name__ == "__main__":
    main()
