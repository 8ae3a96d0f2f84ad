"""Memory that a driver may write and a kernel may read in place: page-aligned, locked, at one address until closed.

with LockedBuffer(1280 * 720 * 3 // 2) as buffer:
    buffer.address                 # what a driver is given (V4L2 USERPTR)
    buffer.view                    # the same bytes for the preprocessing kernel
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
from collections.abc import Callable
from types import TracebackType
from typing import Protocol

from watchkeeper.errors import BadInputError
from watchkeeper.memory.wipe import guard

PAGE_BYTES = mmap.PAGESIZE


class DriverBuffer(Protocol):
    """nbytes: as asked for. address: of the first byte, page-aligned. device_address: where a GPU finds the same bytes,
    None when it cannot. view: the bytes themselves, writable."""

    @property
    def nbytes(self) -> int: ...
    @property
    def address(self) -> int: ...
    @property
    def device_address(self) -> int | None: ...
    @property
    def view(self) -> memoryview: ...
    def close(self) -> None:
        """Give the memory back; may be called again. Views handed out keep it alive until they are gone."""
        ...


Allocate = Callable[[int], DriverBuffer]


def whole_pages(nbytes: int) -> int:
    """`nbytes` rounded up to whole pages. ValueError below 1."""
    if nbytes < 1:
        raise ValueError(f"expected a buffer of at least one byte, got {nbytes}")
    return -(-nbytes // PAGE_BYTES) * PAGE_BYTES


class LockedBuffer:
    """Anonymous pages of this process, touched once and locked into memory, so that no later access faults.

    lock: "must" raises BadInputError where the limit on locked memory (RLIMIT_MEMLOCK) does not allow it; "try" goes on
    without, and `locked` says so. The pages are not handed to a forked child (MADV_DONTFORK): a driver may be writing.
    They are in no core file, and zeros from `close` on, whoever still looks at them.
    """

    def __init__(self, nbytes: int, *, lock: str = "try") -> None:
        if lock not in ("must", "try"):
            raise ValueError(f"lock: expected must or try, got {lock!r}")
        self._nbytes = nbytes
        self._map = mmap.mmap(-1, whole_pages(nbytes), mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._map.madvise(mmap.MADV_DONTFORK)
        anchor = ctypes.c_char.from_buffer(self._map)
        self._address = ctypes.addressof(anchor)
        del anchor  # its export would keep the map from being closed
        for page in range(0, len(self._map), PAGE_BYTES):
            self._map[page] = 0
        self.locked = guard(self._address, len(self._map))
        if lock == "must" and not self.locked:
            self.close()
            raise BadInputError(
                f"locking {nbytes} bytes of memory: not allowed here; expected a limit on locked memory (ulimit -l, "
                "LimitMEMLOCK=) that is large enough"
            )
        self._view: memoryview | None = memoryview(self._map)[:nbytes]

    @property
    def nbytes(self) -> int:
        return self._nbytes

    @property
    def address(self) -> int:
        return self._address

    @property
    def device_address(self) -> int | None:
        return None

    @property
    def view(self) -> memoryview:
        """Raises ValueError after close."""
        if self._view is None:
            raise ValueError("the buffer is closed")
        return self._view

    def close(self) -> None:
        view, self._view = getattr(self, "_view", None), None
        if view is not None:
            ctypes.memset(self._address, 0, len(self._map))
            with contextlib.suppress(BufferError):
                view.release()
        with contextlib.suppress(BufferError):  # somebody still looks at it: freed, and so unlocked, with the last view
            self._map.close()

    def __enter__(self) -> LockedBuffer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()


def address_of(view: memoryview) -> int:
    """Address of a buffer's first byte, for telling whether two views are the same memory. Works read-only, too."""
    import numpy as np

    return int(np.frombuffer(view, np.uint8).__array_interface__["data"][0])
