"""The real supervisor on a virtual bus, with a puppet for vision that is killed, stopped, hung and made to lie.

Every verdict is read from the CAN log that the supervisor writes, as somebody at the bus would see it.
"""

from __future__ import annotations

import os
import random
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from watchkeeper.clock import NS_PER_MS, NS_PER_S, now_ns
from watchkeeper.mailbox.layout import SUPERVISOR
from watchkeeper.mailbox.reader import Reader
from watchkeeper.mailbox.writer import Mailbox
from watchkeeper.supervisor.bus import open_bus
from watchkeeper.supervisor.candump import parse_line
from watchkeeper.supervisor.frames import Decoded, decode
from watchkeeper.types import Cause, SupervisorReport, SystemState

pytestmark = pytest.mark.faults

PUPPET = Path(__file__).with_name("puppet_vision.py")
REACTION_NS = 250 * NS_PER_MS
CYCLE_NS = 50 * NS_PER_MS
SEED = 20260
ACTS = 8

Verdict = tuple[SystemState, Cause]
ACTIVE: Verdict = (SystemState.ACTIVE, Cause.NONE)


class Rig:
    """One supervisor process, its log and its own report."""

    def __init__(self, folder: Path, options: tuple[str, ...], puppet: tuple[str, ...]) -> None:
        self.bus = f"virtual:faults-{os.getpid()}-{folder.name}"
        self.log = folder / "can.log"
        self.status_fd = Mailbox.create(SUPERVISOR)
        self._status = Reader(self.status_fd, SUPERVISOR)
        command = [
            sys.executable, "-m", "watchkeeper.supervisor.main", "watchkeeper-supervisor", "--can", self.bus,
            "--can-log", str(self.log), "--status-fd", str(self.status_fd), "--simulated-speed-kph", "80", *options,
            "--", sys.executable, str(PUPPET), "watchkeeper-vision", *puppet,
        ]  # fmt: skip
        self.started_ns = now_ns()
        self.process: subprocess.Popen[bytes] = subprocess.Popen(
            command, pass_fds=(self.status_fd,), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip

    def frames(self) -> list[tuple[int, Decoded]]:
        """(time, content) of every whole line in the log so far."""
        text = self.log.read_text() if self.log.exists() else ""
        result = []
        for line in text[: text.rfind("\n") + 1].splitlines():
            logged = parse_line(line)
            frame = decode(logged.frame)
            assert frame is not None, f"an identifier that is not ours: {line}"
            result.append((logged.t_ns, frame))
        return result

    def verdicts(self) -> list[tuple[int, Verdict]]:
        """(time, state and cause) of each DMS_Status."""
        return [
            (t_ns, (SystemState(int(f.values["SystemState"] or 0)), Cause(int(f.values["Cause"] or 0))))
            for t_ns, f in self.frames()
            if f.name == "DMS_Status"
        ]

    def first(self, since_ns: int, wanted: Callable[[Verdict], bool], seconds: float = 30.0) -> int:
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
        return self.process.wait(30)

    def close(self) -> None:
        """Leave nothing behind, whatever the test did."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.status_fd)


MakeRig = Callable[..., Rig]


@pytest.fixture
def make_rig(tmp_path: Path) -> Iterator[MakeRig]:
    rigs: list[Rig] = []

    def make(*puppet: str, options: tuple[str, ...] = ()) -> Rig:
        folder = tmp_path / str(len(rigs))
        folder.mkdir()
        rigs.append(Rig(folder, options, puppet))
        return rigs[-1]

    yield make
    for rig in rigs:
        rig.close()


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _gone(pid: int) -> None:
    end = time.monotonic() + 20
    while _runs(pid):
        assert time.monotonic() < end, f"process {pid} was left behind"
        time.sleep(0.01)


def _holders(text: str) -> list[str]:
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


def _check_sender(rig: Rig) -> list[int]:
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


def _check_nothing_left(rig: Rig, pids: set[int]) -> None:
    for pid in pids:
        _gone(pid)
    assert not _holders(rig.bus)
    assert not list(Path("/dev/shm").glob("*watchkeeper*"))
    open_bus(rig.bus).close()  # raises when the place on the bus is still taken


def test_kill_and_stop_at_random_moments(make_rig: MakeRig, capsys: pytest.CaptureFixture[str]) -> None:
    rig = make_rig()
    pids: set[int] = set()
    reactions: dict[str, list[float]] = {"SIGKILL": [], "SIGSTOP": []}
    back: dict[str, list[float]] = {"SIGKILL": [], "SIGSTOP": []}
    rng = random.Random(SEED)
    since_ns = rig.first(0, lambda v: v == ACTIVE)
    for number in range(ACTS):
        name = rng.choice(list(reactions)) if number > 1 else list(reactions)[number]
        time.sleep(rng.uniform(0.2, 0.7))
        pid = rig.report().vision_pid
        assert pid not in pids, "not a new process"
        pids.add(pid)
        act_ns = now_ns()
        os.kill(pid, getattr(signal, name))
        lost_ns = rig.first(act_ns, lambda v: v[0] is SystemState.UNAVAILABLE)
        since_ns = rig.first(lost_ns, lambda v: v == ACTIVE)
        reactions[name].append((lost_ns - act_ns) / NS_PER_MS)
        back[name].append((since_ns - act_ns) / NS_PER_MS)
    assert rig.report().restarts == ACTS
    pids.add(rig.report().vision_pid)
    rig.process.terminate()
    assert rig.end() == 0
    report = rig.report()
    deviations_ns = sorted(_check_sender(rig))
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
    causes = {cause for _, (state, cause) in rig.verdicts() if state is SystemState.UNAVAILABLE}
    assert causes <= {Cause.STALE_VISION, Cause.VISION_RESTARTING}
    _check_nothing_left(rig, pids)


def test_the_first_frame_is_init_and_early(make_rig: MakeRig, capsys: pytest.CaptureFixture[str]) -> None:
    rig = make_rig("--start-ms", "1500")
    rig.first(0, lambda v: v == ACTIVE)
    verdicts = rig.verdicts()
    first_ms = (verdicts[0][0] - rig.started_ns) / NS_PER_MS
    with capsys.disabled():
        print(f"\n  first frame {first_ms:.0f} ms after the process was started")
    assert verdicts[0][1] == (SystemState.INIT, Cause.STARTING)
    assert first_ms < 1000
    init = [t for t, v in verdicts if v == (SystemState.INIT, Cause.STARTING)]
    assert init[-1] - init[0] > NS_PER_S  # all the while that vision loads
    assert [v for t, v in verdicts if t < init[-1]] == [(SystemState.INIT, Cause.STARTING)] * (len(init) - 1)


def test_a_killed_supervisor_takes_vision_along(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.first(0, lambda v: v == ACTIVE)
    vision = rig.report().vision_pid
    rig.process.kill()
    rig.process.wait()
    _check_nothing_left(rig, {vision})


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_told_to_stop_it_ends_in_order(make_rig: MakeRig, how: str) -> None:
    rig = make_rig()
    rig.first(0, lambda v: v == ACTIVE)
    vision = rig.report().vision_pid
    os.killpg(rig.process.pid, getattr(signal, how))  # as Ctrl-C does: the whole foreground group
    assert rig.end() == 0
    assert rig.verdicts()[-1][1] == (SystemState.STANDBY, Cause.NONE)
    # StaleVision: a busy machine may keep a puppet from running
    assert {cause for _, (_, cause) in rig.verdicts()} <= {Cause.STARTING, Cause.NONE, Cause.STALE_VISION}
    assert not rig.report().finished
    _check_sender(rig)
    _check_nothing_left(rig, {vision})


def test_a_vision_that_will_not_end_is_killed_while_frames_go_on(make_rig: MakeRig) -> None:
    rig = make_rig("--ignore-sigterm")
    rig.first(0, lambda v: v == ACTIVE)
    vision = rig.report().vision_pid
    rig.process.terminate()
    assert rig.end() == 0
    standby = [t for t, v in rig.verdicts() if v == (SystemState.STANDBY, Cause.NONE)]
    assert 1.8 * NS_PER_S < standby[-1] - standby[0] < 4 * NS_PER_S
    _check_sender(rig)
    _check_nothing_left(rig, {vision})


def test_whoever_shows_the_status_takes_the_supervisor_along(tmp_path: Path) -> None:
    log = tmp_path / "can.log"
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import subprocess, sys\n"
            "from watchkeeper.mailbox.layout import SUPERVISOR\n"
            "from watchkeeper.mailbox.writer import Mailbox\n"
            "fd = Mailbox.create(SUPERVISOR)\n"
            "subprocess.run([sys.executable, '-m', 'watchkeeper.supervisor.main', 'watchkeeper-supervisor',"
            f" '--can', 'virtual:faults-parent-{os.getpid()}', '--can-log', {str(log)!r}, '--status-fd', str(fd),"
            f" '--', sys.executable, {str(PUPPET)!r}, 'watchkeeper-vision'], pass_fds=(fd,))\n",
        ]
    )
    end = time.monotonic() + 20
    while not log.exists() or log.read_text().count("\n") < 60:
        assert time.monotonic() < end, "no frames"
        time.sleep(0.02)
    parent.kill()
    parent.wait()
    while _holders(str(log)):
        assert time.monotonic() < end + 20, "the supervisor was left behind"
        time.sleep(0.02)
    frames = [decode(parse_line(line).frame) for line in log.read_text().splitlines()]
    states = [frame.values["SystemState"] for frame in frames if frame is not None and frame.name == "DMS_Status"]
    assert states[-1] == SystemState.STANDBY  # it ended in order


def test_a_hung_vision_is_stale_then_restarted(make_rig: MakeRig) -> None:
    rig = make_rig("--stall-after", "30")
    active_ns = rig.first(0, lambda v: v == ACTIVE)
    stale_ns = rig.first(active_ns, lambda v: v == (SystemState.UNAVAILABLE, Cause.STALE_VISION))
    killed_ns = rig.first(stale_ns, lambda v: v == (SystemState.UNAVAILABLE, Cause.VISION_RESTARTING))
    assert 0.7 * NS_PER_S < killed_ns - stale_ns < 1.3 * NS_PER_S
    rig.first(killed_ns, lambda v: v == ACTIVE)
    assert rig.report().restarts == 1


def test_garbage_is_never_shown_and_ends_in_a_restart(make_rig: MakeRig) -> None:
    rig = make_rig("--garbage-after", "30")
    active_ns = rig.first(0, lambda v: v == ACTIVE)
    lost_ns = rig.first(active_ns, lambda v: v == (SystemState.UNAVAILABLE, Cause.STALE_VISION))
    rig.first(lost_ns, lambda v: v == ACTIVE)
    _check_sender(rig)
    assert {v for _, v in rig.verdicts()} == {
        (SystemState.INIT, Cause.STARTING), ACTIVE,
        (SystemState.UNAVAILABLE, Cause.STALE_VISION), (SystemState.UNAVAILABLE, Cause.VISION_RESTARTING),
    }  # fmt: skip


def test_a_lost_camera_is_the_one_cause_through_all_restarts(make_rig: MakeRig) -> None:
    rig = make_rig("--condition", "CAMERA_LOST", "--exit", "4")
    lost_ns = rig.first(0, lambda v: v == (SystemState.UNAVAILABLE, Cause.CAMERA_LOST))
    end = time.monotonic() + 30
    while rig.report().restarts < 3:
        assert time.monotonic() < end, "not restarted"
        time.sleep(0.05)
    after = {v for t, v in rig.verdicts() if t >= lost_ns}
    assert after == {(SystemState.UNAVAILABLE, Cause.CAMERA_LOST)}


def test_a_vision_that_always_fails_ends_in_a_fault_while_frames_go_on(make_rig: MakeRig) -> None:
    rig = make_rig("--start-ms", "0", "--frames", "0", "--exit", "1")
    fault_ns = rig.first(0, lambda v: v == (SystemState.FAULT, Cause.VISION_RESTARTING), seconds=60)
    before = {v for t, v in rig.verdicts() if t < fault_ns}
    assert before == {(SystemState.INIT, Cause.STARTING), (SystemState.UNAVAILABLE, Cause.VISION_RESTARTING)}
    assert rig.report().restarts == 7
    rig.first(fault_ns + NS_PER_S, lambda v: v == (SystemState.FAULT, Cause.VISION_RESTARTING))
    rig.process.terminate()
    assert rig.end() == 0
    _check_sender(rig)
    _check_nothing_left(rig, set())


def test_a_service_stays_on_the_bus_with_its_fault(make_rig: MakeRig) -> None:
    rig = make_rig("--start-ms", "0", "--frames", "0", "--exit", "2", options=("--keep-fault",))
    fault_ns = rig.first(0, lambda v: v == (SystemState.FAULT, Cause.CONFIG_INVALID))
    rig.first(fault_ns + 2 * NS_PER_S, lambda v: v == (SystemState.FAULT, Cause.CONFIG_INVALID))
    rig.process.terminate()
    assert rig.end() == 0
    assert rig.verdicts()[-1][1] == (SystemState.FAULT, Cause.CONFIG_INVALID)


def test_the_end_of_the_source_is_an_ordered_end(make_rig: MakeRig) -> None:
    rig = make_rig("--frames", "40")
    assert rig.end() == 0
    report = rig.report()
    assert (report.finished, report.exit_status, report.restarts) == (True, 0, 0)
    verdicts = [v for _, v in rig.verdicts()]
    assert ACTIVE in verdicts
    assert verdicts[-1] == (SystemState.STANDBY, Cause.NONE)
    assert {cause for _, cause in verdicts} <= {Cause.STARTING, Cause.NONE, Cause.STALE_VISION}
    _check_nothing_left(rig, set())


def test_duration_is_an_ordered_end(make_rig: MakeRig) -> None:
    rig = make_rig(options=("--duration", "1.5"))
    assert rig.end() == 0
    assert rig.report().finished
    times = [t for t, _ in rig.verdicts()]
    assert 1.5 * NS_PER_S <= times[-1] - times[0] < 3 * NS_PER_S
    _check_nothing_left(rig, set())


def test_a_second_supervisor_is_refused_and_the_first_undisturbed(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.first(0, lambda v: v == ACTIVE)
    command = [sys.executable, "-m", "watchkeeper.supervisor.main", "watchkeeper-supervisor", "--can", rig.bus]
    second = subprocess.run([*command, "--", "true"], capture_output=True, text=True, timeout=30)
    assert second.returncode == 2
    assert "in use" in second.stderr
    assert second.stderr.count("\n") == 1
    rig.process.terminate()
    assert rig.end() == 0
    _check_sender(rig)
