"""The real supervisor on a virtual bus, with a puppet for vision that is killed, stopped, hung and made to lie.

Every verdict is read from the CAN log that the supervisor writes, as somebody at the bus would see it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from rig import ACTIVE, CYCLE_NS, REACTION_NS, Rig, check_nothing_left, check_sender, holders, kill_and_stop

from watchkeeper.clock import NS_PER_MS, NS_PER_S, now_ns
from watchkeeper.supervisor.bus import open_listener
from watchkeeper.supervisor.candump import parse_line
from watchkeeper.supervisor.frames import decode, message_of
from watchkeeper.supervisor.spec import DEFAULT_BASE_ID
from watchkeeper.types import Cause, SystemState

pytestmark = pytest.mark.faults

PUPPET = Path(__file__).with_name("puppet_vision.py")
SEED = 20260
ACTS = 8

_STALE = (SystemState.UNAVAILABLE, Cause.STALE_VISION)
MakeRig = Callable[..., Rig]


@pytest.fixture
def make_rig(tmp_path: Path) -> Iterator[MakeRig]:
    rigs: list[Rig] = []

    def make(*puppet: str, options: tuple[str, ...] = ()) -> Rig:
        folder = tmp_path / str(len(rigs))
        folder.mkdir()
        rigs.append(Rig(folder, options, (sys.executable, str(PUPPET), "watchkeeper-vision", *puppet)))
        return rigs[-1]

    yield make
    for rig in rigs:
        rig.close()


def test_kill_and_stop_at_random_moments(make_rig: MakeRig, capsys: pytest.CaptureFixture[str]) -> None:
    kill_and_stop(make_rig(), ACTS, SEED, (0.2, 0.7), capsys)


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
    check_nothing_left(rig, {vision})


def test_a_hung_supervisor_is_silent_within_a_cycle_and_goes_on_without_a_burst(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.first(0, lambda v: v == ACTIVE)
    bus = open_listener(rig.bus)
    try:
        os.kill(rig.process.pid, signal.SIGSTOP)
        stopped_ns = now_ns()
        time.sleep(CYCLE_NS / NS_PER_S)
        while bus.receive():  # what left up to a cycle after it
            pass
        time.sleep(1)
        ours = [frame for frame in bus.receive() if message_of(frame.id, DEFAULT_BASE_ID) is not None]
        assert not ours
        silent_ns = max(t_ns for t_ns, _ in rig.verdicts())
        assert silent_ns < stopped_ns + CYCLE_NS
    finally:
        os.kill(rig.process.pid, signal.SIGCONT)
        bus.close()
    rig.first(silent_ns + NS_PER_S, lambda v: v[0] is SystemState.ACTIVE)
    times = [t_ns for t_ns, _ in rig.verdicts()]
    gaps = [b - a for a, b in pairwise(times)]
    assert min(gaps) >= CYCLE_NS // 2 - NS_PER_MS, "a burst"
    counters = [frame.counter for _, frame in rig.frames() if frame.name == "DMS_Status"]
    assert all((b - a) % 16 == 1 for a, b in pairwise(counters))


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
    check_sender(rig)
    check_nothing_left(rig, {vision})


def test_a_vision_that_will_not_end_is_killed_while_frames_go_on(make_rig: MakeRig) -> None:
    rig = make_rig("--ignore-sigterm")
    rig.first(0, lambda v: v == ACTIVE)
    vision = rig.report().vision_pid
    rig.process.terminate()
    assert rig.end() == 0
    standby = [t for t, v in rig.verdicts() if v == (SystemState.STANDBY, Cause.NONE)]
    assert 1.8 * NS_PER_S < standby[-1] - standby[0] < 4 * NS_PER_S
    check_sender(rig)
    check_nothing_left(rig, {vision})


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
    while holders(str(log)):
        assert time.monotonic() < end + 20, "the supervisor was left behind"
        time.sleep(0.02)
    frames = [decode(parse_line(line).frame) for line in log.read_text().splitlines()]
    states = [frame.values["SystemState"] for frame in frames if frame is not None and frame.name == "DMS_Status"]
    assert states[-1] == SystemState.STANDBY  # it ended in order


def test_a_hung_vision_is_stale_until_its_new_start_measures(make_rig: MakeRig) -> None:
    rig = make_rig("--stall-after", "30")
    active_ns = rig.first(0, lambda v: v == ACTIVE)
    stale_ns = rig.first(active_ns, lambda v: v == _STALE)
    well_ns = rig.first(stale_ns, lambda v: v == ACTIVE)
    assert {v for t, v in rig.verdicts() if stale_ns <= t < well_ns} == {_STALE}
    assert well_ns - stale_ns > 0.7 * NS_PER_S  # it is killed a second after its last picture
    assert rig.report().restarts == 1


def test_a_stopped_vision_shows_one_cause_in_time_and_comes_back(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.first(0, lambda v: v == ACTIVE)
    act_ns = now_ns()
    os.kill(rig.report().vision_pid, signal.SIGSTOP)
    lost_ns = rig.first(act_ns, lambda v: v[0] is SystemState.UNAVAILABLE)
    well_ns = rig.first(lost_ns, lambda v: v == ACTIVE)
    assert {v for t, v in rig.verdicts() if lost_ns <= t < well_ns} == {_STALE}
    assert lost_ns - act_ns <= REACTION_NS
    assert rig.report().restarts == 1


def test_a_frozen_picture_is_one_cause_until_it_moves_again(make_rig: MakeRig) -> None:
    rig = make_rig("--freeze-after", "30", "--freeze-frames", "45")
    active_ns = rig.first(0, lambda v: v == ACTIVE)
    frozen_ns = rig.first(active_ns, lambda v: v == (SystemState.UNAVAILABLE, Cause.CAMERA_FROZEN))
    well_ns = rig.first(frozen_ns, lambda v: v == ACTIVE)
    assert {v for t, v in rig.verdicts() if frozen_ns <= t < well_ns} == {
        (SystemState.UNAVAILABLE, Cause.CAMERA_FROZEN)
    }
    assert rig.report().restarts == 0  # it moved again before vision was to be started anew
    check_sender(rig)


def test_who_only_listens_sends_nothing(make_rig: MakeRig) -> None:
    listener = make_rig(options=("--listen-only", "--duration", "1"))
    assert listener.end() == 0
    assert listener.frames() == []
    assert listener.report().frames_sent == 0


def test_garbage_is_never_shown_and_ends_in_a_restart(make_rig: MakeRig) -> None:
    rig = make_rig("--garbage-after", "30")
    active_ns = rig.first(0, lambda v: v == ACTIVE)
    lost_ns = rig.first(active_ns, lambda v: v == (SystemState.UNAVAILABLE, Cause.STALE_VISION))
    rig.first(lost_ns, lambda v: v == ACTIVE)
    check_sender(rig)
    assert {v for _, v in rig.verdicts()} == {
        (SystemState.INIT, Cause.STARTING), ACTIVE, _STALE,
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
    check_sender(rig)
    check_nothing_left(rig, set())


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
    check_nothing_left(rig, set())


def test_duration_is_an_ordered_end(make_rig: MakeRig) -> None:
    rig = make_rig(options=("--duration", "1.5"))
    assert rig.end() == 0
    assert rig.report().finished
    times = [t for t, _ in rig.verdicts()]
    assert 1.5 * NS_PER_S <= times[-1] - times[0] < 3 * NS_PER_S
    check_nothing_left(rig, set())


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
    check_sender(rig)
