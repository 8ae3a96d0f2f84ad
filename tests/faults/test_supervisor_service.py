"""The supervisor as a service: what systemd hears of it, and what it keeps over its own end."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rig import ACTIVE, PATIENCE_S, Rig

from watchkeeper.clock import now_ns
from watchkeeper.types import Cause

pytestmark = pytest.mark.faults
_PUPPET = (sys.executable, str(Path(__file__).with_name("puppet_vision.py")), "watchkeeper-vision")
_FEED_EVERY_S = 0.5


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[str]]]:
    """A service manager's socket: all that was said to it so far."""
    address = f"@watchkeeper-service-{os.getpid()}"
    heard: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as listener:
        listener.bind("\0" + address[1:])
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        monkeypatch.setenv("WATCHDOG_USEC", str(round(3 * _FEED_EVERY_S * 1e6)))

        def said() -> list[str]:
            with contextlib.suppress(BlockingIOError):
                while True:
                    heard.append(listener.recv(4096).decode())
            return heard

        yield said


def test_systemd_is_told_and_fed_while_the_loss_of_vision_is_handled(
    tmp_path: Path, manager: Callable[[], list[str]]
) -> None:
    rig = Rig(tmp_path, (), _PUPPET)
    try:
        rig.first(0, lambda v: v == ACTIVE)
        fed = manager().count("WATCHDOG=1")
        stopped_ns = now_ns()
        os.kill(rig.report().vision_pid, signal.SIGSTOP)
        stale_ns = rig.first(stopped_ns, lambda v: v[1] is Cause.STALE_VISION)
        rig.first(stale_ns, lambda v: v == ACTIVE)
        waited_s = (now_ns() - stopped_ns) / 1e9
        assert manager().count("WATCHDOG=1") - fed >= int(waited_s / _FEED_EVERY_S) - 1
        rig.process.terminate()
        assert rig.end() == 0
    finally:
        rig.close()
    heard = manager()
    assert heard[0] == "READY=1"
    assert heard.count("READY=1") == 1
    statuses = [line for line in heard if line.startswith("STATUS=")]
    assert statuses[0] == "STATUS=Init, cause Starting"
    lost = statuses.index("STATUS=Unavailable, cause StaleVision")
    assert statuses[lost + 1] == "STATUS=Active, cause None"
    assert heard.count("STOPPING=1") == 1


def test_counts_of_restarts_outlive_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    kept = tmp_path / "restarts.json"
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        rig = Rig(folder, ("--restart-state", str(kept)), _PUPPET)
        try:
            well_ns = rig.first(0, lambda v: v == ACTIVE)
            os.kill(rig.report().vision_pid, signal.SIGKILL)
            lost_ns = rig.first(well_ns, lambda v: v[1] is Cause.VISION_RESTARTING)
            rig.first(lost_ns, lambda v: v == ACTIVE)
            end = time.monotonic() + PATIENCE_S
            while not kept.exists() or json.loads(kept.read_text())["vision"] < number:
                assert time.monotonic() < end, "not counted"
                time.sleep(0.05)
        finally:
            rig.process.kill()
            rig.process.wait()
            rig.close()
    assert json.loads(kept.read_text()) == {"vision": 2, "camera_service": 0, "board": 0, "board_in_a_row": 0}
