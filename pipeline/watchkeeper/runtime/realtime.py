"""What the kernel grants vision for its deadlines, and garbage collection kept out of the frames. Linux only."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import resource
from collections.abc import Callable, Collection

from watchkeeper.clock import NS_PER_MS, now_ns

PRIORITY = 20
"""SCHED_FIFO; under the supervisor's 50: vision may never hold up the bus."""
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4  # <sys/mman.h>
_COLLECT_ABOVE = 2_000  # objects made since the last collection


def pin(cpus: Collection[int]) -> list[str]:
    """Run on these cores only; none: wherever the scheduler likes. Call it before engines make their threads.

    Returns what was not possible, in words."""
    try:
        if cpus:
            os.sched_setaffinity(0, cpus)
    except OSError as error:
        return [f"processors {sorted(cpus)} ({error.strerror})"]
    return []


def become_realtime(priority: int = PRIORITY) -> list[str]:
    """First-in-first-out scheduling, memory locked as it is touched.

    Call it before engines make their threads, which inherit it. ONFAULT: what a library maps and never uses stays out
    of memory. Returns what was not permitted, in words; the process works without, only with more jitter.
    """
    missing = []
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
    except OSError as error:
        missing.append(f"real-time scheduling ({error.strerror}; needs CAP_SYS_NICE or an rtprio limit)")
    libc = ctypes.CDLL(None, use_errno=True)
    unlimited = _unlimited_locking()
    if not unlimited or libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) != 0:
        why = os.strerror(ctypes.get_errno()) if unlimited else "limited by RLIMIT_MEMLOCK"
        missing.append(f"locked memory ({why}; needs CAP_IPC_LOCK or no memlock limit)")
    return missing


def _unlimited_locking() -> bool:
    """Whether all memory to come may be locked: by the limit, raised here where permitted, or by the capability."""
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY or os.geteuid() == 0


class SlackCollector:
    """Python's cyclic garbage, collected only while no frame is due. The automatic collection is switched off.

    `step` with the time that is left until the next frame; collects where the longest collection so far fits, and
    whatever the time once so much is waiting that the next one would be long. Returns ns spent, 0 for nothing done.
    """

    def __init__(self, clock: Callable[[], int] = now_ns) -> None:
        gc.collect()
        gc.freeze()  # what is loaded now stays; collections need not walk it
        gc.disable()
        self._clock = clock
        self._longest_ns = 2 * NS_PER_MS

    def step(self, slack_ns: int) -> int:
        waiting = gc.get_count()[0]
        if waiting < _COLLECT_ABOVE or (slack_ns < self._longest_ns and waiting < 50 * _COLLECT_ABOVE):
            return 0
        began_ns = self._clock()
        gc.collect()
        took_ns = self._clock() - began_ns
        self._longest_ns = max(took_ns, self._longest_ns - self._longest_ns // 16)
        return took_ns

    def close(self) -> None:
        """As Python starts."""
        gc.enable()
        gc.unfreeze()


def major_faults() -> int:
    """Page faults that had to wait for a disk, of this process since it began."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_majflt
