"""A GPU that is not there, and unforgiving about it: pycuda.driver, the graph functions of libcuda, and their rules.

Rules kept, each an error where it is broken: a call needs a context current on its own thread; an address has to lie in
live memory of this device; work put on a stream is done only when somebody waits for it, and until then its outputs
hold NaN; a recording must not wait; what was recorded must still be alive when it is launched.
Reading what a launch on another stream has yet to write is an error, too; one stream waits for another by an event.
Limits: one device, work is done by the waiting thread.
"""

from __future__ import annotations

import itertools
import mmap
import threading
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Work = Callable[[], None]


class Error(Exception):
    """pycuda.driver.Error; LogicError and the like are below it there, too."""


class LogicError(Error):
    """pycuda.driver.LogicError."""


class Gpu:
    """The device's state. One a process at a time: `install` makes a fresh one."""

    def __init__(self) -> None:
        self.stacks: dict[int, list[Context]] = {}
        self.memory: dict[int, weakref.ref[NDArray[Any]]] = {}
        self.streams: weakref.WeakValueDictionary[int, Stream] = weakref.WeakValueDictionary()
        self.ids = itertools.count(0x1000)
        self.initialized = False
        self.retained = 0
        self.graphs: dict[int, list[Work]] = {}
        self.launches = 0
        self.read: set[int] = set()  # addresses kernels were given to read from, and to write to
        self.written: set[int] = set()
        self.unwritten: list[tuple[int, int]] = []  # address and bytes that a launch is still to write

    def check_current(self, what: str) -> None:
        """cuCtxGetCurrent would give none: CUDA_ERROR_INVALID_CONTEXT."""
        if not self.stacks.get(threading.get_ident()):
            raise LogicError(f"{what} failed: invalid device context")

    def array(self, address: int, nbytes: int) -> NDArray[Any]:
        """The live array at a device address; an illegal access otherwise."""
        array = self.memory.get(address, lambda: None)()
        if array is None or array.nbytes < nbytes:
            raise LogicError(f"an illegal memory access was encountered (0x{address:x}, {nbytes} bytes)")
        return array

    def check_written(self, address: int, nbytes: int) -> None:
        """Who reads these bytes has to come after their launch: on a GPU it would get whatever is there by chance."""
        for start, size in self.unwritten:
            if start < address + nbytes and address < start + size:
                raise LogicError(f"read before it was written (0x{address:x}, {nbytes} bytes): no event was waited for")

    def host_address(self, address: int, nbytes: int) -> int:
        """Where the CPU finds `nbytes` that lie wholly in one live array; an illegal access otherwise."""
        for start, kept in self.memory.items():
            array = kept()
            if array is not None and start <= address and address + nbytes <= start + array.nbytes:
                return int(array.__array_interface__["data"][0]) + address - start
        raise LogicError(f"an illegal memory access was encountered (0x{address:x}, {nbytes} bytes)")


gpu = Gpu()


class Context:
    """pycuda.driver.Context: `push` on an instance, `pop` on the class."""

    def __init__(self) -> None:
        self.detached = False

    def push(self) -> None:
        if self.detached:
            raise LogicError("push failed: context was detached")
        gpu.stacks.setdefault(threading.get_ident(), []).append(self)

    @staticmethod
    def pop() -> None:
        gpu.check_current("cuCtxPopCurrent")
        gpu.stacks[threading.get_ident()].pop()

    def detach(self) -> None:
        if any(self in stack for stack in gpu.stacks.values()):
            raise LogicError("detach failed: context is current somewhere")
        self.detached = True
        gpu.retained -= 1


class device_attribute:
    MULTIPROCESSOR_COUNT = 16
    INTEGRATED = 18


class host_alloc_flags:
    PORTABLE = 1
    DEVICEMAP = 2


class event_flags:
    DEFAULT = 0
    BLOCKING_SYNC = 1
    DISABLE_TIMING = 2


class Device:
    """One Orin: compute capability 8.7, 8 multiprocessors."""

    def __init__(self, number: int) -> None:
        if not gpu.initialized:
            raise LogicError("cuDeviceGet failed: initialization error")
        if number != 0:
            raise LogicError("cuDeviceGet failed: invalid device ordinal")

    def compute_capability(self) -> tuple[int, int]:
        return 8, 7

    def get_attribute(self, attr: int) -> int:
        return {device_attribute.MULTIPROCESSOR_COUNT: 8, device_attribute.INTEGRATED: 1}[attr]

    def name(self) -> str:
        return "fake Orin"

    def retain_primary_context(self) -> Context:
        gpu.retained += 1
        return Context()


class _Allocation:
    """What a page-locked array's `base` is."""

    def __init__(self, address: int) -> None:
        self._address = address

    def get_device_pointer(self) -> int:
        gpu.check_current("cuMemHostGetDevicePointer")
        return self._address


class _PagelockedArray(np.ndarray[Any, Any]):
    """An array whose `base` can tell its device address, as pycuda's."""

    allocation: _Allocation

    @property
    def base(self) -> Any:
        return self.allocation


def pagelocked_zeros(shape: tuple[int, ...], dtype: Any, order: str = "C", mem_flags: int = 0) -> NDArray[Any]:
    gpu.check_current("cuMemHostAlloc")
    if not mem_flags & host_alloc_flags.DEVICEMAP:
        raise LogicError("the tests expect mapped memory")
    # pages of its own, as cuMemHostAlloc gives: a camera's driver takes no other
    pages = mmap.mmap(-1, max(1, int(np.prod(shape)) * np.dtype(dtype).itemsize))
    owner = np.frombuffer(pages, dtype, int(np.prod(shape))).reshape(shape)
    array = owner.view(_PagelockedArray)
    # The GPU's own address for it: never the host's, so that mixing the two up is noticed.
    address = 0x7F00_0000_0000 + next(gpu.ids) * 0x1000_0000
    array.allocation = _Allocation(address)
    gpu.memory[address] = weakref.ref(owner)  # alive for as long as any view of it is
    return array


class Stream:
    """Work waits here until somebody synchronises."""

    def __init__(self, flags: int = 0) -> None:
        gpu.check_current("cuStreamCreate")
        self.handle = next(gpu.ids)
        self.work: list[Work] = []
        self.done = 0  # of all that was ever put here
        self.recording: list[Work] | None = None
        gpu.streams[self.handle] = self

    def put(self, prepare: Work, work: Work) -> None:
        if self.recording is not None:
            self.recording.append(lambda: self._begin(prepare, work))
        else:
            self._begin(prepare, work)

    def _begin(self, prepare: Work, work: Work) -> None:
        prepare()
        self.work.append(work)

    def synchronize(self) -> None:
        gpu.check_current("cuStreamSynchronize")
        if self.recording is not None:
            raise LogicError("cuStreamSynchronize failed: operation not permitted when stream is capturing")
        self.until(self.done + len(self.work))

    def until(self, count: int) -> None:
        """Do work in its order until so much of it is done."""
        while self.done < count:
            self.done += 1
            self.work.pop(0)()

    def wait_for_event(self, evt: Event) -> None:
        gpu.check_current("cuStreamWaitEvent")
        if self.recording is not None:
            raise LogicError("cuStreamWaitEvent failed: dependency created on uncaptured work in another stream")
        self.work.append(evt.reached())


class Event:
    def __init__(self, flags: int = 0) -> None:
        gpu.check_current("cuEventCreate")
        self._stream: Stream | None = None
        self._after = 0  # how much of the stream's work comes before it

    def record(self, stream: Stream | None = None) -> Event:
        gpu.check_current("cuEventRecord")
        if stream is None:
            raise LogicError("the default stream is not to be used")
        self._stream, self._after = stream, stream.done + len(stream.work)
        return self

    def synchronize(self) -> Event:
        gpu.check_current("cuEventSynchronize")
        if self._stream is not None and self._stream.recording is not None:
            raise LogicError("cuEventSynchronize failed: operation not permitted when stream is capturing")
        self.reached()()
        return self

    def reached(self) -> Work:
        """Do what comes before it, as it is recorded now; nothing where it never was."""
        stream, after = self._stream, self._after
        return lambda: None if stream is None else stream.until(after)


def init(flags: int = 0) -> None:
    gpu.initialized = True


def get_driver_version() -> int:
    return 12060


class LibCuda:
    """The six functions of libcuda that cuda_graph.py calls, with ctypes arguments."""

    def cuStreamBeginCapture_v2(self, stream: Any, mode: int) -> int:
        found = gpu.streams.get(stream.value)
        if found is None or found.work:
            return 900  # CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED
        if mode != 1:
            return 1
        found.recording = []
        return 0

    def cuStreamEndCapture(self, stream: Any, graph: Any) -> int:
        found = gpu.streams[stream.value]
        recorded, found.recording = found.recording, None
        if not recorded:
            return 901  # CUDA_ERROR_STREAM_CAPTURE_INVALIDATED
        graph._obj.value = self._keep(recorded)
        return 0

    def cuGraphInstantiateWithFlags(self, executable: Any, graph: Any, flags: Any) -> int:
        executable._obj.value = self._keep(gpu.graphs[graph.value])
        return 0

    def cuGraphLaunch(self, executable: Any, stream: Any) -> int:
        if not gpu.stacks.get(threading.get_ident()):
            return 201  # CUDA_ERROR_INVALID_CONTEXT
        if executable.value not in gpu.graphs or stream.value not in gpu.streams:
            return 400  # CUDA_ERROR_INVALID_HANDLE
        gpu.launches += 1
        for work in gpu.graphs[executable.value]:
            work()
        return 0

    def cuGraphExecDestroy(self, executable: Any) -> int:
        return 0 if gpu.graphs.pop(executable.value, None) else 400

    def cuGraphDestroy(self, graph: Any) -> int:
        return 0 if gpu.graphs.pop(graph.value, None) else 400

    def _keep(self, recorded: list[Work]) -> int:
        number = next(gpu.ids)
        gpu.graphs[number] = recorded
        return number


def pycuda_modules() -> dict[str, ModuleType]:
    """`pycuda` and `pycuda.driver` for sys.modules, over a fresh device."""
    global gpu
    gpu = Gpu()
    driver = ModuleType("pycuda.driver")
    for thing in (
        Error, LogicError, Context, Device, Stream, Event, device_attribute, host_alloc_flags, event_flags,
        pagelocked_zeros, init, get_driver_version,
    ):  # fmt: skip
        setattr(driver, thing.__name__, thing)
    package = ModuleType("pycuda")
    package.__dict__["driver"] = driver
    return {"pycuda": package, "pycuda.driver": driver}


def poison(array: NDArray[Any]) -> None:
    """What an output holds until its run has been waited for."""
    array.fill(np.nan)
