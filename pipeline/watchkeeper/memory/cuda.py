"""The GPU's primary context, and memory that CPU, GPU and (by USERPTR) a camera's driver share without a copy.

One primary context a process (`primary()`), never `pycuda.autoinit`: a context of its own would break TensorRT and
jetson_utils, which use the primary one. It is current only inside `with context.active():`, on whatever thread.
On Jetson, host and GPU share DRAM, so page-locked mapped memory is read by the GPU in place; on a card with memory of
its own it is read over PCIe.
"""

from __future__ import annotations

import atexit
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pycuda.driver as driver
from numpy.typing import NDArray

from watchkeeper.errors import WatchkeeperError, one_line

_lock = threading.Lock()
_primary: PrimaryContext | None = None


class CudaError(WatchkeeperError):
    """No GPU, or its driver refused; the text says what."""


class PrimaryContext:
    """Use `primary()`. `device`: pycuda's Device, for its attributes."""

    def __init__(self, ordinal: int = 0) -> None:
        try:
            driver.init()
            self.device: Any = driver.Device(ordinal)
            self._context: Any = self.device.retain_primary_context()
        except driver.Error as error:
            raise CudaError(f"CUDA: {one_line(error)}; expected a GPU and its driver") from error
        self._mapped: list[tuple[int, int, int, weakref.ref[Any]]] = []  # host address, bytes, GPU address, array
        self._unfinished: list[tuple[int, int, Any]] = []  # GPU address, bytes, the event after which they are written

    @contextmanager
    def active(self) -> Iterator[None]:
        """The context is this thread's current one meanwhile. Raises CudaError after close."""
        if self._context is None:
            raise CudaError("CUDA: the primary context was given back")
        self._context.push()
        try:
            yield
        finally:
            driver.Context.pop()

    def mapped(self, shape: Sequence[int], dtype: str = "float32") -> tuple[NDArray[Any], int]:
        """A zeroed array in page-locked memory and the address the GPU has for it. Freed with its last array."""
        with self.active():
            array: NDArray[Any] = driver.pagelocked_zeros(
                tuple(shape), np.dtype(dtype), mem_flags=driver.host_alloc_flags.DEVICEMAP
            )
            allocation: Any = array.base
            address = int(allocation.get_device_pointer())
        self._note(int(array.__array_interface__["data"][0]), array.nbytes, address, array)
        return array, address

    def adopt(self, address: int, nbytes: int, owner: Any) -> None:
        """Mapped memory of somebody else (jetson_utils' images) that has one address for CPU and GPU.

        It is known for as long as `owner`, which can be referred to weakly, lives.
        """
        self._note(address, nbytes, address, owner)

    def _note(self, host: int, nbytes: int, device: int, owner: Any) -> None:
        with _lock:
            kept = [old for old in self._mapped if old[3]() is not None]
            self._mapped = [*kept, (host, nbytes, device, weakref.ref(owner))]

    def device_address(self, host: int, nbytes: int) -> int | None:
        """The GPU's address of `nbytes` at host address `host`; None unless they lie in one live `mapped` array."""
        for start, size, device, array in self._mapped:
            if start <= host and host + nbytes <= start + size and array() is not None:
                return device + host - start
        return None

    def written_after(self, address: int, nbytes: int, event: Any) -> None:
        """`nbytes` at a GPU's address are being written, until `event`; it replaces what was known of those bytes."""
        with _lock:
            kept = [old for old in self._unfinished if not _overlap(old[0], old[1], address, nbytes)]
            self._unfinished = [*kept, (address, nbytes, event)]

    def wait_on_device(self, stream: Any, address: int, nbytes: int) -> None:
        """What is put on `stream` from now on comes after those bytes were written; the CPU does not wait.

        The context has to be current. pycuda.driver.Error where the driver refuses.
        """
        with _lock:
            found = [one for one in self._unfinished if _overlap(one[0], one[1], address, nbytes)]
            self._unfinished = [one for one in self._unfinished if one not in found]
        for event in {id(one[2]): one[2] for one in found}.values():
            stream.wait_for_event(event)

    def forget_event(self, event: Any) -> None:
        """Whoever recorded it has waited for it, or ends."""
        with _lock:
            self._unfinished = [one for one in self._unfinished if one[2] is not event]

    def close(self) -> None:
        """Give the context back; may be called again."""
        context, self._context = self._context, None
        if context is not None:
            context.detach()


def _overlap(one: int, one_bytes: int, other: int, other_bytes: int) -> bool:
    return one < other + other_bytes and other < one + one_bytes


def primary() -> PrimaryContext:
    """This process's context, opened by the first call and given back when the interpreter ends."""
    global _primary
    with _lock:
        if _primary is None:
            _primary = PrimaryContext()
            atexit.register(_give_back)
        return _primary


def _give_back() -> None:
    global _primary
    with _lock:
        context, _primary = _primary, None
    if context is not None:
        context.close()


class CudaBuffer:
    """A `DriverBuffer` in page-locked, mapped memory: a camera writes it (USERPTR), the GPU reads it in place. Zeros
    from `close` on."""

    def __init__(self, nbytes: int, context: PrimaryContext | None = None) -> None:
        self._nbytes = nbytes
        self._array: NDArray[Any] | None
        self._array, self._device_address = (context or primary()).mapped((nbytes,), "uint8")
        self._address = int(self._array.__array_interface__["data"][0])

    @property
    def nbytes(self) -> int:
        return self._nbytes

    @property
    def address(self) -> int:
        return self._address

    @property
    def device_address(self) -> int | None:
        return self._device_address

    @property
    def view(self) -> memoryview:
        """Raises ValueError after close."""
        if self._array is None:
            raise ValueError("the buffer is closed")
        return self._array.data

    def close(self) -> None:
        if self._array is not None:
            self._array.fill(0)
        self._array = None
