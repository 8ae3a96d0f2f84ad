"""Noticing on the sender's side that the bus was away and is back (Cause BusRecovered)."""

from __future__ import annotations

from watchkeeper.clock import NS_PER_MS, NS_PER_S

AWAY_AFTER_NS = 500 * NS_PER_MS
"""Nothing sent for this long: ten cycles of 50 ms, after which receivers have timed out."""
SHOWN_FOR_NS = 2 * NS_PER_S
"""How long BusRecovered is shown: two of the slowest cycle."""


class BusWatch:
    """Call once a slot, after its frames."""

    def __init__(self) -> None:
        self._last_sent_ns: int | None = None
        self._bus_off_count = 0
        self._recovered_ns: int | None = None
        self._was_off = False

    def step(self, sent: bool, bus_off_count: int, t_ns: int) -> None:
        """sent: a frame of this slot left. bus_off_count: bus-off events so far."""
        self._was_off = self._was_off or bus_off_count > self._bus_off_count
        self._bus_off_count = bus_off_count
        if not sent:
            return
        away = self._last_sent_ns is not None and t_ns - self._last_sent_ns > AWAY_AFTER_NS
        if away or self._was_off:
            self._recovered_ns, self._was_off = t_ns, False
        self._last_sent_ns = t_ns

    def recovered(self, t_ns: int) -> bool:
        """Whether the bus came back within the last SHOWN_FOR_NS."""
        return self._recovered_ns is not None and t_ns - self._recovered_ns < SHOWN_FOR_NS
