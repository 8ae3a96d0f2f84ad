"""A sender judged frame by frame, as strictly as a bench may: repeats, skips, CRCs, and how far off its cycle. Pure.

`watch` says what a receiver would say, with a receiver's tolerance; here there is none.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from watchkeeper.clock import NS_PER_MS
from watchkeeper.supervisor import e2e
from watchkeeper.supervisor.frames import CanFrame, message_of
from watchkeeper.supervisor.spec import DEFAULT_BASE_ID, Message

# A gap that is off by more than this share of the cycle is no late frame any more but a burst or a missed slot.
OFF_CYCLE_PCT = 50.0


@dataclass(slots=True)
class SenderVerdict:
    """Counts of one message. deviations_pct: |gap - cycle| of every two frames in a row, in percent of the cycle."""

    message: Message
    n: int = 0
    repeats: int = 0
    skips: int = 0
    bad_crc: int = 0
    off_cycle: int = 0
    deviations_pct: list[float] = field(default_factory=list)
    _counter: int | None = None
    _last_ns: int | None = None

    def step(self, payload: bytes, t_ns: int) -> None:
        """Take in the next frame of this message."""
        self.n += 1
        if len(payload) != 8 or payload[0] != e2e.frame_crc(payload, self.message.data_ids):
            self.bad_crc += 1
        else:
            counter = payload[1] & 0x0F
            if self._counter is not None:
                delta = (counter - self._counter) % e2e.COUNTER_MODULO
                self.repeats += delta == 0
                self.skips += delta > 1
            self._counter = counter
        if self._last_ns is not None:
            cycle_ns = self.message.cycle_ms * NS_PER_MS
            deviation_pct = 100 * abs(t_ns - self._last_ns - cycle_ns) / cycle_ns
            self.deviations_pct.append(deviation_pct)
            self.off_cycle += deviation_pct > OFF_CYCLE_PCT
        self._last_ns = t_ns

    @property
    def faults(self) -> int:
        """Frames with anything wrong about them but lateness."""
        return self.repeats + self.skips + self.bad_crc


class SenderCheck:
    """All messages of a run. `foreign`: frames that are none of ours."""

    def __init__(self, base_id: int = DEFAULT_BASE_ID) -> None:
        self._base_id = base_id
        self.verdicts: dict[str, SenderVerdict] = {}
        self.foreign = 0

    def step(self, frame: CanFrame, t_ns: int) -> None:
        """Take in one frame."""
        message = message_of(frame.id, self._base_id)
        if message is None:
            self.foreign += 1
            return
        self.verdicts.setdefault(message.name, SenderVerdict(message)).step(frame.data, t_ns)

    @property
    def n(self) -> int:
        """Frames of ours seen."""
        return sum(verdict.n for verdict in self.verdicts.values())


def percentile(values: list[float], share: float) -> float:
    """The value that `share` (0..1) of `values` do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
