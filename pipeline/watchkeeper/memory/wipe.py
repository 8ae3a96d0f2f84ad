"""Memory with a picture in it: kept out of core files and off the swap, and overwritten when it is over with.

guard(address_of(view), view.nbytes)   # once, when it is made
wipe(view)                             # before it is given back
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.mlock.argtypes = _LIBC.munlock.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
_LIBC.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)


def wipe(view: memoryview) -> None:
    """Zeros over the whole of it. ValueError or TypeError unless it is writable and in one piece."""
    anchor = (ctypes.c_ubyte * view.nbytes).from_buffer(view)
    ctypes.memset(anchor, 0, view.nbytes)  # a call that no compiler may leave out


def guard(address: int, nbytes: int) -> bool:
    """The whole pages about these bytes: in no core file (MADV_DONTDUMP), on no swap where RLIMIT_MEMLOCK allows it.

    Whether they are locked. Raises OSError for memory that is not this process's.
    """
    first = address - address % mmap.PAGESIZE
    size = -(-(address + nbytes - first) // mmap.PAGESIZE) * mmap.PAGESIZE
    if _LIBC.madvise(first, size, mmap.MADV_DONTDUMP) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return lock(first, size)


def lock(address: int, nbytes: int) -> bool:
    """Whether mlock was permitted. Raises OSError for memory that is not this process's."""
    if _LIBC.mlock(address, nbytes) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.ENOMEM, errno.EPERM, errno.EAGAIN):
        return False
    raise OSError(number, os.strerror(number))
