"""A real supervisor under test, read as somebody at the bus would read it: from the CAN log it writes."""

from __future__ import annotations

import os
import random
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from watchkeeper.clock import NS_PER_MS, now_ns
from watchkeeper.mailbox.layout import SUPERVISOR
from watchkeeper.mailbox.reader import Reader
from watchkeeper.mailbox.writer import Mailbox
from watchkeeper.supervisor.bus import open_bus
from watchkeeper.supervisor.candump import parse_line
from watchkeeper.supervisor.frames import Decoded, decode
from watchkeeper.types import Cause, SupervisorReport, SystemState

# the emulated processor of the virtual machine takes its time for a Python to start
PATIENCE_S = 120.0 if "WATCHKEEPER_IN_VM" in os.environ else 30.0
REACTION_NS = 250 * NS_PER_MS
CYCLE_NS = 50 * NS_PER_MS

Verdict = tuple[SystemState, Cause]
ACTIVE: Verdict = (SystemState.ACTIVE, Cause.NONE)
CAUSE_OF = {"SIGKILL": Cause.VISION_RESTARTING, "SIGSTOP": Cause.STALE_VISION}
"""What happened first, until vision measures again: it died; its pictures grew old."""


class Rig:
    """One supervisor process, its log and its own report."""

    def __init__(
        self,
        folder: Path,
        options: tuple[str, ...],
        vision: tuple[str, ...],
        bus: str | None = None,
        prefix: tuple[str, ...] = (),
    ) -> None:
        """options: the supervisor's. vision: the command that runs as vision. bus: default a virtual one of its own,
        with a simulated vehicle on it. prefix: a program that becomes the supervisor, with its options."""
        self._seen: list[tuple[int, Decoded]] = []
        self._read_to = 0
        vehicle = ("--simulated-speed-kph", "80") if bus is None else ()
        self.bus = bus or f"virtual:faults-{os.getpid()}-{folder.name}"
        self.log = folder / "can.log"
        self.status_fd = Mailbox.create(SUPERVISOR)
        self._status = Reader(self.status_fd, SUPERVISOR)
        command = [
            *prefix, sys.executable, "-m", "watchkeeper.supervisor.main", "watchkeeper-supervisor", "--can", self.bus,
            "--can-log", str(self.log), "--status-fd", str(self.status_fd), *vehicle, *options,
            "--", *vision,
        ]  # fmt: skip
        self.started_ns = now_ns()
        self.process: subprocess.Popen[bytes] = subprocess.Popen(
            command, pass_fds=(self.status_fd,), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip

    def frames(self) -> list[tuple[int, Decoded]]:
        """(time, content) of every whole line in the log so far."""
        text = ""
        if self.log.exists():
            with self.log.open() as file:
                file.seek(self._read_to)
                text = file.read()
        text = text[: text.rfind("\n") + 1]
        self._read_to += len(text)
        for line in text.splitlines():
            logged = parse_line(line)
            frame = decode(logged.frame)
            assert frame is not None, f"an identifier that is not ours: {line}"
            self._seen.append((logged.t_ns, frame))
        return self._seen

    def verdicts(self) -> list[tuple[int, Verdict]]:
        """(time, state and cause) of each DMS_Status."""
        return [
            (t_ns, (SystemState(int(f.values["SystemState"] or 0)), Cause(int(f.values["Cause"] or 0))))
            for t_ns, f in self.frames()
            if f.name == "DMS_Status"
        ]

    def first(self, since_ns: int, wanted: Callable[[Verdict], bool], seconds: float = PATIENCE_S) -> int:
        """Wait for a DMS_Status that left after `since_ns` and says what is wanted; its time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for t_ns, verdict in self.verdicts():
                if t_ns > since_ns and wanted(verdict):
                    return t_ns
            assert self.process.poll() is None, "the supervisor has ended"
            time.sleep(0.02)
        raise AssertionError(f"not within {seconds} s; last: {self.verdicts()[-3:]}")

    def report(self) -> SupervisorReport:
        """The supervisor's newest word about itself."""
        report = self._status.read()
        assert report is not None
        return report

    def end(self) -> int:
        """Wait for the supervisor's own end; its exit status."""
        return self.process.wait(PATIENCE_S)

    def close(self) -> None:
        """Leave nothing behind, whatever the test did."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.status_fd)


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pid: int) -> None:
    end = time.monotonic() + 20
    while runs(pid):
        assert time.monotonic() < end, f"process {pid} was left behind"
        time.sleep(0.01)


def holders(text: str) -> list[str]:
    """Command lines of running processes that contain `text`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in line:
            found.append(line)
    return found


def check_sender(rig: Rig) -> list[int]:
    """One sender with whole frames and no jump in any counter; deviations of DMS_Status from its cycle, in ns."""
    frames = rig.frames()
    assert all(frame.crc_ok for _, frame in frames)
    for name in {frame.name for _, frame in frames}:
        counters = [frame.counter for _, frame in frames if frame.name == name]
        assert counters == [i % 16 for i in range(len(counters))], name
    times = [t_ns for t_ns, frame in frames if frame.name == "DMS_Status"]
    gaps = [b - a for a, b in pairwise(times)]
    assert min(gaps) >= CYCLE_NS // 2 - NS_PER_MS, "a burst"
    # an idle machine stays far below two periods; one skipped slot of a busy one is two and its lateness
    assert max(gaps) < 2.6 * CYCLE_NS, f"{max(gaps) / NS_PER_MS:.1f} ms without a frame"
    return [abs(gap - CYCLE_NS) for gap in gaps]


def check_nothing_left(rig: Rig, pids: set[int]) -> None:
    for pid in pids:
        gone(pid)
    assert not holders(rig.bus)
    assert not list(Path("/dev/shm").glob("*watchkeeper*"))
    open_bus(rig.bus).close()  # raises when the place on the bus is still taken


def kill_and_stop(
    rig: Rig, acts: int, seed: int, pause_s: tuple[float, float], capsys: pytest.CaptureFixture[str]
) -> None:
    """SIGKILL and SIGSTOP vision at random moments; Unavailable in time, back by itself, sender undisturbed."""
    pids: set[int] = set()
    reactions: dict[str, list[float]] = {"SIGKILL": [], "SIGSTOP": []}
    back: dict[str, list[float]] = {"SIGKILL": [], "SIGSTOP": []}
    rng = random.Random(seed)
    since_ns = rig.first(0, lambda v: v == ACTIVE)
    for number in range(acts):
        name = rng.choice(list(reactions)) if number > 1 else list(reactions)[number]
        time.sleep(rng.uniform(*pause_s))
        pid = rig.report().vision_pid
        assert pid not in pids, "not a new process"
        pids.add(pid)
        act_ns = now_ns()
        os.kill(pid, getattr(signal, name))
        lost_ns = rig.first(act_ns, lambda v: v[0] is SystemState.UNAVAILABLE)
        since_ns = rig.first(lost_ns, lambda v: v == ACTIVE)
        shown = list(dict.fromkeys(cause for t_ns, (_, cause) in rig.verdicts() if lost_ns <= t_ns < since_ns))
        # one cause an act; a busy machine may make pictures late by itself, before and after, which is the truth then
        # (in the virtual machine, whose clock does not see a busy host, the one cause is all that may be shown)
        assert CAUSE_OF[name] in shown, (name, shown)
        assert {*shown} <= {CAUSE_OF[name], Cause.STALE_VISION}, (name, shown)
        reactions[name].append((lost_ns - act_ns) / NS_PER_MS)
        back[name].append((since_ns - act_ns) / NS_PER_MS)
    assert rig.report().restarts == acts
    pids.add(rig.report().vision_pid)
    rig.process.terminate()
    assert rig.end() == 0
    report = rig.report()
    deviations_ns = sorted(check_sender(rig))
    with capsys.disabled():
        print(f"\n  {'fault':<8}  n  reaction p50 ms  max ms  back p50 ms  max ms")
        for name, values in reactions.items():
            print(
                f"  {name:<8} {len(values):>2}  {statistics.median(values):15.1f}  {max(values):6.1f}"
                f"  {statistics.median(back[name]):11.0f}  {max(back[name]):6.0f}"
            )
        p99_ms = deviations_ns[99 * len(deviations_ns) // 100] / NS_PER_MS
        print(f"  cycle deviation p99 {p99_ms:.2f} ms, max {deviations_ns[-1] / NS_PER_MS:.2f} ms of 50 ms,", end="")
        print(f" slots missed {report.slots_missed} of {len(deviations_ns) + 1}")
    for name, values in reactions.items():
        assert max(values) * NS_PER_MS <= REACTION_NS, (name, values)
    check_nothing_left(rig, pids)
