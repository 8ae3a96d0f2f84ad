"""Starting, noticing, ending a real child process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from watchkeeper.mailbox.layout import VEHICLE, VISION
from watchkeeper.mailbox.writer import Mailbox
from watchkeeper.supervisor.vision_process import VisionProcess

_WAIT = "import time; time.sleep(60)"


@pytest.fixture
def fds() -> Iterator[tuple[int, int]]:
    state, vehicle = Mailbox.create(VISION), Mailbox.create(VEHICLE)
    yield state, vehicle
    os.close(state)
    os.close(vehicle)


@pytest.fixture
def make(fds: tuple[int, int]) -> Iterator[Callable[[str], VisionProcess]]:
    made: list[VisionProcess] = []

    def vision(code: str) -> VisionProcess:
        made.append(VisionProcess([sys.executable, "-c", code], *fds))
        return made[-1]

    yield vision
    for process in made:
        process.stop_now()


def _until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "did not come about"
        time.sleep(0.002)


def _exit_status(vision: VisionProcess) -> int:
    statuses: list[int | None] = []

    def ended() -> bool:
        statuses.append(vision.poll())
        return statuses[-1] is not None

    _until(ended)
    assert vision.poll() is None
    assert vision.pid == 0
    return statuses[-1] or 0


@pytest.mark.parametrize("status", [0, 2, 3, 77])
def test_exit_status_is_told_once(make: Callable[[str], VisionProcess], status: int) -> None:
    vision = make(f"raise SystemExit({status})")
    assert vision.poll() is None
    pid = vision.start()
    assert vision.pid == pid > 0
    assert _exit_status(vision) == status


def test_it_gets_the_mailboxes_and_nothing_else_of_ours(
    make: Callable[[str], VisionProcess], fds: tuple[int, int], tmp_path: Path
) -> None:
    other = os.open(tmp_path / "other", os.O_CREAT | os.O_RDWR)
    os.set_inheritable(other, True)
    out = tmp_path / "seen"
    vision = make(
        "import os, pathlib, sys\n"
        "listed = [int(n) for n in os.listdir('/proc/self/fd')]\n"
        # without the one that listdir itself had open
        "files = sorted(n for n in listed if os.path.exists(f'/proc/self/fd/{n}'))\n"
        f"pathlib.Path({str(out)!r}).write_text(repr((sys.argv[1:], files, os.readlink('/proc/self/fd/0'),"
        " os.getsid(0) == os.getpid(), os.sched_getscheduler(0) == os.SCHED_OTHER)))"
    )
    vision.start()
    assert _exit_status(vision) == 0
    os.close(other)
    arguments = ["--state-fd", str(fds[0]), "--vehicle-fd", str(fds[1])]
    assert out.read_text() == repr((arguments, [0, 1, 2, *sorted(fds)], "/dev/null", True, True))


def test_it_does_not_inherit_the_cores_of_the_supervisor(make: Callable[[str], VisionProcess], tmp_path: Path) -> None:
    before = os.sched_getaffinity(0)
    if len(before) < 2:
        pytest.skip("needs two cores")
    out = tmp_path / "seen"
    vision = make(
        "import os, pathlib, time; time.sleep(0.2);"
        f"pathlib.Path({str(out)!r}).write_text(repr(os.sched_getaffinity(0)))"
    )
    try:
        os.sched_setaffinity(0, {min(before)})  # as the supervisor does in its first slot
        vision.start()
    finally:
        os.sched_setaffinity(0, before)
    assert _exit_status(vision) == 0
    assert out.read_text() == repr(before)


def test_the_recorders_memory_is_handed_on(fds: tuple[int, int], tmp_path: Path) -> None:
    ring_fd = os.memfd_create("ring")
    code = "import os, sys; os.write(int(sys.argv[sys.argv.index('--ring-fd') + 1]), b'rows')"
    vision = VisionProcess([sys.executable, "-c", code], *fds, ring_fd=ring_fd)
    vision.start()
    assert _exit_status(vision) == 0
    assert os.pread(ring_fd, 8, 0) == b"rows"
    os.close(ring_fd)


def test_stop_is_noticed_and_a_stopped_one_can_be_killed(make: Callable[[str], VisionProcess]) -> None:
    vision = make(_WAIT)
    pid = vision.start()
    assert not vision.stopped
    os.kill(pid, signal.SIGSTOP)
    _until(lambda: vision.poll() is None and vision.stopped)
    os.kill(pid, signal.SIGCONT)
    _until(lambda: vision.poll() is None and not vision.stopped)
    os.kill(pid, signal.SIGSTOP)
    _until(lambda: vision.poll() is None and vision.stopped)
    vision.kill()
    assert _exit_status(vision) == -signal.SIGKILL
    assert not vision.stopped


def test_a_stopped_one_hears_terminate(make: Callable[[str], VisionProcess]) -> None:
    vision = make(_WAIT)
    os.kill(vision.start(), signal.SIGSTOP)
    _until(lambda: vision.poll() is None and vision.stopped)
    vision.terminate()
    assert _exit_status(vision) == -signal.SIGTERM


def test_what_it_started_ends_with_it(make: Callable[[str], VisionProcess], tmp_path: Path) -> None:
    note = tmp_path / "pid"
    vision = make(
        "import pathlib, subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', {_WAIT!r}])\n"
        f"pathlib.Path({str(note)!r} + '~').write_text(str(child.pid))\n"
        f"pathlib.Path({str(note)!r} + '~').rename({str(note)!r})\n"
        "time.sleep(60)"
    )
    vision.start()
    _until(note.exists)
    child = int(note.read_text())
    vision.kill()
    assert _exit_status(vision) == -signal.SIGKILL
    _until(lambda: not _runs(child))


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_it_dies_with_a_killed_parent(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import os, pathlib, sys, time\n"
            "from watchkeeper.supervisor.vision_process import VisionProcess\n"
            "fds = os.memfd_create('a'), os.memfd_create('b')\n"
            f"pid = VisionProcess([sys.executable, '-c', {_WAIT!r}], *fds).start()\n"
            f"pathlib.Path({str(note)!r} + '~').write_text(str(pid))\n"
            f"pathlib.Path({str(note)!r} + '~').rename({str(note)!r})\n"
            "time.sleep(60)",
        ]
    )
    _until(note.exists)
    child = int(note.read_text())
    assert _runs(child)
    parent.kill()
    parent.wait()
    _until(lambda: not _runs(child))


def test_a_command_that_cannot_be_executed_says_so(fds: tuple[int, int]) -> None:
    vision = VisionProcess(["/nonexistent/vision"], *fds)
    with pytest.raises(FileNotFoundError, match="/nonexistent/vision"):
        vision.start()
    assert vision.pid == 0
    assert vision.poll() is None


def test_a_process_that_ended_before_it_was_asked_to_is_still_heard_of(make: Callable[[str], VisionProcess]) -> None:
    vision = make("raise SystemExit(5)")
    pid = vision.start()
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # ended, and not looked after yet
    vision.terminate()
    vision.kill()
    assert vision.poll() == 5
