"""A vision process that was taken over: confined as the product confines it, then it tries everything to get out.

    python hostile_vision.py watchkeeper-vision --report FILE --secret FILE --write-to DIR [--then hang|fill]
                             [--state-fd N --vehicle-fd M]

--then fill: takes memory that is not private, and so not counted by its own limit, until it is killed. In a virtual
machine only.

Adds one line of JSON to FILE, opened beforehand: what was tried -> the error it got, or "SUCCEEDED: ...".
"""

from __future__ import annotations

import argparse
import ctypes
import json
import mmap
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from watchkeeper.confine.process import confine
from watchkeeper.runtime.policy import policy_for
from watchkeeper.runtime.vision_options import vision_options

_LIBC = ctypes.CDLL(None, use_errno=True)
_PTRACE_ATTACH = 16
_SYS = {
    "x86_64": {"process_vm_readv": 310, "io_uring_setup": 425, "pidfd_open": 434, "shmget": 29, "bpf": 321},
    "aarch64": {"process_vm_readv": 270, "io_uring_setup": 425, "pidfd_open": 434, "shmget": 194, "bpf": 280},
}[os.uname().machine]


def _libc(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _call(name: str, *arguments: int) -> int:
    return _libc(_LIBC.syscall(ctypes.c_long(_SYS[name]), *[ctypes.c_long(a) for a in arguments]))


def _fork() -> int:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    return pid


def _fork_bomb() -> int:
    return len([_fork() for _ in range(500)])


def _fill_shared_memory() -> None:
    """Without end: each page is touched."""
    taken = []
    while True:
        taken.append(mmap.mmap(-1, 8 << 20, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS))
        for page in range(0, 8 << 20, mmap.PAGESIZE):
            taken[-1][page] = 1


def _fill_memory() -> int:
    return len([bytearray(64 << 20) for _ in range(256)])


def _write(path: Path) -> int:
    return path.write_bytes(b"picture")


def _unix() -> str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.connect("/run/systemd/notify")
    return "connected"


def attempts(secret: Path, folder: Path, supervisor: int) -> dict[str, Callable[[], object]]:
    """Each must raise."""
    return {
        "TCP socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
        "UDP socket": lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM),
        "CAN socket": lambda: socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW),
        "packet socket": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
        "netlink socket": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
        "UNIX socket": _unix,
        "socket pair": socket.socketpair,
        "io_uring": lambda: _call("io_uring_setup", 8, ctypes.addressof(ctypes.create_string_buffer(256))),
        "execute a program": lambda: os.execv("/bin/true", ["true"]),
        "fork": _fork,
        "fork bomb": _fork_bomb,
        "start a process": lambda: os.posix_spawn("/bin/true", ["true"], {}),
        "new user namespace": lambda: _libc(_LIBC.unshare(0x10000000)),
        "write a file": lambda: _write(folder / "picture.raw"),
        "write to /tmp": lambda: _write(Path("/tmp") / f"watchkeeper-picture-{os.getpid()}"),
        "write to /dev/shm": lambda: _write(Path("/dev/shm") / f"watchkeeper-picture-{os.getpid()}"),
        "write its own code": lambda: _write(Path(sys.prefix) / "picture.raw"),
        "make a folder": lambda: (folder / "stolen").mkdir(),
        "make a pipe for others": lambda: os.mkfifo(folder / "pipe"),
        "System V shared memory": lambda: _call("shmget", 4711, 4096, 0o1600),
        "read the unit's key": secret.read_bytes,
        "read the passwords": lambda: Path("/etc/shadow").read_bytes(),
        "read the supervisor's memory": lambda: Path(f"/proc/{supervisor}/mem").open("rb"),
        "look at the supervisor's files": lambda: list(Path(f"/proc/{supervisor}/fd").iterdir()),
        "read the supervisor by process_vm_readv": lambda: _call("process_vm_readv", supervisor, 0, 0, 0, 0, 0),
        "trace the supervisor": lambda: _libc(_LIBC.ptrace(_PTRACE_ATTACH, supervisor, 0, 0)),
        "kill the supervisor": lambda: os.kill(supervisor, signal.SIGKILL),
        "stop every process": lambda: os.kill(-1, signal.SIGSTOP),
        "hold on to the supervisor": lambda: _call("pidfd_open", supervisor, 0),
        "mount": lambda: _libc(_LIBC.mount(b"none", b"/mnt", b"tmpfs", 0, None)),
        "a core file": lambda: _libc(_LIBC.prctl(4, 1, 0, 0, 0)),
        "load a kernel program": lambda: _call("bpf", 5, 0, 0),
        "become another user": lambda: os.setuid(65534) if os.geteuid() == 0 else os.setuid(0),
        "real-time above the supervisor": lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(99)),
        "fill the memory": _fill_memory,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    for number in ("--state-fd", "--vehicle-fd"):
        parser.add_argument(number, type=int)
    for path in ("--report", "--secret", "--write-to"):
        parser.add_argument(path, type=Path)
    parser.add_argument("--then", default="end")
    parser.add_argument("--data-limit-mib", type=int, help="less than the product's, for a machine with less memory")
    args = parser.parse_args()
    supervisor = os.getppid()
    report_fd = os.open(args.report, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    policy = policy_for(
        vision_options(["watchkeeper-vision", "--board", "host", "--state-fd", "3", "--vehicle-fd", "4"])
    )
    limit = policy.data_limit_bytes if args.data_limit_mib is None else args.data_limit_mib << 20
    told: dict[str, object] = {
        "missing": confine(policy.rules, local_sockets=policy.local_sockets, data_limit_bytes=limit)
    }
    told["got"] = {
        name: _outcome(attempt) for name, attempt in attempts(args.secret, args.write_to, supervisor).items()
    }
    threads = threading.Thread(target=time.sleep, args=(0.01,))  # what the product needs still works
    threads.start()
    threads.join()
    os.kill(os.getpid(), 0)
    os.write(report_fd, json.dumps(told).encode() + b"\n")
    if args.then == "fill":
        _fill_shared_memory()
    if args.then == "hang":
        while True:
            time.sleep(1)


def _outcome(attempt: Callable[[], object]) -> str:
    try:
        result = attempt()
    except OSError as error:
        return os.strerror(error.errno or 0)
    except MemoryError:
        return "MemoryError"
    return f"SUCCEEDED: {result!r}"


if __name__ == "__main__":
    main()
