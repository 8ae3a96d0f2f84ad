"""Buffers with pictures in them: zeros when they are over with, in no core file, locked where that is allowed."""

from __future__ import annotations

import mmap
from pathlib import Path

import pytest
from install import installed

from watchkeeper.capture import v4l2_buffers
from watchkeeper.capture.v4l2 import V4l2Source, parse
from watchkeeper.capture.v4l2_fake import FakeKernel
from watchkeeper.clock import now_ns
from watchkeeper.memory.buffers import PAGE_BYTES, LockedBuffer, address_of
from watchkeeper.memory.wipe import guard, wipe

PLANTED = b"a driver's face"


def _flags(address: int) -> list[str]:
    """VmFlags of the mapping that holds `address` (proc(5))."""
    inside = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        first, _, rest = line.partition(" ")
        if "-" in first and ":" not in first:
            start, _, end = first.partition("-")
            inside = int(start, 16) <= address < int(end, 16)
        elif inside and first == "VmFlags:":
            return rest.split()
    raise AssertionError("no such mapping")


def test_a_wiped_view_is_zeros() -> None:
    memory = bytearray(PLANTED)
    wipe(memoryview(memory))
    assert memory == bytes(len(PLANTED))
    with pytest.raises(TypeError, match="not writable"):
        wipe(memoryview(PLANTED))


def test_a_closed_buffer_is_zeros_for_whoever_still_looks() -> None:
    buffer = LockedBuffer(2 * PAGE_BYTES - 100)
    buffer.view[100 : 100 + len(PLANTED)] = PLANTED
    part = buffer.view[:]
    assert PLANTED in bytes(part)
    buffer.close()
    assert not any(part)


def test_a_buffer_is_in_no_core_file_and_locked() -> None:
    with LockedBuffer(PAGE_BYTES) as buffer:
        flags = _flags(buffer.address)
        assert "dd" in flags
        assert ("lo" in flags) == buffer.locked
    other = mmap.mmap(-1, PAGE_BYTES)
    assert "dd" not in _flags(address_of(memoryview(other)))


def test_guarding_a_part_guards_its_pages() -> None:
    memory = mmap.mmap(-1, 4 * PAGE_BYTES)
    address = address_of(memoryview(memory))
    locked = guard(address + PAGE_BYTES + 10, PAGE_BYTES)
    assert "dd" in _flags(address + PAGE_BYTES)
    assert "dd" in _flags(address + 2 * PAGE_BYTES)
    assert "dd" not in _flags(address + 3 * PAGE_BYTES)
    assert ("lo" in _flags(address + PAGE_BYTES)) == locked


def test_memory_that_is_nobodys_is_an_error() -> None:
    memory = mmap.mmap(-1, PAGE_BYTES)
    address = address_of(memoryview(memory))
    memory.close()
    with pytest.raises(OSError, match="Cannot allocate memory"):
        guard(address, PAGE_BYTES)


@pytest.mark.parametrize("way", sorted(v4l2_buffers.WAYS))
def test_a_cameras_buffers_are_zeros_once_it_is_closed(way: str) -> None:
    """Whoever owns them: the driver, a heap, this process. One that is lent waits for its lease."""
    kernel = FakeKernel(64, 32, 30, None)
    kernel.picture = lambda number: (PLANTED * 1000)[: 64 * 32 * 3 // 2]
    source = V4l2Source(parse(f"/dev/video0?io={way}&buffers=4"), paced=False, clock=now_ns, kernel=kernel)
    for _ in range(5):
        lease = source.next(1.0)
        assert lease is not None
        lease.release()
    lent = source.next(1.0)
    assert lent is not None
    views = [slot.view[:] for slot in source.slots]  # they keep the memory mapped, so that it can be looked at
    assert all("dd" in _flags(address_of(view)) for view in views)
    held, unsynced = bytes(lent.frame.planes[0]), kernel.unsynced
    source.close()
    assert bytes(lent.frame.planes[0]) == held
    assert len([view for view in views if any(view)]) == 1
    lent.release()
    assert not any(any(view) for view in views)
    assert kernel.unsynced == unsynced, "writing is bracketed as reading is"


def test_memory_shared_with_a_gpu_is_zeros_once_it_is_closed() -> None:
    with installed():
        from watchkeeper.memory.cuda import CudaBuffer

        buffer = CudaBuffer(640)
        buffer.view[: len(PLANTED)] = PLANTED
        kept = buffer.view
        buffer.close()
        assert not any(kept)
