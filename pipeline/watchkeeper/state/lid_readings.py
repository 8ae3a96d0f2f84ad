"""How a driver's open and closed eyes read, without and with glasses, told from his blinks."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.state import limits
from watchkeeper.state.histogram import TimeHistogram

_BLINK_NS, _SPAN_NS = limits.BLINK.ns, limits.SAMPLE_SPAN_MAX.ns
_ENOUGH_NS, _FIRST_NS = limits.CALIBRATION_TIME.ns, limits.BASELINE_FIRST.ns
_DIP, _DIP_MAX = limits.BLINK_BEGINS.value, limits.CLOSED_READING_MAX.value
_NEEDED, _KEPT = int(limits.BLINKS_NEEDED.value), int(limits.BLINKS_KEPT.value)
_DEEP = limits.CLOSED_READING_QUANTILE.value
_SHALLOW = int(limits.BLINKS_NEEDED_SHALLOW.value)
_AGAIN = int(limits.BLINKS_NEEDED_AGAIN.value)
_SAME = limits.CLOSED_READING_SAME.value
_OPEN_MIN, _OPEN_MAX = limits.OPEN_READING_MIN.value, limits.OPEN_READING_MAX.value
_USUAL = limits.CLOSED_READING_USUAL.value


@dataclass(frozen=True, slots=True)
class LidReading:
    """What `Eye.open` shows for this driver: `open` with lids open, `closed` with lids shut; None while not known."""

    open: float | None = None
    closed: float | None = None


class _State:
    """One of the two: with or without glasses. Frozen in each half once enough of it was seen."""

    __slots__ = ("closed", "open", "opening", "seen")

    def __init__(self, known: LidReading | None = None) -> None:
        self.opening = TimeHistogram(0.0, _OPEN_MAX)
        self.open = known.open if known is not None else None
        self.closed = known.closed if known is not None else None
        # a reading that was handed in is known, and not learned again
        self.seen: list[float] = [self.closed] * _KEPT if self.closed is not None else []
        if self.open is not None:
            self.opening.add(self.open, _ENOUGH_NS)

    def learn_open(self, opening: float, dt_ns: int) -> None:
        if self.opening.weight_ns < _ENOUGH_NS:
            self.opening.add(opening, dt_ns)
            if self.opening.weight_ns >= _FIRST_NS:
                self.open = self.opening.median()

    def learn_closed(self, lowest: float) -> None:
        if len(self.seen) < _KEPT:
            self.seen.append(lowest)
            if len(self.seen) >= _NEEDED:
                # A low quantile: cameras miss the bottom of many blinks, none shows lids lower than shut.
                self.closed = sorted(self.seen)[int(_DEEP * len(self.seen))]


class LidReadings:
    """Two pairs of readings, and which of them holds.

    The lowest reading of each blink is a closed reading. When some blinks in a row agree with each other and not with
    the present pair, something was put in front of the eyes or taken away: then the other pair holds from now on, if it
    fits, and is learned anew if not. Closures longer than a blink teach nothing: they may be sleep.
    """

    __slots__ = ("_dip_ns", "_last_ns", "_lowest", "_odd", "_spoilt", "_states", "present")

    def __init__(self, known: tuple[LidReading, LidReading] = (LidReading(), LidReading()), present: int = 0) -> None:
        self._states = [_State(known[0]), _State(known[1])]
        self.present = present
        self._odd: list[float] = []  # closed readings that do not fit the present pair
        self._dip_ns: int | None = None
        self._last_ns: int | None = None
        self._lowest = 0.0
        self._spoilt = False

    @property
    def known(self) -> tuple[LidReading, LidReading]:
        """Both pairs."""
        first, second = self._states
        return LidReading(first.open, first.closed), LidReading(second.open, second.closed)

    @property
    def is_blink(self) -> bool:
        """The lids are on their way down, shut, or on their way up."""
        return self._dip_ns is not None

    @property
    def open(self) -> float:
        """The open reading that holds now, within bounds; 1 (the measurement's own idea of open) while not known."""
        opening = self._states[self.present].open
        return 1.0 if opening is None else min(max(opening, _OPEN_MIN), _OPEN_MAX)

    def threshold(self, share: float) -> float:
        """The reading at which lids are `share` (0 shut .. 1 open) open. Never below `share` itself: what is learned
        makes the judgement stricter, at most as far as `limits.CLOSED_READING_MAX` allows, and never laxer."""
        closed = self._states[self.present].closed
        if closed is None or closed <= _USUAL:
            return share
        return max(share, closed + share * (self.open - closed))

    def step(self, opening: float | None, blinks_count: bool, t_ns: int) -> None:
        """opening: of the more open eye, None when not seen. blinks_count: a blink now is an attentive driver's."""
        last_ns, self._last_ns = self._last_ns, t_ns
        if opening is None or (last_ns is not None and t_ns - last_ns > _SPAN_NS):
            self._dip_ns = None  # its bottom may have been missed, or it was no blink
            self._spoilt = True
        if opening is None:
            return
        if opening >= _DIP * self.open:
            if self._dip_ns is not None and not self._spoilt and blinks_count and t_ns - self._dip_ns <= _BLINK_NS:
                self._blinked(self._lowest)
            self._dip_ns, self._spoilt = None, False
        elif self._dip_ns is None:
            self._dip_ns, self._lowest = t_ns, opening
        else:
            self._lowest = min(self._lowest, opening)

    def learn_open(self, opening: float, dt_ns: int) -> None:
        """An attentive driver's open eyes read `opening` for `dt_ns`."""
        if opening >= _OPEN_MIN and not self._odd:
            self._states[self.present].learn_open(opening, dt_ns)

    def _blinked(self, lowest: float) -> None:
        if lowest > _DIP_MAX:
            return  # not shut, or more than anything in front of the eyes explains
        state = self._states[self.present]
        if state.closed is None or abs(lowest - state.closed) <= _SAME:
            self._odd = []
            state.learn_closed(lowest)
            return
        self._odd = [value for value in self._odd if abs(value - lowest) <= _SAME]
        self._odd.append(lowest)
        other = self._states[1 - self.present].closed
        fits_other = other is not None and abs(lowest - other) <= _SAME
        needed = _NEEDED
        if lowest > state.closed and not fits_other:
            needed = _SHALLOW
        elif lowest < state.closed and fits_other:
            needed = _AGAIN
        if len(self._odd) >= needed:
            self._change(self._odd)
            self._odd = []

    def _change(self, readings: list[float]) -> None:
        middle = sorted(readings)[len(readings) // 2]
        self.present = 1 - self.present
        state = self._states[self.present]
        if state.closed is None or abs(state.closed - middle) > _SAME:
            state = self._states[self.present] = _State()
            for value in readings:
                state.learn_closed(value)
