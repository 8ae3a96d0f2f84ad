"""`watchkeeper run` as a child of a bench: what it says on the bus, and what its processes hold."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from watchkeeper.clock import now_ns
from watchkeeper.errors import CheckFailedError
from watchkeeper.supervisor.candump import LoggedFrame, parse_line
from watchkeeper.supervisor.layout import unpack
from watchkeeper.supervisor.spec import DEFAULT_BASE_ID, MESSAGES

_STOP_WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class RunningChild:
    """started_ns: just before the process was made. log: what it sent, in candump's form, line by line."""

    process: subprocess.Popen[bytes]
    started_ns: int
    log: Path

    def sent(self) -> Iterator[LoggedFrame]:
        """Every frame on the bus so far, oldest first."""
        for line in self.log.read_text(encoding="ascii").splitlines() if self.log.exists() else ():
            yield parse_line(line)

    def pids(self) -> dict[str, int]:
        """`run`, `supervisor` and `vision` as far as they are there."""
        found = {"run": self.process.pid}
        for child in _children(self.process.pid):
            found["supervisor"] = child
            for grandchild in _children(child):
                found["vision"] = grandchild
        return found


@contextmanager
def running(options: list[str]) -> Iterator[RunningChild]:
    """`watchkeeper run` with `options` on a virtual bus of its own; ended in order. Raises CheckFailedError when it had
    ended by itself with an error."""
    with tempfile.TemporaryDirectory(prefix="watchkeeper-bench-") as folder:
        log = Path(folder) / "can.log"
        command = [
            sys.executable, "-m", "watchkeeper", "run", "--can", f"virtual:bench-{os.getpid()}", "--can-log", str(log),
            *options,
        ]  # fmt: skip
        started_ns = now_ns()
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            try:
                yield RunningChild(process, started_ns, log)
            finally:
                failed = process.poll()
                process.terminate()
                try:
                    process.wait(_STOP_WAIT_S)
                except subprocess.TimeoutExpired:
                    process.kill()
        if failed:
            raise CheckFailedError(f"watchkeeper run ended with exit status {failed}; run it by hand to see why")


def signals_of(frame: LoggedFrame, message: str) -> dict[str, float | None] | None:
    """Signals of the frame if it is `message`, else None."""
    wanted = MESSAGES[message]
    return unpack(wanted, frame.frame.data) if frame.frame.id == wanted.frame_id(DEFAULT_BASE_ID) else None


def _children(pid: int) -> list[int]:
    try:
        return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
