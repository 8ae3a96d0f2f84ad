"""`bench failover`: the real system is hurt; how long until the bus says so, in the frames that left.

Supervisor and vision run as in `run`, on a virtual bus of their own, with the packaged demo drive, or for the frozen
picture with a clip that stands still. A reaction is counted from the fault to the first DMS_Status with its cause, read
from the log that the supervisor writes frame by frame. Faults that need a kernel of their own (links, bus-off, memory
limit) are in the virtual machine's tests.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import av
import numpy as np

from watchkeeper.clock import NS_PER_MS, NS_PER_S, now_ns
from watchkeeper.commands.bench_report import Result, regressions, report
from watchkeeper.errors import BadInputError, CheckFailedError
from watchkeeper.files import write_atomically
from watchkeeper.mailbox.layout import SUPERVISOR, VISION
from watchkeeper.mailbox.reader import Reader
from watchkeeper.mailbox.writer import Mailbox
from watchkeeper.supervisor.candump import parse_line
from watchkeeper.supervisor.frames import decode
from watchkeeper.supervisor.safe_state import STATE_OF
from watchkeeper.types import Cause, SystemState

_PATIENCE_NS = 40 * NS_PER_S
_FROZEN_FROM_S, _CLIP_S, _CLIP_FPS = 3, 6, 30
_LOST = (SystemState.UNAVAILABLE, SystemState.FAULT)


def run(args: argparse.Namespace) -> int:
    """Measure, print, compare. Exit status 1 when a fault did not show its cause or on a regression."""
    if args.times < 1:
        raise BadInputError(f"--times {args.times}: expected at least 1")
    rng = random.Random(args.seed)
    reactions: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="watchkeeper-failover-") as name:
        folder = Path(name)
        with System(folder / "signals.log", "demo:") as system:
            for case, number, cause in (
                ("vision-killed", signal.SIGKILL, Cause.VISION_RESTARTING),
                ("vision-stopped", signal.SIGSTOP, Cause.STALE_VISION),
            ):
                reactions[case] = [system.hurt(number, cause, rng) for _ in range(args.times)]
        clip = folder / "frozen.mkv"
        _write_frozen_clip(clip)
        reactions["frozen-picture"] = []
        for turn in range(args.times):
            with System(folder / f"frozen-{turn}.log", f"file:{clip}") as system:
                reactions["frozen-picture"].append(system.watch_frozen())
    rows = []
    for case, values in reactions.items():
        rows += [
            Result(case, "reaction_ms", "ms", round(statistics.median(values), 1), len(values)),
            Result(case, "reaction_ms_max", "ms", round(max(values), 1), len(values)),
        ]
    made = report("failover", rows)
    for row in rows:
        print(f"{row.case:16} {row.metric:16} {row.ours:8.1f} {row.unit}  (n = {row.n})")
    if args.json is not None:
        write_atomically(args.json, json.dumps(made, indent=2) + "\n")
    if args.compare is not None and (worse := regressions(made, args.compare)):
        raise CheckFailedError("; ".join(worse))
    return 0


class System:
    """One supervisor with the real vision process, of the module `vision`; ends both on the way out."""

    def __init__(self, log: Path, source: str, vision: str = "watchkeeper.runtime.confined") -> None:
        self._log, self._read_to = log, 0
        self._seen: list[tuple[int, Cause]] = []
        self._fds = Mailbox.create(SUPERVISOR), Mailbox.create(VISION)
        status_fd, vision_fd = self._fds
        self._status, self._vision = Reader(status_fd, SUPERVISOR), Reader(vision_fd, VISION)
        python = [sys.executable, "-m"]
        command = [
            *python, "watchkeeper.supervisor.main", "watchkeeper-supervisor",
            "--can", f"virtual:failover-{os.getpid()}", "--can-log", str(log),
            "--status-fd", str(status_fd), "--vision-fd", str(vision_fd),
            "--simulated-speed-kph", "80", "--", *python, vision, "watchkeeper-vision",
            "--board", "host", "--source", source, "--repeat",
        ]  # fmt: skip
        self._process = subprocess.Popen(
            command, pass_fds=self._fds, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )

    def __enter__(self) -> System:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for fd in self._fds:
            os.close(fd)

    def hurt(self, number: signal.Signals, cause: Cause, rng: random.Random) -> float:
        """Send vision the signal at a random moment of its normal work; ms until the bus says `cause`."""
        return self.hurt_and_back(number, cause, rng)[0]

    def hurt_and_back(self, number: signal.Signals, cause: Cause, rng: random.Random) -> tuple[float, float]:
        """As `hurt`, and ms until vision is up and believed again."""
        self._first(now_ns(), _is_well)
        time.sleep(rng.uniform(0.3, 1.3))
        report_now = self._status.read()
        if report_now is None or not report_now.vision_pid:
            raise CheckFailedError("vision ended by itself while it was to be hurt")
        act_ns = now_ns()
        os.kill(report_now.vision_pid, number)
        seen_ns = self._first(act_ns, lambda found: found is cause)
        well_ns = self._first(seen_ns, _is_well)
        return (seen_ns - act_ns) / NS_PER_MS, (well_ns - act_ns) / NS_PER_MS

    def watch_frozen(self) -> float:
        """Ms from the first repeated picture's exposure until the bus says CameraFrozen."""
        seen_ns = self._first(0, lambda found: found is Cause.CAMERA_FROZEN)
        vision = self._vision.read()
        if vision is None or not vision.first_exposure_ns:
            raise CheckFailedError("vision published no first exposure")
        return (seen_ns - vision.first_exposure_ns - _FROZEN_FROM_S * NS_PER_S) / NS_PER_MS

    def _first(self, since_ns: int, wanted: Callable[[Cause], bool]) -> int:
        end_ns = now_ns() + _PATIENCE_NS
        while now_ns() < end_ns:
            self._read_log()
            for t_ns, cause in self._seen:
                if t_ns > since_ns and wanted(cause):
                    return t_ns
            if self._process.poll() is not None:
                raise CheckFailedError(f"the supervisor ended with status {self._process.returncode}")
            time.sleep(0.02)
        raise CheckFailedError(f"the fault was not shown, or not over, within {_PATIENCE_NS // NS_PER_S} s")

    def _read_log(self) -> None:
        if not self._log.exists():
            return
        with self._log.open(encoding="ascii") as file:
            file.seek(self._read_to)
            text = file.read()
        text = text[: text.rfind("\n") + 1]
        self._read_to += len(text)
        for line in text.splitlines():
            logged = parse_line(line)
            frame = decode(logged.frame)
            if frame is not None and frame.name == "DMS_Status":
                self._seen.append((logged.t_ns, Cause(int(frame.values["Cause"] or 0))))


def _is_well(cause: Cause) -> bool:
    """Vision is up and believed, whatever it thinks of the driver and the light."""
    return cause is not Cause.STARTING and STATE_OF.get(cause) not in _LOST


def _write_frozen_clip(path: Path) -> None:
    """Noise that moves, then the same picture to the end; without loss, so that the same picture has the same bytes."""
    rng = np.random.default_rng(1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=_CLIP_FPS)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        picture = np.full((360, 320), 128, np.uint8)  # Y, then U and V
        for number in range(_CLIP_S * _CLIP_FPS):
            if number <= _FROZEN_FROM_S * _CLIP_FPS - 1:
                picture[:240] = rng.integers(16, 236, (240, 320), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="yuv420p")))
        container.mux(stream.encode(None))
