"""Vision's recorder, kept where its end cannot take it along: the memory is the supervisor's, the rows are vision's.

The supervisor knows nothing of what is in it. It hands on the descriptor and, when vision has ended unasked, has the
bytes copied to a file by a process of their own, so that no slot of the bus waits for a disk.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path

from watchkeeper.supervisor.realtime import say

MOST = 8
"""Files one supervisor writes: with 1 MiB each at most 8 MiB."""
_COPY = 'cat <"$1" >"$2" && mv "$2" "$3"'  # whole or not at all


class BlackBox:
    """`path`: what `--trace-out` names; drive.ring -> drive.failed-1.ring ... drive.failed-8.ring beside it."""

    def __init__(self, path: Path) -> None:
        """Raises OSError when there is no memory for it."""
        self._path = path
        self._made = 0
        self._copying: subprocess.Popen[bytes] | None = None
        self.fd = os.memfd_create("watchkeeper-ring", os.MFD_CLOEXEC)

    def save(self) -> None:
        """Copy what is in it now to the next file. Returns at once; does nothing after the eighth, while a copy is
        under way, and before anything was written."""
        if self._made >= MOST or self._busy() or os.fstat(self.fd).st_size == 0:
            return
        self._made += 1
        out = self._path.with_name(f"{self._path.stem}.failed-{self._made}{self._path.suffix}")
        part = out.with_name(f".{out.name}.part")
        try:
            self._copying = subprocess.Popen(
                ["/bin/sh", "-c", _COPY, "sh", f"/proc/self/fd/{self.fd}", str(part), str(out)],
                pass_fds=(self.fd,), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            with contextlib.suppress(OSError):  # not permitted: then it was not raised either; or ended already
                os.sched_setscheduler(self._copying.pid, os.SCHED_OTHER, os.sched_param(0))
        except OSError as error:
            say(f"vision's recorder cannot be saved: {error}")
            return
        say(f"vision's last frames are in {out}")

    def close(self) -> None:
        """Let a copy come to its end (a second at most) and the memory go."""
        if self._copying is not None:
            try:
                self._copying.wait(1.0)
            except subprocess.TimeoutExpired:
                self._copying.kill()
                self._copying.wait()
        os.close(self.fd)

    def _busy(self) -> bool:
        if self._copying is not None and self._copying.poll() is not None:
            self._copying = None
        return self._copying is not None
