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

    drive.ring -> drive.missed-1.ring ... drive.missed-8.ring: the first eight, then always the eight worst. What cannot
    be written is dropped: `failures` counts. settled: misses that were written, or found milder than all that is kept.
    """

    def __init__(self, ring: Ring, path: Path) -> None:
        self._ring, self._path = ring, path
        self._wake = threading.Event()
        self._requested = self._closed = False
        self._late_ns = 0  # the worst since the last dump, 0 for none
        self._written: list[int] = []  # how late the worst frame of each dump was, ns
        self._due_ns = 0
        self.failures = self.settled = 0
        self._thread = threading.Thread(target=self._work, name="dumps", daemon=True)
        self._thread.start()

    def missed(self, late_ns: int) -> None:
        """A frame was late by so much. Written at once, or 10 s after the dump before; the ring holds it until then."""
        self._late_ns = max(self._late_ns, late_ns, 1)
        self._wake.set()

    def request(self) -> None:
        """Write the ring as it is now. Safe in a signal handler."""
        self._requested = True
        self._wake.set()

    def close(self) -> None:
        """Write the ring a last time and end."""
        self._closed = True
        self.request()
        self._thread.join(timeout=5.0)

    def _work(self) -> None:
        while True:
            left_ns = self._due_ns - now_ns()
            self._wake.wait(None if not self._late_ns else max(0, left_ns) / NS_PER_S)
            self._wake.clear()
            if self._requested:
                self._requested = False
                self._write(self._path)
            if self._late_ns and (self._closed or now_ns() >= self._due_ns):
                self._dump()
                self.settled += 1
            if self._closed:
                return

    def _dump(self) -> None:
        late_ns, self._late_ns = self._late_ns, 0
        self._due_ns = now_ns() + APART_NS
        place = len(self._written)
        if place == MOST:
            place = self._written.index(min(self._written))
            if late_ns <= self._written[place]:
                return
            self._written[place] = late_ns
        else:
            self._written.append(late_ns)
        self._write(self._path.with_name(f"{self._path.stem}.missed-{place + 1}{self._path.suffix}"))

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
