"""What the kernel lets a process do for its deadlines, and messages that cannot hold it up. Linux only."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import resource
import select
from collections.abc import Collection

_PRIORITY = 50  # above ordinary threads, below the kernel's own interrupt threads' usual 50+ on PREEMPT_RT
_MCL_CURRENT, _MCL_FUTURE = 1, 2  # <sys/mman.h>
_STDERR = 2


def become_realtime(cpus: Collection[int] = ()) -> list[str]:
    """Affinity (empty: as it is), first-in-first-out scheduling, memory locked, garbage of the start-up never looked at
    again.

    Returns what was not permitted, in words; the process works without, only with more jitter. A child inherits the
    scheduling and the cores (vision_process.py gives them back), not the locked memory.
    """
    missing = []
    if cpus:
        try:
            os.sched_setaffinity(0, cpus)
        except OSError as error:
            missing.append(f"processors {sorted(cpus)} ({error.strerror})")
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    except OSError as error:
        missing.append(f"real-time scheduling ({error.strerror}; needs CAP_SYS_NICE or an rtprio limit)")
    libc = ctypes.CDLL(None, use_errno=True)
    # With a limit, later allocations would fail at it if they were to be locked too.
    unlimited = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY or os.geteuid() == 0
    if libc.mlockall(_MCL_CURRENT | (_MCL_FUTURE if unlimited else 0)) != 0:
        reason = os.strerror(ctypes.get_errno())
        missing.append(f"locked memory ({reason}; needs CAP_IPC_LOCK or a memlock limit)")
    gc.collect()
    gc.freeze()
    return missing


def say(text: str) -> None:
    """One line on stderr, dropped where it would have to wait: a full pipe or a stopped terminal must not stop us."""
    line = f"watchkeeper-supervisor: {text}\n".encode(errors="replace")[: select.PIPE_BUF]
    with contextlib.suppress(OSError):
        poll = select.poll()
        poll.register(_STDERR, select.POLLOUT)
        if any(event & select.POLLOUT for _, event in poll.poll(0)):
            os.write(_STDERR, line)
