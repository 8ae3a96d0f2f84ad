"""Raw system calls that the C library has no wrapper for."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_NO_NEW_PRIVS, _PR_SET_DUMPABLE, _PR_CAPBSET_DROP = 38, 4, 24  # <linux/prctl.h>
_PR_SET_PDEATHSIG, _PR_GET_PDEATHSIG, _PR_SET_KEEPCAPS = 1, 2, 8
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 2, 4
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


def dumpable() -> None:
    """Its files in /proc are its own user's again, as they are not after a change of user."""
    prctl(_PR_SET_DUMPABLE, 1)


def death_signal() -> int:
    """What the kernel sends this process when its parent ends; 0: nothing."""
    value = ctypes.c_int()
    prctl(_PR_GET_PDEATHSIG, ctypes.addressof(value))
    return value.value


def set_death_signal(signal_number: int) -> None:
    """See death_signal. A parent that has ended already is not noticed: look at getppid afterwards."""
    prctl(_PR_SET_PDEATHSIG, signal_number)


def keep_capabilities() -> None:
    """A change from root to another user empties the permitted set unless this was said before."""
    prctl(_PR_SET_KEEPCAPS, 1)


def unshare(flags: int) -> None:
    """Raises OSError with the kernel's errno."""
    if _LIBC.unshare(flags) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def has_capabilities() -> bool:
    """Whether this process may do anything beyond what its user may."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return any(line.startswith("CapPrm:") and int(line.split()[1], 16) != 0 for line in status.splitlines())


def may_change_user() -> bool:
    """Root, or whoever was given the right to become another user and to choose its groups."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    held = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapEff:"))
    return held >> CAP_SETGID & held >> CAP_SETUID & 1 == 1


class _CapHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _CapData(ctypes.Structure):
    _fields_ = [("words", ctypes.c_uint32 * 6)]


CAP_SETGID, CAP_SETUID, CAP_IPC_LOCK = 6, 7, 14  # <linux/capability.h>


def drop_bounding(keep: frozenset[int] = frozenset()) -> None:
    """No program that this one executes can bring a capability but `keep` with it. As far as it is permitted: it takes
    CAP_SETPCAP, which a change of user takes away."""
    for capability in range(_LAST_CAPABILITY + 1):
        if capability in keep:
            continue
        try:
            prctl(_PR_CAPBSET_DROP, capability)
        except OSError:  # not permitted, or unknown to this kernel
            break


def drop_capabilities(keep: frozenset[int] = frozenset()) -> None:
    """None but `keep` (of those it has, below 32) is left, and none can come back: bounding, ambient, effective,
    permitted, inheritable (capabilities(7)).

    Of this thread alone: call it before others exist. Raises OSError.
    """
    drop_bounding(keep)
    prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    _set_capabilities(keep, inherited=False)


def pass_on(keep: frozenset[int]) -> None:
    """None but `keep` (of those permitted, below 32) is left, and programs that this one executes have them too."""
    for capability in _set_capabilities(keep, inherited=True):
        prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability)


def _set_capabilities(keep: frozenset[int], *, inherited: bool) -> list[int]:
    """Those that are left: a change of user may have emptied the effective ones, so what is permitted counts."""
    header, data = _CapHeader(0x20080522, 0), _CapData()  # _LINUX_CAPABILITY_VERSION_3
    if keep and _LIBC.capget(ctypes.byref(header), ctypes.byref(data)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    held = data.words[1] & sum(1 << capability for capability in keep)
    data.words[:] = (held, held, held if inherited else 0, 0, 0, 0)
    if _LIBC.capset(ctypes.byref(header), ctypes.byref(data)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return [capability for capability in sorted(keep) if held >> capability & 1]
