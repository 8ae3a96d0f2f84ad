"""Host buffers: page-aligned, locked, stable; CUDA-mapped ones over the fake GPU."""

from __future__ import annotations

import resource

import pytest
from install import installed

from watchkeeper.errors import BadInputError
from watchkeeper.memory.buffers import PAGE_BYTES, LockedBuffer, address_of, whole_pages


def test_locked_buffer_is_aligned_writable_and_closes_twice() -> None:
    buffer = LockedBuffer(1000)
    assert buffer.address % PAGE_BYTES == 0
    assert address_of(buffer.view) == buffer.address
    assert (buffer.nbytes, len(buffer.view), buffer.device_address) == (1000, 1000, None)
    buffer.view[999] = 7
    assert buffer.view[999] == 7
    buffer.close()
    buffer.close()
    with pytest.raises(ValueError, match="closed"):
        _ = buffer.view


def test_a_view_keeps_the_memory_of_a_closed_buffer() -> None:
    buffer = LockedBuffer(PAGE_BYTES)
    part = buffer.view[10:20]
    buffer.close()
    part[0] = 3
    assert part[0] == 3


def test_touching_it_faults_no_page() -> None:
    with LockedBuffer(400 * PAGE_BYTES) as buffer:
        view = buffer.view
        before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
        for page in range(400):
            view[page * PAGE_BYTES] = 1
        assert resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before < 20


def test_limit_on_locked_memory_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchkeeper.memory.buffers.guard", lambda address, nbytes: False)
    with LockedBuffer(10) as buffer:
        assert not buffer.locked
    with pytest.raises(BadInputError, match="locking 10 bytes of memory: not allowed here"):
        LockedBuffer(10, lock="must")


def test_sizes() -> None:
    assert whole_pages(1) == PAGE_BYTES
    assert whole_pages(PAGE_BYTES + 1) == 2 * PAGE_BYTES
    with pytest.raises(ValueError, match="at least one byte"):
        whole_pages(0)


def test_cuda_buffer_has_an_address_on_either_side() -> None:
    with installed():
        from watchkeeper.memory.cuda import CudaBuffer

        buffer = CudaBuffer(640)
        buffer.view[3] = 9
        assert buffer.view[3] == 9
        assert buffer.device_address not in (None, buffer.address)
        assert address_of(buffer.view) == buffer.address
        buffer.close()
        buffer.close()
        with pytest.raises(ValueError, match="closed"):
            _ = buffer.view
