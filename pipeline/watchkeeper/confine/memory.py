"""What of this process's memory another could come by later: core files, and what the C library has been given back."""

from __future__ import annotations

import ctypes
from pathlib import Path

_M_PERTURB = -6  # <malloc.h> of glibc; mallopt(3)
_FREED = 0xFF  # what is freed becomes this byte, what is handed out its complement: zeros


def keep_out_of_core_files() -> None:
    """No mapping of this process, nor of those it starts, goes into a core file (core(5)). One that is refused the file
    is still kept from it by RLIMIT_CORE and by not being dumpable."""
    try:
        Path("/proc/self/coredump_filter").write_text("0", encoding="ascii")
    except OSError:
        return


def overwrite_freed() -> str | None:
    """From now on `free` overwrites what it is given: pictures that a decoder or an engine has no use for any more.

    Of glibc, and of pieces above 1 KiB: smaller ones wait in a cache of the thread as they are. Large ones are not
    overwritten but unmapped. What was not possible, in words.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None or mallopt(_M_PERTURB, _FREED) != 1:
        return "freed memory: this C library does not overwrite it"
    return None
