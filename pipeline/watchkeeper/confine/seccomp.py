"""A seccomp filter: system calls that vision never needs fail with EPERM (seccomp(2), Documentation/userspace-api).

A list of what is refused and not of what is allowed: drivers of cameras and GPUs differ in what they call, and a call
nobody thought of must not blind a driver monitor in traffic. What is refused is every way to another process, another
program, the network, shared memory, the kernel's own workings, or around this filter (io_uring).
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

from watchkeeper.confine.kernel import system_call

Numbers = tuple[int | None, int | None]
"""x86-64, arm64; None: that architecture has no such call."""

REFUSED: dict[str, Numbers] = {
    # sockets of any family; send and receive with what does not exist
    "socketpair": (53, 199), "bind": (49, 200), "connect": (42, 203), "listen": (50, 201), "accept": (43, 202),
    "accept4": (288, 242), "sendto": (44, 206), "sendmsg": (46, 211), "sendmmsg": (307, 269),
    "recvfrom": (45, 207), "recvmsg": (47, 212), "recvmmsg": (299, 243),
    # other programs and processes
    "execve": (59, 221), "execveat": (322, 281), "fork": (57, None), "vfork": (58, None), "ptrace": (101, 117),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272), "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240), "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424), "pidfd_getfd": (438, 438), "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    # other views of the file system
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "setns": (308, 268),
    "unshare": (272, 97), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "move_mount": (429, 429), "open_tree": (428, 428), "mount_setattr": (442, 442), "mknod": (133, None),
    "mknodat": (259, 33), "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264),
    # the kernel itself
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106), "kexec_load": (246, 104),
    "kexec_file_load": (320, 294), "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219), "swapon": (167, 224),
    "swapoff": (168, 225), "reboot": (169, 142), "acct": (163, 89), "quotactl": (179, 60), "syslog": (103, 116),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "clock_adjtime": (305, 266), "adjtimex": (159, 171),
    "personality": (135, 92), "ioperm": (173, None), "iopl": (172, None), "sethostname": (170, 161),
    "setdomainname": (171, 162), "vhangup": (153, 58), "fanotify_init": (300, 262), "capset": (126, 91),
    # memory that outlives or leaves the process
    "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195), "msgget": (68, 186), "msgsnd": (69, 189),
    "msgrcv": (70, 188), "semget": (64, 190), "mq_open": (240, 180),
}  # fmt: skip
# libraries ask for these first and have another way when the kernel knows them not
UNKNOWN: dict[str, Numbers] = {
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "clone3": (435, 435),
}  # fmt: skip
SOCKET: Numbers = (41, 198)
CLONE: Numbers = (56, 220)
KILL: Numbers = (62, 129)
TGKILL: Numbers = (234, 131)
PRCTL: Numbers = (157, 167)
LOCAL_SOCKETS = frozenset({"socketpair", "connect", "sendto", "sendmsg", "recvfrom", "recvmsg"})
"""What a process that may talk to a daemon of this machine needs beside `socket(AF_UNIX)`."""

_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column above, AUDIT_ARCH_*
_X32 = 0x40000000  # another numbering of the same calls
_LOAD, _EQUAL, _AT_LEAST, _BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # BPF codes, 32-bit words
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NR, _ARCH, _ARG0, _ARG1 = 0, 4, 16, 24  # struct seccomp_data, low halves
_AF_UNIX, _CLONE_THREAD, _PR_SET_DUMPABLE = 1, 0x10000, 4
_SECCOMP_MODE_FILTER = 2
_SET_MODE_FILTER, _TSYNC = 1, 1
_SECCOMP: Numbers = (317, 277)

Instruction = tuple[int, int, int, int]


def architecture() -> str | None:
    """This process's, where a filter is known for it."""
    name = platform.machine()
    return name if name in _ARCHITECTURES and sys.maxsize > 2**32 else None


def program(machine: str, pid: int, *, local_sockets: bool = False) -> list[Instruction]:
    """The filter as (code, jump if true, jump if false, k). pid: the process that may signal itself."""
    column, audit = _ARCHITECTURES[machine]
    lines: list[Instruction] = [(_LOAD, 0, 0, _ARCH), (_EQUAL, 1, 0, audit), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, _NR)]
    if machine == "x86_64":
        lines += [(_AT_LEAST, 0, 1, _X32), _refuse(errno.EPERM)]
    for names, error in ((REFUSED, errno.EPERM), (UNKNOWN, errno.ENOSYS)):
        for name, numbers in names.items():
            number = numbers[column]
            if number is not None and not (local_sockets and name in LOCAL_SOCKETS):
                lines += [(_EQUAL, 0, 1, number), _refuse(error)]
    # (call, argument, test, k): refused unless the test holds
    tests = [
        (CLONE, _ARG0, _BITS, _CLONE_THREAD),
        (KILL, _ARG0, _EQUAL, pid),
        (TGKILL, _ARG0, _EQUAL, pid),
    ]
    if local_sockets:
        tests.append((SOCKET, _ARG0, _EQUAL, _AF_UNIX))
    else:
        lines += [(_EQUAL, 0, 1, SOCKET[column] or 0), _refuse(errno.EPERM)]
    for call, argument, test, k in tests:
        lines += [
            (_EQUAL, 0, 4, call[column] or 0),
            (_LOAD, 0, 0, argument),
            (test, 1, 0, k),
            _refuse(errno.EPERM),
            (_RETURN, 0, 0, _ALLOW),
        ]
    # dumpable stays as it is
    lines += [
        (_EQUAL, 0, 4, PRCTL[column] or 0),
        (_LOAD, 0, 0, _ARG0),
        (_EQUAL, 0, 1, _PR_SET_DUMPABLE),
        _refuse(errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return [*lines, (_RETURN, 0, 0, _ALLOW)]


def _refuse(error: int) -> Instruction:
    return _RETURN, 0, 0, _ERRNO | error


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def install(lines: Iterable[Instruction]) -> None:
    """For all threads of this process and all they start, for good. Needs no_new_privs. Raises OSError."""
    code = b"".join(struct.pack("=HBBI", *line) for line in lines)
    held = ctypes.create_string_buffer(code, len(code))
    machine = architecture()
    if machine is None:
        raise OSError(errno.ENOSYS, "no filter is known for this architecture")
    number = _SECCOMP[_ARCHITECTURES[machine][0]] or 0
    system_call(number, _SET_MODE_FILTER, _TSYNC, _Program(len(code) // 8, ctypes.addressof(held)))


def active() -> bool:
    """Whether this thread runs under a filter."""
    status = Path("/proc/thread-self/status").read_text(encoding="ascii")
    return ["Seccomp:", str(_SECCOMP_MODE_FILTER)] in [line.split() for line in status.splitlines()]
