"""The buffers a capture device writes, by the four ways Linux offers; each read in place.

mmap     the driver's own memory, mapped.
expbuf   the same, and handed on as dmabuf file descriptors, for importers (GPU, encoder).
userptr  memory of ours (locked pages, or CUDA-mapped): the camera writes what the GPU reads.
dmabuf   memory of a dma-heap, imported by the driver.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
from dataclasses import dataclass
from typing import Any

from watchkeeper.capture import v4l2_abi as abi
from watchkeeper.capture.v4l2_kernel import Kernel
from watchkeeper.errors import BadInputError
from watchkeeper.memory.buffers import Allocate, DriverBuffer, whole_pages
from watchkeeper.memory.wipe import wipe

WAYS = {
    "mmap": abi.MEMORY_MMAP, "expbuf": abi.MEMORY_MMAP, "userptr": abi.MEMORY_USERPTR, "dmabuf": abi.MEMORY_DMABUF,
}  # fmt: skip
HEAP = "/dev/dma_heap/system"


@dataclass(slots=True)
class Slot:
    """One buffer. view: its bytes as the CPU reads them. dmabuf_fd: -1 where there is none. own: what to close."""

    index: int
    view: memoryview
    nbytes: int
    dmabuf_fd: int = -1
    owned: DriverBuffer | None = None
    mapped: Any = None

    @property
    def device_address(self) -> int | None:
        """Where the GPU finds the same bytes, None where it does not."""
        return None if self.owned is None else self.owned.device_address


def request(kernel: Kernel, fd: int, way: str, count: int, nbytes: int, allocate: Allocate) -> list[Slot]:
    """Buffers of `nbytes` each, known to the driver and not queued yet. Raises OSError as the driver does."""
    wanted = abi.RequestBuffers(count=count, type=abi.CAPTURE, memory=WAYS[way])
    kernel.ioctl(fd, abi.REQBUFS, wanted)
    slots: list[Slot] = []
    try:
        slots.extend(_slot(kernel, fd, way, index, nbytes, allocate) for index in range(int(wanted.count)))
    except BaseException:
        for slot in slots:
            release(kernel, slot)
        raise
    return slots


def _slot(kernel: Kernel, fd: int, way: str, index: int, nbytes: int, allocate: Allocate) -> Slot:
    if way == "userptr":
        owned = allocate(nbytes)
        return Slot(index, owned.view, owned.nbytes, owned=owned)
    if way == "dmabuf":
        dmabuf, size = _from_heap(kernel, nbytes), whole_pages(nbytes)
        mapped = kernel.map(dmabuf, size, 0)
        mapped.madvise(mmap.MADV_DONTDUMP)
        return Slot(index, memoryview(mapped), size, dmabuf_fd=dmabuf, mapped=mapped)
    buffer = abi.Buffer(index=index, type=abi.CAPTURE, memory=abi.MEMORY_MMAP)
    kernel.ioctl(fd, abi.QUERYBUF, buffer)
    length, dmabuf = int(buffer.length), -1
    if way == "expbuf":
        export = abi.ExportBuffer(type=abi.CAPTURE, index=index, flags=os.O_RDWR | os.O_CLOEXEC)
        kernel.ioctl(fd, abi.EXPBUF, export)
        dmabuf = int(export.fd)
    mapped = kernel.map(fd, length, int(buffer.m.offset)) if dmabuf < 0 else kernel.map(dmabuf, length, 0)
    mapped.madvise(mmap.MADV_DONTDUMP)
    return Slot(index, memoryview(mapped), length, dmabuf_fd=dmabuf, mapped=mapped)


def _from_heap(kernel: Kernel, nbytes: int) -> int:
    try:
        heap = kernel.open(HEAP)
    except OSError as error:
        expected = "a kernel with dma-heaps and this user in the group `video`"
        raise BadInputError.at(HEAP, f"io=dmabuf: {error.strerror}; expected {expected}") from error
    try:
        wanted = abi.HeapAllocation(len=whole_pages(nbytes), fd_flags=os.O_RDWR | os.O_CLOEXEC)
        kernel.ioctl(heap, abi.HEAP_ALLOC, wanted)
        return int(wanted.fd)
    finally:
        kernel.close(heap)


def queue(kernel: Kernel, fd: int, way: str, slot: Slot) -> None:
    """Give the buffer to the driver. Raises OSError."""
    if slot.dmabuf_fd >= 0:
        _sync(kernel, slot, abi.SYNC_READ_END)
    buffer = abi.Buffer(index=slot.index, type=abi.CAPTURE, memory=WAYS[way], length=slot.nbytes)
    if way == "userptr" and slot.owned is not None:
        buffer.m.userptr = slot.owned.address
    elif way == "dmabuf":
        buffer.m.fd = slot.dmabuf_fd
    kernel.ioctl(fd, abi.QBUF, buffer)


def dequeue(kernel: Kernel, fd: int, way: str) -> abi.Buffer:
    """The oldest filled buffer. Raises BlockingIOError when there is none, OSError when the device broke."""
    buffer = abi.Buffer(type=abi.CAPTURE, memory=WAYS[way])
    kernel.ioctl(fd, abi.DQBUF, buffer)
    return buffer


def begin_reading(kernel: Kernel, slot: Slot) -> None:
    """Caches in order before the CPU reads a dmabuf; nothing for the other kinds."""
    if slot.dmabuf_fd >= 0:
        _sync(kernel, slot, abi.SYNC_READ_START)


def _sync(kernel: Kernel, slot: Slot, flags: int) -> None:
    kernel.ioctl(slot.dmabuf_fd, abi.DMA_BUF_SYNC, ctypes.c_uint64(flags))


def _wipe(kernel: Kernel, slot: Slot) -> None:
    """What the driver's own memory or a heap's holds; `owned` memory is wiped by its own `close`.

    A device that is gone refuses the synchronisation; its memory can be written for as long as it is mapped.
    """
    if slot.mapped is None:
        return
    for flags in (abi.SYNC_WRITE_START, abi.SYNC_WRITE_END):
        if slot.dmabuf_fd >= 0:
            with contextlib.suppress(OSError):
                _sync(kernel, slot, flags)
        if flags == abi.SYNC_WRITE_START:
            wipe(slot.view)


def release(kernel: Kernel, slot: Slot) -> None:
    """Give the memory back, with zeros in it. A view somebody still holds keeps it alive until it is gone.

    Once only, and with the stream off: nothing is written to it any more.
    """
    _wipe(kernel, slot)
    for closing in (slot.view.release, getattr(slot.mapped, "close", None), getattr(slot.owned, "close", None)):
        if closing is not None:
            with contextlib.suppress(BufferError):
                closing()
    if slot.dmabuf_fd >= 0:
        kernel.close(slot.dmabuf_fd)
        slot.dmabuf_fd = -1
