"""Runs inside the virtual machine: frames with random contents from one interface to another, judged one by one.

guest_pairs.py OUT.json [--frames N] [--pair vcan|kvaser]

One pair after the other: on vcan from one socket to another, and from one kvaser_pci controller to the other over
QEMU's CAN bus. The vision changes every signal 30 times a second. What is judged are the frames as the far interface's
socket got them, at the times that the kernel stamped on their arrival (SO_TIMESTAMPNS): when this script gets round to
reading them says nothing about the sender.

The start of each is not judged, until _START_S after vision's first result: the guest's disk is the host's, and a
program that is started is waited for on a clock that leaps to the next timer meanwhile (--skip-idle of tools/vm).
`bench can` judges from the very first frame.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from guest import sh

from watchkeeper.mailbox.layout import SUPERVISOR
from watchkeeper.mailbox.reader import Reader
from watchkeeper.mailbox.writer import Mailbox
from watchkeeper.supervisor.frames import CanFrame
from watchkeeper.supervisor.kernel_stamp import STAMP_SPACE, ask_for_stamps, wall_stamp_ns
from watchkeeper.supervisor.sender_check import SenderCheck, percentile
from watchkeeper.types import SystemState

_SO_RCVBUFFORCE = 33
_ROOM = 8 * 2**20  # for minutes of frames: a full receive queue would look like a sender that skips
_LOOK_EVERY_S = 0.5
_START_S = 5
_TELL_EVERY = 5000
_PAIRS = {"vcan": ("vcan0", "vcan0"), "kvaser": ("can0", "can1")}
_SHARES = {"p50": 0.5, "p99": 0.99, "max": 1.0}
_FRAME = struct.Struct("=IB3x8s")  # struct can_frame


class Ear:
    """Every data frame on one interface, with the kernel's time of its arrival."""

    def __init__(self, interface: str) -> None:
        self._socket = socket.socket(socket.AF_CAN, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.CAN_RAW)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _ROOM)
        ask_for_stamps(self._socket)
        self._socket.bind((interface,))

    def hear(self, check: SenderCheck) -> None:
        """Judge all that has come."""
        while True:
            try:
                data, ancillary, _, _ = self._socket.recvmsg(_FRAME.size, STAMP_SPACE)
            except BlockingIOError:
                return
            can_id, length, content = _FRAME.unpack(data)
            stamped_ns = wall_stamp_ns(ancillary)
            assert stamped_ns is not None, "a frame without the kernel's stamp"
            check.step(CanFrame(can_id, content[:length]), stamped_ns)

    def close(self) -> None:
        """Let go of the interface."""
        self._socket.close()


class Sender:
    """The supervisor on one interface, with a vision that makes up a judgement 30 times a second."""

    def __init__(self, interface: str) -> None:
        self._status_fd = Mailbox.create(SUPERVISOR)
        self._status = Reader(self._status_fd, SUPERVISOR)
        python = [sys.executable, "-m"]
        self._process = subprocess.Popen(
            [
                *python, "watchkeeper.supervisor.main", "watchkeeper-supervisor", "--can", f"socketcan:{interface}",
                "--status-fd", str(self._status_fd), "--",
                *python, "watchkeeper.commands.bench_can_vision", "watchkeeper-vision",
            ],
            pass_fds=(self._status_fd,), stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def measures(self) -> bool:
        """Whether its vision has a first result."""
        assert self._process.poll() is None, "the supervisor has ended"
        report = self._status.read()
        return report is not None and report.state is not SystemState.INIT

    def slots_missed(self) -> int:
        """So far; 0 before its first word."""
        report = self._status.read()
        return report.slots_missed if report is not None else 0

    def scheduler(self) -> str:
        """Its class and priority, as the kernel has them."""
        policy = os.sched_getscheduler(self._process.pid)
        priority = os.sched_getparam(self._process.pid).sched_priority
        return f"SCHED_FIFO {priority}" if policy == os.SCHED_FIFO else f"policy {policy}"

    def end(self) -> dict[str, int]:
        """Have it end in order; what it says of itself."""
        self._process.terminate()
        status = self._process.wait(60)
        report = self._status.read()
        assert report is not None
        os.close(self._status_fd)
        return {
            "exit_status": status, "sent": report.frames_sent, "send_failures": report.send_failures,
            "slots_missed": report.slots_missed,
        }  # fmt: skip


class Pair:
    """A sender and who hears it; what is judged are the frames from _START_S on."""

    def __init__(self, sender: str, listener: str) -> None:
        self._name = f"{sender}-{listener}"
        self._ear, self._check = Ear(listener), SenderCheck()
        self._unit = Sender(sender)
        while not self._unit.measures():
            time.sleep(_LOOK_EVERY_S)
        time.sleep(_START_S)
        self._ear.hear(self._check)
        self._heard_before, self._missed_before = self._check.n, self._unit.slots_missed()
        assert self._heard_before, "nothing is sent"
        self._check = SenderCheck()

    def until(self, frames: int, tell: Callable[[dict[str, Any]], None]) -> None:
        """Hear so many frames; tell what was found so far now and then."""
        told = 0
        while self._check.n < frames:
            time.sleep(_LOOK_EVERY_S)
            self._ear.hear(self._check)
            if self._check.n - told >= _TELL_EVERY:
                told = self._check.n
                tell(self._row() | {"slots_missed": self._unit.slots_missed() - self._missed_before})

    def end(self) -> dict[str, Any]:
        """Have the sender end; all that was found."""
        scheduler = self._unit.scheduler()
        said = self._unit.end()
        self._ear.hear(self._check)
        self._ear.close()
        said["slots_missed"] -= self._missed_before
        lost = said.pop("sent") - self._heard_before - self._check.n
        return self._row() | said | {"scheduler": scheduler, "lost": lost, "missed_at_start": self._missed_before}

    def _row(self) -> dict[str, Any]:
        verdicts = self._check.verdicts.values()
        gaps = [pct for verdict in verdicts for pct in verdict.deviations_pct]
        deviations = {f"deviation_{name}_pct": round(percentile(gaps, share), 2) for name, share in _SHARES.items()}
        return {
            "pair": self._name, "frames": self._check.n, "bad_crc": sum(v.bad_crc for v in verdicts),
            "repeated": sum(v.repeats for v in verdicts), "skipped": sum(v.skips for v in verdicts),
            "off_cycle": sum(v.off_cycle for v in verdicts), **deviations,
        }  # fmt: skip


def main() -> None:
    """Each pair until it has its frames."""
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--pair", choices=_PAIRS, help="this one alone")
    args = parser.parse_args()
    sh("modprobe -a vcan can_raw kvaser_pci; ip link add vcan0 type vcan; ip link set vcan0 up")
    for number in (0, 1):
        sh(f"ip link set can{number} type can bitrate 500000 && ip link set can{number} up")
    rows: list[dict[str, Any]] = []

    def keep(row: dict[str, Any]) -> None:
        print(json.dumps(row), flush=True)
        args.out.write_text(json.dumps([*rows, row], indent=1))

    for name in [args.pair] if args.pair else _PAIRS:
        pair = Pair(*_PAIRS[name])
        pair.until(args.frames, keep)
        row = pair.end()
        keep(row)
        rows.append(row)


if __name__ == "__main__":
    main()
