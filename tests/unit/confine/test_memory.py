"""Freed memory is overwritten, and no mapping goes into a core file. In a process of its own: both are for good."""

from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = """
import ctypes, json
from pathlib import Path
from watchkeeper.confine import memory
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes, libc.free.argtypes = (ctypes.c_size_t,), (ctypes.c_void_p,)
def left(size):
    block, stop = libc.malloc(size), libc.malloc(size)  # the second one keeps the first from going back to the kernel
    ctypes.memset(block, 65, size)
    libc.free(block)
    return ctypes.string_at(block, size).count(b"A")
before = left(60000)
problem = memory.overwrite_freed()
memory.keep_out_of_core_files()
print(json.dumps([before, problem, left(60000), Path("/proc/self/coredump_filter").read_text().strip()]))
"""


def test_what_is_freed_is_overwritten_and_dumped_nowhere() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    before, problem, after, dumped = json.loads(done.stdout)
    assert before > 50000, "this C library overwrites by itself: the test shows nothing"
    assert problem is None
    assert after == 0
    assert int(dumped, 16) == 0
