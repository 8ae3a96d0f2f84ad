"""Runs inside the virtual machine: the real supervisor on the kernel's own CAN, hurt in every way; writes what it saw.

PYTHONPATH=tests/faults guest_faults.py OUT.json [--queue-full-s S] [--busoff-module BUSOFF.KO]

--busoff-module: two kvaser_pci (SJA1000) are there; the module takes one into bus-off as its driver would, since QEMU's
CAN bus makes no errors. What follows is the kernel's and ours: error frame, link message, the restart asked for by
netlink, the driver's own start of the controller.
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

from guest import PUPPET, REACTION_MS, WELL, Bench, make_vcan, sh
from rig import Rig, runs

from watchkeeper.clock import NS_PER_MS, now_ns
from watchkeeper.supervisor.bus import open_listener
from watchkeeper.supervisor.bus_socketcan import RESTART_BACK_OFF_NS, can_interfaces
from watchkeeper.supervisor.frames import decode
from watchkeeper.supervisor.sender_check import SenderCheck
from watchkeeper.types import Cause

_N_SLCAN, _TIOCSETD = 17, 0x5423  # <asm-generic/ioctls.h>, <linux/tty.h>
_FREEZE_AFTER = 90  # pictures
_FROZEN_MS = 300  # a picture has to stand still for this long to be called frozen
_REOPEN_MS = 1000  # an interface that is gone is looked for once a second


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
    """The disk of the CAN log and of the kept state fills up; the bus is listened to, since the log cannot tell any
    more. Nothing of the driver monitoring is lost by it, so the bus says so of nothing. Room again: the log goes on."""
    print("disk full ...", flush=True)
    folder = Path(tempfile.mkdtemp())
    sh(f"mount -t tmpfs -o size=64k none {folder}")
    bus, heard = open_listener(f"socketcan:{interface}"), SenderCheck()
    shown: set[str] = set()
    rig = Rig(folder, ("--state-dir", str(folder)), PUPPET, f"socketcan:{interface}")
    try:
        rig.first(0, lambda v: v == WELL)
        sh(f"cat /dev/zero >{folder}/fill 2>/dev/null || true")
        time.sleep(2)  # the log's last page still had room
        while bus.receive():
            pass
        full, end = rig.log.stat().st_size, time.monotonic() + 3
        while time.monotonic() < end:
            for frame in bus.receive():
                heard.step(frame, now_ns())
                got = decode(frame)
                if got is not None and got.name == "DMS_Status":
                    shown.add(Cause(int(got.values["Cause"] or 0)).label)
            time.sleep(0.005)
        faults = sum(verdict.faults for verdict in heard.verdicts.values())
        row: dict[str, Any] = {
            "fault": "disk of the CAN log full", "causes": sorted(shown - {"None"}), "frames": heard.n,
            "left": os.statvfs(folder).f_bavail, "logged": rig.log.stat().st_size - full, "bus_off": 0,
        }  # fmt: skip
        (folder / "fill").unlink()
        freed_ns = now_ns()
        row["well_ms"] = (rig.first(freed_ns, lambda v: v == WELL) - freed_ns) / NS_PER_MS
        rig.process.terminate()
        row |= {"exit_status": rig.end(), "frames_ok": not faults and all(f.crc_ok for _, f in rig.frames())}
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


def _restarted_ms(number: int) -> float:
    """The limit of the bus-off so many after a calm one: the controller is restarted that long after it."""
    return REACTION_MS + RESTART_BACK_OFF_NS[number] / NS_PER_MS


def kvaser(bench: Bench, module: Path) -> None:
    """One bus-off, and a second one while the first one's back-off still grows."""
    before = set(can_interfaces())
    sh("modprobe kvaser_pci")
    name, other = sorted(set(can_interfaces()) - before)
    for interface in (name, other):
        sh(f"ip link set {interface} type can bitrate 500000 restart-ms 0 && ip link set {interface} up")

    def bus_off(_rig: Rig) -> None:
        sh(f"insmod {module} interface={name} && rmmod busoff")

    with bench.unit(f"socketcan:{name}") as rig:
        bench.fault(rig, "bus-off of a kvaser_pci", bus_off, Cause.BUS_RECOVERED, limit_ms=_restarted_ms(0))
        bench.fault(rig, "bus-off of a kvaser_pci, again", bus_off, Cause.BUS_RECOVERED, limit_ms=_restarted_ms(1))


def main() -> None:
    """All faults in one boot."""
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--queue-full-s", type=float, default=10.0)
    parser.add_argument("--busoff-module", type=Path)
    args = parser.parse_args()
    vcan = make_vcan()
    sh("modprobe slcan")
    bench = Bench()
    with bench.unit(vcan) as rig:
        bench.fault(rig, "link down and up", link_down, Cause.BUS_RECOVERED)
        name = "interface deleted and made again"
        bench.fault(rig, name, made_again, Cause.BUS_RECOVERED, limit_ms=REACTION_MS + _REOPEN_MS)
        bench.fault(rig, "vision killed (SIGKILL)", signal_vision(signal.SIGKILL), Cause.VISION_RESTARTING)
        bench.fault(rig, "vision stopped (SIGSTOP)", signal_vision(signal.SIGSTOP), Cause.STALE_VISION)
    with bench.unit(vcan, "--grow-after", "60") as rig:
        bench.fault(rig, "vision at its memory limit", starve, Cause.VISION_RESTARTING)
    with bench.unit(vcan, "--freeze-after", str(_FREEZE_AFTER)) as rig:
        limit_ms = REACTION_MS + _FROZEN_MS
        bench.fault(rig, "frozen picture", frozen(bench), Cause.CAMERA_FROZEN, limit_ms=limit_ms)
    bench.rows.append(full_disk("vcan0"))
    adapter = Adapter("can0")
    with bench.unit("socketcan:can0") as rig:
        bench.fault(rig, "bus-off", adapter.bus_off, Cause.BUS_RECOVERED, limit_ms=_restarted_ms(0))
        stuck = f"queue full for {args.queue_full_s:g} s"
        bench.fault(rig, stuck, adapter.stuck(args.queue_full_s), Cause.BUS_RECOVERED)
    if args.busoff_module is not None:
        kvaser(bench, args.busoff_module)
    args.out.write_text(json.dumps(bench.rows, indent=1))


if __name__ == "__main__":
    main()
