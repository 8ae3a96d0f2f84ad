"""Raw system calls that the C library has no wrapper for."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_NO_NEW_PRIVS, _PR_SET_DUMPABLE, _PR_CAPBSET_DROP = 38, 4, 24  # <linux/prctl.h>
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
_LAST_CAPABILITY = 63  # the kernel refuses those it does not know


def system_call(number: int, *arguments: int | ctypes.Structure | None) -> int:
    """The call's result. Raises OSError with its errno."""
    passed = [
        ctypes.byref(value) if isinstance(value, ctypes.Structure) else ctypes.c_long(value or 0) for value in arguments
    ]
    result = int(_LIBC.syscall(ctypes.c_long(number), *passed))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def prctl(option: int, *arguments: int) -> None:
    """Raises OSError with the kernel's errno."""
    padded = [*arguments, *[0] * (4 - len(arguments))]
    if _LIBC.prctl(option, *[ctypes.c_ulong(value) for value in padded]) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def no_new_privileges() -> None:
    """No later execve gives more than this process has; Landlock and seccomp ask for it."""
    prctl(_PR_SET_NO_NEW_PRIVS, 1)


def not_dumpable() -> None:
    """No core file, and no other process of the same user may read this one's memory (proc(5), ptrace(2))."""
    prctl(_PR_SET_DUMPABLE, 0)


def unshare(flags: int) -> None:
    """Raises OSError with the kernel's errno."""
    if _LIBC.unshare(flags) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def has_capabilities() -> bool:
    """Whether this process may do anything beyond what its user may."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return any(line.startswith("CapPrm:") and int(line.split()[1], 16) != 0 for line in status.splitlines())


class _CapHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _CapData(ctypes.Structure):
    _fields_ = [("words", ctypes.c_uint32 * 6)]


CAP_IPC_LOCK = 14  # <linux/capability.h>


def drop_capabilities(keep: frozenset[int] = frozenset()) -> None:
    """None but `keep` (of those it has, below 32) is left, and none can come back: bounding, ambient, effective,
    permitted, inheritable (capabilities(7)).

    Of this thread alone: call it before others exist. Raises OSError.
    """
    for capability in range(_LAST_CAPABILITY + 1):
        if capability in keep:
            continue
        try:
            prctl(_PR_CAPBSET_DROP, capability)
        except OSError:  # not permitted without CAP_SETPCAP, or unknown to this kernel; permitted is emptied below
            break
    prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    header, data = _CapHeader(0x20080522, 0), _CapData()  # _LINUX_CAPABILITY_VERSION_3, all zero
    if keep:
        if _LIBC.capget(ctypes.byref(header), ctypes.byref(data)) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        mask = sum(1 << capability for capability in keep)
        held = data.words[0] & data.words[1] & mask  # effective and permitted, capabilities 0 to 31
        data.words[:] = (held, held, 0, 0, 0, 0)
    if _LIBC.capset(ctypes.byref(header), ctypes.byref(data)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
