"""Runs inside the virtual machine: the real supervisor on the kernel's own CAN, hurt in every way; writes what it saw.

PYTHONPATH=tests/faults guest_faults.py OUT.json [--frames N] [--queue-full-s S]

Each fault is a row: the causes that the bus showed from the fault until all was well again, and how long it took to the
first frame that said so. Under emulation these times are upper bounds, full of noise.
"""

from __future__ import annotations

import argparse
import contextlib
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
from collections.abc import Callable, Iterator
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

    @contextlib.contextmanager
    def unit(self, bus: str, *puppet: str) -> Iterator[Rig]:
        """A supervisor with a puppet on `bus`, well; the rows made with it get its exit status."""
        before = len(self.rows)
        rig = Rig(Path(tempfile.mkdtemp()), (), (*PUPPET, *puppet), bus)
        try:
            rig.first(0, lambda v: v == WELL)
            yield rig
            rig.process.terminate()
            status = rig.end()
            for row in self.rows[before:]:
                row |= {"exit_status": status, "frames_ok": all(f.crc_ok for _, f in rig.frames())}
        finally:
            rig.close()

    def fault(self, rig: Rig, name: str, act: Callable[[Rig], int | None], shown: Cause) -> None:
        """Do it, wait until `shown` was shown and all is well again. act: returns when the fault began, if not when
        it was called."""
        print(f"{name} ...", flush=True)
        counts = [f.values["BusOffCount"] for _, f in rig.frames() if f.name == "DMS_Health"]
        called_ns = now_ns()
        began_ns = act(rig) or called_ns
        seen_ns = rig.first(began_ns, lambda v: v[1] is shown)
        well_ns = rig.first(seen_ns, lambda v: v == WELL)
        shown_since = [v for t_ns, v in rig.verdicts() if called_ns < t_ns <= well_ns and v != WELL]
        deadline = time.monotonic() + 3  # DMS_Health comes once a second
        while time.monotonic() < deadline:
            time.sleep(0.1)
        after = [f.values["BusOffCount"] for _, f in rig.frames() if f.name == "DMS_Health"]
        row = {
            "fault": name, "causes": list(dict.fromkeys(v[1].label for v in shown_since)),
            "states": list(dict.fromkeys(v[0].name for v in shown_since)),
            "reaction_ms": (seen_ns - began_ns) / NS_PER_MS, "well_ms": (well_ns - began_ns) / NS_PER_MS,
            "bus_off": (after[-1] or 0) - (counts[-1] or 0 if counts else 0),
        }  # fmt: skip
        self.rows.append(row)
        print(json.dumps(row), flush=True)


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
    with bench.unit(vcan) as rig:
        bench.fault(rig, "link down and up", link_down, Cause.BUS_RECOVERED)
        bench.fault(rig, "interface deleted and made again", made_again, Cause.BUS_RECOVERED)
        bench.fault(rig, "vision killed (SIGKILL)", signal_vision(signal.SIGKILL), Cause.VISION_RESTARTING)
        bench.fault(rig, "vision stopped (SIGSTOP)", signal_vision(signal.SIGSTOP), Cause.STALE_VISION)
    with bench.unit(vcan, "--grow-after", "60") as rig:
        bench.fault(rig, "vision at its memory limit", starve, Cause.VISION_RESTARTING)
    with bench.unit(vcan, "--freeze-after", "90") as rig:
        bench.fault(rig, "frozen picture", frozen, Cause.CAMERA_FROZEN)
        for key in ("reaction_ms", "well_ms"):
            del bench.rows[-1][key]  # when the puppet began to repeat itself is not known here
    bench.rows.append(full_disk("vcan0"))
    for number in (0, 1):
        sh(f"ip link set can{number} type can bitrate 500000 && ip link set can{number} up")
    pairs = [pair(args.frames, "vcan0", "vcan0"), pair(args.frames, "can0", "can1")]
    sh("modprobe -r kvaser_pci")  # so that the slcan interface is can0 for certain
    adapter = Adapter("can0")
    with bench.unit("socketcan:can0") as rig:
        bench.fault(rig, "bus-off", adapter.bus_off, Cause.BUS_RECOVERED)
        stuck = f"queue full for {args.queue_full_s:g} s"
        bench.fault(rig, stuck, adapter.stuck(args.queue_full_s), Cause.BUS_RECOVERED)
    args.out.write_text(json.dumps({"faults": bench.rows, "pairs": pairs}, indent=1))


if __name__ == "__main__":
    main()
