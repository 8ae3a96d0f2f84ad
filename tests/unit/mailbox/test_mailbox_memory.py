"""The sequence lock between real processes: no torn value, no endless wait, no leftover."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from watchkeeper import _mailbox
from watchkeeper.mailbox.layout import SUPERVISOR, VEHICLE, VISION
from watchkeeper.mailbox.reader import Reader
from watchkeeper.mailbox.writer import Mailbox, MailboxError, Writer
from watchkeeper.types import VehicleReport, VehicleSignals

_HASH = bytes(range(32))

# Writes payloads of one repeated 8-byte counter, a few microseconds apart so that a reader finds a gap now and then; a
# torn copy has two different counters in it.
_HAMMER = """
import struct, sys
from watchkeeper import _mailbox
fd, size = int(sys.argv[1]), int(sys.argv[2])
box = _mailbox.Mailbox(fd, size, bytes(range(32)), writable=True)
count = 0
while True:
    count += 1
    box.write(struct.pack("=Q", count) * (size // 8))
    for _ in range(count % 100):
        pass
"""


def _memory(size: int) -> int:
    fd = os.memfd_create("test", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    _mailbox.create(fd, size, _HASH)
    return fd


def _hammer(fd: int, size: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", _HAMMER, str(fd), str(size)], pass_fds=(fd,))


@pytest.fixture
def vehicle_fd() -> Iterator[int]:
    fd = Mailbox.create(VEHICLE)
    yield fd
    os.close(fd)


def _wait_for(condition: object, seconds: float = 20.0) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not come about"
        time.sleep(0.001)


def test_nothing_written_is_none_then_the_newest_wins(vehicle_fd: int) -> None:
    writer, reader, second = Writer(vehicle_fd, VEHICLE), Reader(vehicle_fd, VEHICLE), Reader(vehicle_fd, VEHICLE)
    assert reader.read() is None
    for speed in (10.0, 20.0, 30.0):
        writer.write(VehicleReport(5, VehicleSignals(speed_kph=speed)))
    assert reader.read() == second.read() == VehicleReport(5, VehicleSignals(speed_kph=30.0))
    assert reader.sequence == 6


def test_another_layout_is_refused_with_a_reason(vehicle_fd: int) -> None:
    with pytest.raises(MailboxError, match="layout differs"):
        Reader(vehicle_fd, VISION)
    with pytest.raises(MailboxError, match="layout differs"):
        Writer(vehicle_fd, SUPERVISOR)
    same_size_other_hash = bytes(reversed(_HASH))
    fd = _memory(64)
    with pytest.raises(RuntimeError, match="layout differs"):
        _mailbox.Mailbox(fd, 64, same_size_other_hash, writable=False)
    os.close(fd)


@pytest.mark.parametrize(("offset", "what"), [(0, "magic"), (8, "version"), (12, "payload of")])
def test_a_damaged_header_is_refused(vehicle_fd: int, offset: int, what: str) -> None:
    os.pwrite(vehicle_fd, b"\x77", offset)
    with pytest.raises(MailboxError, match=what):
        Reader(vehicle_fd, VEHICLE)


def test_other_descriptors_are_refused(tmp_path: Path) -> None:
    unsealed = os.memfd_create("unsealed", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(unsealed, 4096)
    file = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    closed = os.memfd_create("closed")
    os.close(closed)
    for fd in (unsealed, file, closed):
        with pytest.raises(MailboxError, match=f"descriptor {fd}"):
            Writer(fd, VEHICLE)
    os.close(unsealed)
    os.close(file)


def test_the_size_is_sealed_and_the_descriptor_not_inherited(vehicle_fd: int) -> None:
    for size in (1, 1 << 20):
        with pytest.raises(PermissionError):
            os.ftruncate(vehicle_fd, size)
    assert not os.get_inheritable(vehicle_fd)


def test_wrong_sizes_and_a_reader_that_writes_are_refused() -> None:
    fd = _memory(16)
    box = _mailbox.Mailbox(fd, 16, _HASH, writable=True)
    for size in (0, 15, 17):
        with pytest.raises(ValueError, match="expected 16 bytes"):
            box.write(bytes(size))
    with pytest.raises(RuntimeError, match="reading only"):
        _mailbox.Mailbox(fd, 16, _HASH, writable=False).write(bytes(16))
    with pytest.raises(ValueError, match="32 bytes"):
        _mailbox.Mailbox(fd, 16, b"short", writable=False)
    for size in (0, (1 << 24) + 1):
        with pytest.raises(RuntimeError, match="1 byte to 16 MiB"):
            _mailbox.create(fd, size, _HASH)
    os.close(fd)


def test_odd_sizes_come_back_whole() -> None:
    for size in (1, 7, 8, 9, 863):
        fd = _memory(size)
        payload = bytes(i * 7 % 251 for i in range(size))
        _mailbox.Mailbox(fd, size, _HASH, writable=True).write(payload)
        assert _mailbox.Mailbox(fd, size, _HASH, writable=False).read(1) == payload
        os.close(fd)


def test_no_torn_value_under_a_hammering_writer() -> None:
    size = 4096
    fd = _memory(size)
    box = _mailbox.Mailbox(fd, size, _HASH, writable=False)
    writer = _hammer(fd, size)
    try:
        _wait_for(lambda: box.sequence > 0)
        seen: set[int] = set()
        torn_without_lock = 0
        end = time.monotonic() + 60.0
        while (len(seen) < 200 or torn_without_lock == 0) and time.monotonic() < end:
            raw = os.pread(fd, size, _mailbox.PAYLOAD_OFFSET)
            torn_without_lock += raw != raw[:8] * (size // 8)
            data = box.read(100)
            if data is not None:
                assert data == data[:8] * (size // 8), "torn"
                count = int.from_bytes(data[:8], sys.byteorder)
                assert count >= max(seen, default=0), "went back in time"
                seen.add(count)
        assert len(seen) == 200  # it really ran beside the writer
        assert torn_without_lock > 0  # and there was something to be protected from
    finally:
        writer.kill()
        writer.wait()
        os.close(fd)


def test_a_writer_killed_half_way_leaves_no_value_and_the_next_one_recovers() -> None:
    # 8 MiB take long enough that nearly every kill falls into a write.
    size = 8 << 20
    fd = _memory(size)
    box = _mailbox.Mailbox(fd, size, _HASH, writable=False)
    halves = 0
    for _ in range(20):
        before = box.sequence
        writer = _hammer(fd, size)
        _wait_for(lambda before=before: box.sequence > before + 2)
        writer.send_signal(signal.SIGKILL)
        assert writer.wait() == -signal.SIGKILL
        if box.sequence % 2 == 1:
            halves += 1
            assert box.read(1000) is None
            payload = halves.to_bytes(8, sys.byteorder) * (size // 8)
            _mailbox.Mailbox(fd, size, _HASH, writable=True).write(payload)
            assert box.read(1) == payload
        if halves == 3:
            break
    assert halves == 3
    os.close(fd)


def test_a_stopped_writer_does_not_hold_up_a_reader(vehicle_fd: int) -> None:
    writer, reader = Writer(vehicle_fd, VEHICLE), Reader(vehicle_fd, VEHICLE)
    writer.write(VehicleReport(1))
    odd = reader.sequence + 1
    os.pwrite(vehicle_fd, odd.to_bytes(8, sys.byteorder), _mailbox.SEQUENCE_OFFSET)
    assert reader.read() is None
    assert Reader(vehicle_fd, VEHICLE).read() is None
    writer.write(VehicleReport(2))
    assert reader.read() == VehicleReport(2)
    assert reader.sequence > odd


def test_a_sequence_at_its_end_does_not_hide_the_next_value() -> None:
    """Found by tools/fuzz: 0, which the number after the last one would be, says that nothing was written yet."""
    fd = _memory(64)
    try:
        writer = _mailbox.Mailbox(fd, 64, _HASH, writable=True)
        reader = _mailbox.Mailbox(fd, 64, _HASH, writable=False)
        os.pwrite(fd, (2**64 - 2).to_bytes(8, sys.byteorder), 64)  # the sequence's place
        assert reader.sequence == 2**64 - 2
        writer.write(b"x" * 64)
        assert (reader.sequence, reader.read(10)) == (2, b"x" * 64)
    finally:
        os.close(fd)
