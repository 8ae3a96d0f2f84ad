"""A vision process without eyes: publishes a report 30 times a second, or misbehaves as told.

puppet_vision.py watchkeeper-vision [--start-ms N] [--frames N] [--exit N] [--stall-after N] [--garbage-after N]
    [--freeze-after N] [--freeze-frames N] [--grow-after N]
    [--condition NAME] [--ignore-sigterm] [--silent] [--realtime] [--diary FILE] --state-fd N --vehicle-fd N

--diary: a line a picture, `PID SEQ EXPOSURE_NS PUBLISHED_NS`, so that somebody who sees StaleVision can look whether
the puppet really was late. Not collected by pytest; test_supervisor_faults.py hands it to the real supervisor.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from watchkeeper import _mailbox
from watchkeeper.clock import NS_PER_MS, NS_PER_S, now_ns
from watchkeeper.mailbox.layout import VEHICLE, VISION
from watchkeeper.mailbox.reader import Reader
from watchkeeper.mailbox.writer import Writer
from watchkeeper.types import Cause, DriverState, VisionHealth, VisionReport

PERIOD_NS = NS_PER_S // 30


def main() -> int:
    """Play the part until told to stop; returns the exit status asked for."""
    args = _arguments()
    if args.ignore_sigterm:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if args.realtime:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))  # as the real vision does
    diary = args.diary.open("a", buffering=1) if args.diary is not None else None
    if args.silent:
        time.sleep(3600)
    writer, vehicle = Writer(args.state_fd, VISION), Reader(args.vehicle_fd, VEHICLE)
    writer.write(VisionReport(now_ns(), os.getpid()))
    time.sleep(args.start_ms / 1000)
    if args.condition:
        condition = Cause[args.condition]
        for _ in range(5):
            writer.write(VisionReport(now_ns(), os.getpid(), condition=condition))
            time.sleep(0.1)
        return int(args.exit)
    start_ns = now_ns()
    hoard: list[bytes] = []
    for seq in range(1, args.frames + 1):
        if seq == args.stall_after:
            time.sleep(3600)
        if seq == args.garbage_after:
            raw = _mailbox.Mailbox(args.state_fd, VISION.size, VISION.hash, writable=True)
            while True:
                raw.write(os.urandom(VISION.size))
                time.sleep(0.03)
        if args.grow_after and seq > args.grow_after:
            hoard.append(b"x" * 2**20)
        heard = vehicle.read()
        content = seq
        if args.freeze_after and seq > args.freeze_after:
            content = args.freeze_after if seq <= args.freeze_after + args.freeze_frames else seq
        exposure_ns = now_ns() - 20 * NS_PER_MS
        driver = DriverState(exposure_ns, seq, active=heard is not None and (heard.signals.speed_kph or 0) >= 20)
        health = VisionHealth(seq, seq, 0, 0, 30.0)
        resets = heard.baseline_resets if heard is not None else 0
        report = VisionReport(now_ns(), os.getpid(), exposure_ns, Cause.NONE, False, driver, health)
        writer.write(replace(report, baseline_resets=resets, content=content))
        if diary is not None:
            diary.write(f"{os.getpid()} {seq} {exposure_ns} {now_ns()}\n")
        time.sleep(max(0.0, (start_ns + seq * PERIOD_NS - now_ns()) / NS_PER_S))
    if args.exit == 0:
        writer.write(VisionReport(now_ns(), os.getpid(), exposure_ns, Cause.NONE, True, driver, health, 0))
    return int(args.exit)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--state-fd", type=int, required=True)
    parser.add_argument("--vehicle-fd", type=int, required=True)
    parser.add_argument("--start-ms", type=int, default=100)
    parser.add_argument("--frames", type=int, default=10**9)
    for option in ("--exit", "--stall-after", "--garbage-after", "--freeze-after", "--grow-after"):
        parser.add_argument(option, type=int, default=0)
    parser.add_argument("--freeze-frames", type=int, default=45)
    parser.add_argument("--condition")
    parser.add_argument("--ignore-sigterm", action="store_true")
    parser.add_argument("--silent", action="store_true")
    parser.add_argument("--realtime", action="store_true")
    parser.add_argument("--diary", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
