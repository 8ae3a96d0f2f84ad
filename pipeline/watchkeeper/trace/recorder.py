"""One frame's stages as they end, written to the ring; the caller says only that a stage is over.

The stages of a frame have no gap between them, so their sum is the frame's time from exposure to publication.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from watchkeeper.clock import now_ns
from watchkeeper.trace.ring import Ring
from watchkeeper.trace.rows import Counter, Drop, Kind, Task

_SENDS_AWAITED = 64
_UNLIMITED_NS = 1 << 62
_NOTHING = [0] * (Kind.PUBLISH + 1)


class Recorder:
    """For one thread. ring: where to. clock: nanoseconds on CLOCK_MONOTONIC. bus_ns: limit from exposure to bus."""

    def __init__(self, ring: Ring, clock: Callable[[], int] = now_ns, *, bus_ns: int = _UNLIMITED_NS) -> None:
        self._ring, self._clock, self._bus_ns = ring, clock, bus_ns
        self._seq = -1
        self._last_ns = self._exposure_ns = 0
        self._published: deque[tuple[int, int, int]] = deque(maxlen=_SENDS_AWAITED)  # exposure, seq, published
        self._sent_ns = self._echo_ns = 0
        self.took_ns = list(_NOTHING)
        """What each stage took of the present frame, by Kind."""
        self.drops = dict.fromkeys(Drop, 0)
        self.bus_late = 0
        """Pictures whose result was on its way to the bus only after the limit."""

    def start(self, pid: int) -> None:
        """A vision process begins."""
        t_ns = self._clock()
        self._ring.write(-1, t_ns, t_ns, Kind.START, 0, pid)

    def begin(self, seq: int, exposure_ns: int, dequeued_ns: int, taken_ns: int) -> None:
        """A frame was taken. dequeued_ns: when the source handed it over; 0 where that is not known."""
        self._seq, self._exposure_ns, self._last_ns = seq, exposure_ns, exposure_ns
        self.took_ns[:] = _NOTHING
        # a source whose stamps run ahead must not make a stage of negative length
        self._stage(Kind.DEQUEUE, 0, min(max(dequeued_ns, exposure_ns), max(taken_ns, exposure_ns)))
        self._stage(Kind.QUEUE, 0, max(taken_ns, self._last_ns))

    def mark(self, kind: Kind, detail: int = 0) -> int:
        """The stage `kind` is over; the next begins now. Returns now."""
        t_ns = self._clock()
        self._stage(kind, detail, t_ns)
        return t_ns

    def finish(self, *, late: bool, rung: int) -> None:
        """The frame was published at the last mark."""
        self._ring.write(self._seq, self._exposure_ns, self._last_ns, Kind.FRAME, late, rung)
        self._published.append((self._exposure_ns, self._seq, self._last_ns))

    def drop(self, cause: Drop, count: int = 1, seq: int = -1) -> None:
        """Frames that will not be judged."""
        t_ns = self._clock()
        self.drops[cause] += count
        self._ring.write(seq, t_ns, t_ns, Kind.DROP, cause, count)

    def skip(self, task: Task) -> None:
        """Work left out of the present frame."""
        t_ns = self._clock()
        self._ring.write(self._seq, t_ns, t_ns, Kind.SKIP, task, 0)

    def beside(self, kind: Kind, began_ns: int) -> None:
        """Work on the present frame outside its stages, from began_ns until now."""
        self._ring.write(self._seq, began_ns, max(self._clock(), began_ns), kind)

    def over(self, kind: int, by_ns: int) -> None:
        """A stage of the present frame took `by_ns` more than its share."""
        self._ring.write(self._seq, self._last_ns, self._last_ns, Kind.OVER, kind, min(by_ns // 1000, 2**31 - 1))

    def count(self, counter: Counter, value: int) -> None:
        """A reading; cut to 32 bits."""
        t_ns = self._clock()
        self._ring.write(-1, t_ns, t_ns, Kind.COUNTER, counter, max(-(2**31), min(2**31 - 1, value)))

    def sent(self, exposure_ns: int, sent_ns: int, echo_ns: int = 0) -> None:
        """The supervisor sent what was made of the picture of `exposure_ns`, and heard it back from the bus at
        `echo_ns` (0: not yet, or never); said again, each is taken once."""
        if sent_ns <= self._sent_ns and echo_ns <= self._echo_ns:
            return
        for exposed_ns, seq, published_ns in self._published:
            if exposed_ns == exposure_ns and sent_ns >= published_ns:
                if sent_ns > self._sent_ns:
                    late = sent_ns - exposure_ns > self._bus_ns
                    self.bus_late += late
                    self._ring.write(seq, published_ns, sent_ns, Kind.SEND, late)
                if echo_ns > self._echo_ns and echo_ns >= sent_ns:
                    self._ring.write(seq, sent_ns, echo_ns, Kind.ECHO)
                break
        self._sent_ns, self._echo_ns = max(self._sent_ns, sent_ns), max(self._echo_ns, echo_ns)

    def _stage(self, kind: Kind, detail: int, end_ns: int) -> None:
        end_ns = max(end_ns, self._last_ns)
        self._ring.write(self._seq, self._last_ns, end_ns, kind, detail)
        self.took_ns[kind] += end_ns - self._last_ns
        self._last_ns = end_ns
