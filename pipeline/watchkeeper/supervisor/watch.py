"""Judging a sender from its frames alone, as a receiver sees it: CRC, counter, cycle time."""

from __future__ import annotations

from collections import deque
from statistics import median
from typing import TypedDict

from watchkeeper.clock import NS_PER_MS, NS_PER_S
from watchkeeper.supervisor import e2e, layout
from watchkeeper.supervisor.frames import CanFrame, message_of
from watchkeeper.supervisor.sender_check import percentile
from watchkeeper.supervisor.spec import (
    DEFAULT_BASE_ID,
    MESSAGES,
    TIMEOUT_CYCLES,
    TRANSMITTED,
    Message,
    check_base_id,
    dbc_hash,
)

# A median further off than this is another cycle time than the contract's.
CYCLE_TOLERANCE_PCT = 10.0
BIT_RATE = 500_000  # of the contract's bus
# For the median and the deviation only; a watch may run for days.
_GAPS_KEPT = 4096


class MessageSummary(TypedDict):
    """One message; cycle times and deviation are None below two frames. verdict: `ok` or what does not hold."""

    n: int
    crc_errors: int
    counter_errors: int
    cycle_ms_p50: float | None
    cycle_ms_max: float | None
    deviation_p99_pct: float | None
    verdict: str


def frame_bits(data_bytes: int) -> int:
    """Bits of a classic frame with an 11-bit identifier on the wire, intermission included, without stuff bits.

    Source: ISO 11898-1: 44 bits around the data and 3 of intermission.
    """
    return 47 + 8 * data_bytes


def worst_stuff_bits(data_bytes: int) -> int:
    """The most stuff bits such a frame can need: one for every 4 of its 34 + 8n stuffed bits after the first."""
    return (34 + 8 * data_bytes - 1) // 4


class BusLoad(TypedDict):
    """Share of the bus's time that frames take: without stuff bits, and with as many as there can be at worst."""

    bit_rate: int
    frames: int
    bits: int
    load_pct: float | None
    load_worst_pct: float | None


class MessageWatch:
    """One message's frames."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self.n = self.crc_errors = self.counter_errors = 0
        self.raws: dict[str, int] = {}  # of the newest frame whose CRC holds
        self._checker = e2e.Checker(message.data_ids, max_delta=1)
        self._gaps_ms: deque[float] = deque(maxlen=_GAPS_KEPT)
        self._longest_ms = 0.0
        self._last_ns: int | None = None

    def step(self, payload: bytes, t_ns: int) -> None:
        """Take in the next frame."""
        self.n += 1
        if self._last_ns is not None:
            gap_ms = (t_ns - self._last_ns) / NS_PER_MS
            self._gaps_ms.append(gap_ms)
            self._longest_ms = max(self._longest_ms, gap_ms)
        self._last_ns = t_ns
        verdict = self._checker.check(payload)
        if verdict is e2e.CheckState.WRONG_CRC:
            self.crc_errors += 1
            return
        self.counter_errors += verdict not in (e2e.CheckState.INITIAL, e2e.CheckState.OK)
        self.raws = layout.unpack_raw(self.message, payload)

    def summary(self, watched_ms: float) -> MessageSummary:
        """Counts and verdict after `watched_ms` of watching."""
        p50_ms = median(self._gaps_ms) if self._gaps_ms else None
        return {
            "n": self.n,
            "crc_errors": self.crc_errors,
            "counter_errors": self.counter_errors,
            "cycle_ms_p50": None if p50_ms is None else round(p50_ms, 3),
            "cycle_ms_max": None if p50_ms is None else round(self._longest_ms, 3),
            "deviation_p99_pct": self._deviation_p99_pct(),
            "verdict": "; ".join(self._problems(p50_ms, watched_ms)) or "ok",
        }

    def _deviation_p99_pct(self) -> float | None:
        """What 99 of 100 gaps are off the cycle by at most; as heard, so with the listener's own lateness in it."""
        if not self._gaps_ms:
            return None
        cycle_ms = self.message.cycle_ms
        return round(percentile([100 * abs(gap_ms - cycle_ms) / cycle_ms for gap_ms in self._gaps_ms], 0.99), 3)

    def _problems(self, p50_ms: float | None, watched_ms: float) -> list[str]:
        problems = []
        if self.crc_errors:
            problems.append(f"wrong CRC: {self.crc_errors}")
        if self.counter_errors:
            problems.append(f"counter jumps: {self.counter_errors}")
        if self.raws.get("DbcHash", 0) not in (0, dbc_hash()):  # 0: a sender that does not say
            problems.append(f"another contract: 0x{self.raws['DbcHash']:06X} instead of 0x{dbc_hash():06X}")
        cycle_ms = self.message.cycle_ms
        if self.n == 0 and (watched_ms == 0 or watched_ms > 2 * cycle_ms):
            problems.append("missing")
        if p50_ms is not None and abs(p50_ms - cycle_ms) > cycle_ms * CYCLE_TOLERANCE_PCT / 100:
            problems.append(f"cycle {p50_ms:.1f} ms instead of {cycle_ms} ms")
        if self._longest_ms > TIMEOUT_CYCLES * cycle_ms:
            problems.append(f"silent for {self._longest_ms:.0f} ms")
        return problems


class Watch:
    """All messages of a bus or a log. `foreign` counts frames that are not ours."""

    def __init__(self, base_id: int = DEFAULT_BASE_ID) -> None:
        self._base_id = check_base_id(base_id)
        self.messages = {name: MessageWatch(message) for name, message in MESSAGES.items()}
        self.foreign = 0
        self.frames = self._bits = self._worst_bits = 0
        self._first_bits = self._first_worst_bits = 0
        self._first_any_ns: int | None = None
        self._last_any_ns = 0
        self._first_ns: int | None = None
        self._last_ns = 0

    def step(self, frame: CanFrame, t_ns: int) -> None:
        """Take in one frame."""
        self._count(len(frame.data), t_ns)
        message = message_of(frame.id, self._base_id)
        if message is None:
            self.foreign += 1
            return
        if self._first_ns is None:
            self._first_ns = t_ns
        self._last_ns = t_ns
        self.messages[message.name].step(frame.data, t_ns)

    def _count(self, data_bytes: int, t_ns: int) -> None:
        if self._first_any_ns is None:
            self._first_any_ns = t_ns
        self.frames += 1
        self._last_any_ns = t_ns
        self._bits += frame_bits(data_bytes)
        self._worst_bits += frame_bits(data_bytes) + worst_stuff_bits(data_bytes)
        if self.frames == 1:
            self._first_bits, self._first_worst_bits = self._bits, self._worst_bits

    def load(self, bit_rate: int = BIT_RATE) -> BusLoad:
        """Of every frame heard, foreign ones too, from the first to the last (whose bits are the ones in between)."""
        seconds = 0.0 if self._first_any_ns is None else (self._last_any_ns - self._first_any_ns) / NS_PER_S
        loads = [
            round(100 * (bits - first) / (seconds * bit_rate), 2) if seconds > 0 else None
            for bits, first in ((self._bits, self._first_bits), (self._worst_bits, self._first_worst_bits))
        ]
        return {
            "bit_rate": bit_rate, "frames": self.frames, "bits": self._bits,
            "load_pct": loads[0], "load_worst_pct": loads[1],
        }  # fmt: skip

    def summary(self) -> dict[str, MessageSummary]:
        """Every message seen, and those of ours that should have been."""
        watched_ms = 0.0 if self._first_ns is None else (self._last_ns - self._first_ns) / NS_PER_MS
        ours = {message.name for message in TRANSMITTED}
        summaries = {name: watch.summary(watched_ms) for name, watch in self.messages.items()}
        return {
            name: summary
            for name, summary in summaries.items()
            if summary["n"] or (name in ours and summary["verdict"] != "ok")
        }
