"""The watchdog device, against one that answers ioctls as Documentation/watchdog/watchdog-api.rst says.

A real kernel's device is tested in tests/vm.
"""

from __future__ import annotations

import errno
import fcntl
import struct
from pathlib import Path

import pytest

from watchkeeper.supervisor.hw_watchdog import HardwareWatchdog

MAGIC_CLOSE, PRETIMEOUT, KEEPALIVE = 0x100, 0x200, 0x8000


class FakeDevice:
    """ioctls of a watchdog that gives at most `longest_s`. Writes go to the file. refuses: no pre-timeout after all."""

    def __init__(self, options: int, longest_s: int = 60, *, refuses: bool = False) -> None:
        self.options, self.longest_s, self.refuses = options, longest_s, refuses
        self.timeout_s, self.pretimeout_s = 30, 0

    def ioctl(self, _fd: int, request: int, buffer: bytearray) -> None:
        if request == 0x80285700:
            buffer[:] = struct.pack("=II32s", self.options, 3, b"fake watchdog")
            return
        (value,) = struct.unpack("=i", buffer)
        if request == 0xC0045706:
            self.timeout_s = min(value, self.longest_s)
        elif request == 0xC0045708:
            if self.refuses:
                raise OSError(errno.EOPNOTSUPP, "no pre-timeout")
            self.pretimeout_s = value
        elif request not in (0x80045707, 0x80045709):
            raise OSError(errno.ENOTTY, "unknown")
        answer = self.pretimeout_s if request in (0xC0045708, 0x80045709) else self.timeout_s
        buffer[:] = struct.pack("=i", answer)


def _open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: FakeDevice, timeout_s: int = 10
) -> tuple[HardwareWatchdog, Path]:
    monkeypatch.setattr(fcntl, "ioctl", device.ioctl)
    path = tmp_path / "watchdog"
    path.touch()
    return HardwareWatchdog(path, timeout_s), path


def test_a_device_with_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watchdog, path = _open(tmp_path, monkeypatch, FakeDevice(MAGIC_CLOSE | PRETIMEOUT))
    assert (watchdog.identity, watchdog.timeout_s, watchdog.pretimeout_s) == ("fake watchdog", 10, 1)
    assert watchdog.magic_close is True
    assert watchdog.feed() is True
    assert watchdog.feed() is True
    watchdog.disarm()
    assert path.read_bytes() == b"\0\0V"
    assert watchdog.feed() is False, "left"
    watchdog.disarm()
    assert path.read_bytes() == b"\0\0V"


def test_a_device_with_nothing_but_a_time_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = FakeDevice(KEEPALIVE, longest_s=8)
    watchdog, _ = _open(tmp_path, monkeypatch, device)
    assert (watchdog.timeout_s, watchdog.pretimeout_s, watchdog.magic_close) == (8, None, False)
    assert device.pretimeout_s == 0
    watchdog.disarm()


@pytest.mark.parametrize(("timeout_s", "refuses"), [(1, False), (10, True)])
def test_no_pretimeout_where_there_is_no_room_or_it_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, timeout_s: int, refuses: bool
) -> None:
    watchdog, _ = _open(tmp_path, monkeypatch, FakeDevice(PRETIMEOUT, refuses=refuses), timeout_s)
    assert (watchdog.timeout_s, watchdog.pretimeout_s) == (timeout_s, None)
    watchdog.disarm()
    watchdog, _ = _open(tmp_path, monkeypatch, FakeDevice(PRETIMEOUT), 2)
    assert watchdog.pretimeout_s == 1
    watchdog.disarm()


def test_a_device_that_refuses_a_feed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this machine has no /dev/full")
    monkeypatch.setattr(fcntl, "ioctl", FakeDevice(MAGIC_CLOSE).ioctl)
    watchdog = HardwareWatchdog(full, 10)
    assert watchdog.feed() is False
    watchdog.disarm()
