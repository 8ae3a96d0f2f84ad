"""Writes the recorder's ring to disk from a thread of its own, a bounded number of times; no frame waits for it."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

from watchkeeper.clock import NS_PER_S, now_ns
from watchkeeper.errors import BadInputError
from watchkeeper.trace.ring import Ring

MOST = 8
"""Dumps for missed deadlines in one process: with 1 MiB each at most 8 MiB."""
APART_NS = 10 * NS_PER_S


class Dumper:
    """`path`: where the ring goes on request, on failure and at the end; a missed deadline's stands beside it.

    drive.ring -> drive.missed-1.ring ... drive.missed-8.ring. What cannot be written is dropped: `failures` counts.
    """

    def __init__(self, ring: Ring, path: Path) -> None:
        self._ring, self._path = ring, path
        self._wake = threading.Event()
        self._todo: list[Path] = []
        self._missed = 0
        self._last_ns = -APART_NS
        self._closed = False
        self.failures = 0
        self._thread = threading.Thread(target=self._work, name="dumps", daemon=True)
        self._thread.start()

    def missed(self) -> None:
        """A frame was late. Does nothing within 10 s of the last one, and after the eighth."""
        t_ns = now_ns()
        if self._missed < MOST and t_ns - self._last_ns >= APART_NS:
            self._missed += 1
            self._last_ns = t_ns
            self._todo.append(self._path.with_name(f"{self._path.stem}.missed-{self._missed}{self._path.suffix}"))
            self._wake.set()

    def request(self) -> None:
        """Write the ring as it is now. Safe in a signal handler."""
        self._todo.append(self._path)
        self._wake.set()

    def close(self) -> None:
        """Write the ring a last time and end."""
        self._closed = True
        self.request()
        self._thread.join(timeout=5.0)

    def _work(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            while self._todo:
                self._write(self._todo.pop(0))
            if self._closed:
                return

    def _write(self, path: Path) -> None:
        part = path.with_name(f".{path.name}.part")
        try:
            part.write_bytes(self._ring.snapshot())
            part.replace(path)
        except OSError:
            self.failures += 1


def open_dumper(path: Path | None, ring: Ring) -> Dumper | None:
    """Where the recorder's ring goes, None for nowhere. SIGUSR1 asks for it. Raises BadInputError naming the option."""
    if path is None:
        return None
    if not path.parent.is_dir():
        raise BadInputError(f"--trace-out {path}: expected an existing folder to write into")
    dumper = Dumper(ring, path)
    signal.signal(signal.SIGUSR1, lambda *_: dumper.request())
    return dumper
