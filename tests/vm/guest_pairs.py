"""Runs inside the virtual machine: frames with random contents from one interface to another, judged one by one.

guest_pairs.py OUT.json [--frames N]

Two pairs at once, each with a supervisor and a vision of its own that changes every signal 30 times a second: on vcan
from one socket to another, and from one kvaser_pci controller to the other over QEMU's CAN bus.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import select
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from guest import sh

from watchkeeper.clock import now_ns
from watchkeeper.mailbox.layout import SUPERVISOR
from watchkeeper.mailbox.reader import Reader
from watchkeeper.mailbox.writer import Mailbox
from watchkeeper.supervisor.bus import open_listener
from watchkeeper.supervisor.sender_check import SenderCheck, percentile

_PRIORITY = 10  # below the supervisors: a listener that starves says nothing about the sender


class Pair:
    """A supervisor on one interface, heard on another (or on the same)."""

    def __init__(self, sender: str, listener: str) -> None:
        self.name = f"{sender}-{listener}"
        self.check = SenderCheck()
        self.bus = open_listener(f"socketcan:{listener}")
        # a full receive queue would look like a sender that skips
        with socket.socket(fileno=os.dup(self.bus.fileno())) as same:
            same.setsockopt(socket.SOL_SOCKET, 33, 4 * 2**20)  # SO_RCVBUFFORCE
        self._status_fd = Mailbox.create(SUPERVISOR)
        self._status = Reader(self._status_fd, SUPERVISOR)
        python = [sys.executable, "-m"]
        self._process = subprocess.Popen(
            [
                *python, "watchkeeper.supervisor.main", "watchkeeper-supervisor", "--can", f"socketcan:{sender}",
                "--status-fd", str(self._status_fd), "--",
                *python, "watchkeeper.commands.bench_can_vision", "watchkeeper-vision",
            ],
            pass_fds=(self._status_fd,), stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def hear(self) -> None:
        """Take in what has come."""
        for frame in self.bus.receive():
            self.check.step(frame, now_ns())

    def row(self) -> dict[str, Any]:
        """End the supervisor; what was counted."""
        report = self._status.read()
        assert report is not None
        self._process.terminate()
        exit_status = self._process.wait(60)
        self.bus.close()
        os.close(self._status_fd)
        verdicts = self.check.verdicts.values()
        gaps = [pct for verdict in verdicts for pct in verdict.deviations_pct]
        return {
            "pair": self.name, "frames": self.check.n, "exit_status": exit_status,
            "bad_crc": sum(v.bad_crc for v in verdicts), "repeated": sum(v.repeats for v in verdicts),
            "skipped": sum(v.skips for v in verdicts), "off_cycle": sum(v.off_cycle for v in verdicts),
            "deviation_p99_pct": round(percentile(gaps, 0.99), 1), "slots_missed": report.slots_missed,
            "send_failures": report.send_failures,
        }  # fmt: skip


def main() -> None:
    """Both pairs until each has its frames."""
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--frames", type=int, default=300)
    args = parser.parse_args()
    sh("modprobe -a vcan can_raw kvaser_pci; ip link add vcan0 type vcan; ip link set vcan0 up")
    for number in (0, 1):
        sh(f"ip link set can{number} type can bitrate 500000 && ip link set can{number} up")
    os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(_PRIORITY))
    pairs = [Pair("vcan0", "vcan0"), Pair("can0", "can1")]
    shown = 0
    while (fewest := min(pair.check.n for pair in pairs)) < args.frames:
        select.select([pair.bus.fileno() for pair in pairs], [], [], 0.5)
        for pair in pairs:
            pair.hear()
        if fewest - shown >= 5000:
            shown = fewest
            print(f"{shown} frames", flush=True)
    rows = [pair.row() for pair in pairs]
    for row in rows:
        print(json.dumps(row), flush=True)
    args.out.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
