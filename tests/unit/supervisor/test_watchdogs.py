"""systemd's datagrams over a real socket; the watchdog device refused where it is none; who is fed when."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

import pytest

from watchkeeper.board import WatchdogSettings
from watchkeeper.clock import NS_PER_MS, NS_PER_S
from watchkeeper.errors import BadInputError
from watchkeeper.supervisor.hw_watchdog import HardwareWatchdog, choose
from watchkeeper.supervisor.restart import KILL_WAIT_NS, Action, VisionKeeper
from watchkeeper.supervisor.systemd import Notifier


def _manager(address: str) -> socket.socket:
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    manager.bind("\0" + address[1:] if address.startswith("@") else address)
    return manager


def _heard(manager: socket.socket) -> list[str]:
    lines: list[str] = []
    with contextlib.suppress(BlockingIOError):
        while True:
            lines.append(manager.recv(4096).decode())
    return lines


@pytest.mark.parametrize("abstract", [True, False])
def test_systemd_hears_ready_once_status_on_change_and_a_feed_in_time(tmp_path: Path, abstract: bool) -> None:
    address = f"@watchkeeper-notify-{os.getpid()}" if abstract else str(tmp_path / "notify")
    manager = _manager(address)
    notifier = Notifier({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())})
    for slot in range(61):  # three seconds
        notifier.ready()
        notifier.status("Active" if slot < 30 else "Unavailable")
        notifier.feed(slot * 50 * NS_PER_MS)
    notifier.stopping()
    heard = _heard(manager)
    assert heard[:3] == ["READY=1", "STATUS=Active", "WATCHDOG=1"]
    assert heard.count("READY=1") == 1
    assert [line for line in heard if line.startswith("STATUS")] == ["STATUS=Active", "STATUS=Unavailable"]
    assert heard.count("WATCHDOG=1") == 4  # at 0, 1, 2 and 3 s
    assert heard[-1] == "STOPPING=1"
    notifier.close()
    manager.close()
    notifier.feed(10**12)  # after the end: nothing, and no error


def test_systemd_absent_or_gone_or_full_is_no_error(tmp_path: Path) -> None:
    Notifier({}).ready()
    gone = Notifier({"NOTIFY_SOCKET": str(tmp_path / "nobody"), "WATCHDOG_USEC": "1000000"})
    gone.ready()
    gone.feed(0)
    gone.close()
    address = f"@watchkeeper-full-{os.getpid()}"
    manager = _manager(address)
    full = Notifier({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "3"})
    for number in range(10_000):
        full.feed(number * NS_PER_S)
    assert 0 < len(_heard(manager)) < 10_000
    full.close()
    manager.close()


def test_a_systemd_watchdog_meant_for_another_process_or_unreadable_is_not_fed() -> None:
    address = f"@watchkeeper-other-{os.getpid()}"
    manager = _manager(address)
    for more in ({"WATCHDOG_PID": "1", "WATCHDOG_USEC": "1000000"}, {"WATCHDOG_USEC": "soon"}, {}):
        notifier = Notifier({"NOTIFY_SOCKET": address, **more})
        notifier.feed(0)
        assert notifier.feed_every_ns == 0
        notifier.close()
    assert _heard(manager) == []
    manager.close()


def test_what_is_no_watchdog_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="cannot be opened"):
        HardwareWatchdog(tmp_path / "none", 10)
    (tmp_path / "file").touch()
    with pytest.raises(BadInputError, match="is no watchdog device"):
        HardwareWatchdog(tmp_path / "file", 10)


def test_the_boards_watchdog_is_taken_unless_an_option_says_otherwise() -> None:
    board, device = WatchdogSettings(Path("/dev/watchdog0"), 20, 5), Path("/dev/watchdog1")
    assert choose(board, None, None) == board
    assert choose(board, None, 30) == WatchdogSettings(board.device, 30, 5)
    assert choose(board, None, 4) == WatchdogSettings(board.device, 4, None)  # no room for that pre-timeout
    assert choose(board, device, None) == WatchdogSettings(device, 10, 1)
    assert choose(None, device, 15) == WatchdogSettings(device, 15, 1)
    assert choose(board, Path("none"), None) is None
    assert choose(None, None, None) is None


def test_a_time_out_without_a_device_or_too_short_is_refused() -> None:
    with pytest.raises(BadInputError, match="--watchdog-timeout 9: expected --watchdog DEVICE too"):
        choose(None, None, 9)
    with pytest.raises(BadInputError, match="--watchdog-timeout 1: expected whole seconds, at least 2"):
        choose(None, Path("/dev/watchdog"), 1)


def test_vision_that_cannot_be_killed_is_not_attended_to() -> None:
    keeper = VisionKeeper()
    keeper.started(0)
    t_ns = 25 * NS_PER_S
    assert keeper.step(None, False, None, t_ns) is Action.KILL  # no sign of life
    assert keeper.attends(t_ns + KILL_WAIT_NS)
    assert not keeper.attends(t_ns + KILL_WAIT_NS + 1)
    keeper.step(-9, False, None, t_ns + KILL_WAIT_NS + 2)
    assert keeper.attends(t_ns + KILL_WAIT_NS + 2)
