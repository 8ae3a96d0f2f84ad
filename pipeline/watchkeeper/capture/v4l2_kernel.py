"""The calls into the kernel that capturing makes, behind one small interface, so that a fake can answer them."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import select
from typing import Any, Protocol


class Kernel(Protocol):
    """Raises OSError with the kernel's number, as the calls themselves do."""

    def open(self, path: str) -> int: ...
    def close(self, fd: int) -> None: ...
    def ioctl(self, fd: int, request: int, argument: Any) -> None: ...
    def map(self, fd: int, nbytes: int, offset: int) -> Any:
        """Shared memory, writable, with the buffer protocol, `madvise()` and `close()`."""
        ...

    def wait(self, fd: int, wake_fd: int, timeout_s: float) -> bool:
        """Whether `fd` has a frame (or an error to tell) within the time; False, too, when `wake_fd` was written to."""
        ...


class LinuxKernel:
    """The real one. Every call is bounded: the device is opened non-blocking and waited for with poll."""

    def open(self, path: str) -> int:
        return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def close(self, fd: int) -> None:
        os.close(fd)

    def ioctl(self, fd: int, request: int, argument: Any) -> None:
        fcntl.ioctl(fd, request, argument)  # Python repeats a call that a signal broke off

    def map(self, fd: int, nbytes: int, offset: int) -> mmap.mmap:
        return mmap.mmap(fd, nbytes, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE, offset=offset)

    def wait(self, fd: int, wake_fd: int, timeout_s: float) -> bool:
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        poll.register(wake_fd, select.POLLIN)
        ready = dict(poll.poll(max(0.0, timeout_s) * 1000.0))
        return fd in ready and wake_fd not in ready


def is_gone(error: OSError) -> bool:
    """Whether the device itself is lost, and not only this call refused."""
    return error.errno in (errno.ENODEV, errno.EIO, errno.ENXIO, errno.EBADF)


def integer(value: int) -> ctypes.c_int:
    """An argument for STREAMON and STREAMOFF."""
    return ctypes.c_int(value)
