"""Processes that do nothing but compute, for benches on a busy machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from watchkeeper.supervisor.vision_process import set_death_signal


@contextmanager
def busy(cores: Collection[int]) -> Iterator[None]:
    """One on each of these cores, bound to it, at ordinary priority; they end with us, however we end."""

    command = [sys.executable, "-c", "while True: pass"]
    load = []
    for core in cores:
        process = subprocess.Popen(command, preexec_fn=lambda: set_death_signal(signal.SIGKILL))
        os.sched_setaffinity(process.pid, {core})
        load.append(process)
    try:
        yield
    finally:
        for process in load:
            process.kill()
            process.wait()
