"""Commissioning (`watchkeeper aim`): only while the vehicle is known to stand, and not for longer than was asked. Pure.

Vision is not even started before the bus has said that the vehicle stands. A speed above zero, or one that is not known
any more, ends the run with the next slot. The bus says Degraded / Calibrating, Calibration 0 % and no rule set (Profile
is not available), and warns of nothing: see core.py.
"""

from __future__ import annotations

from enum import Enum

from watchkeeper.clock import NS_PER_S

WAIT_NS = 3 * NS_PER_S
"""For the first word of the vehicle; VEH_Input comes 50 times a second."""
STANDS_BELOW_KPH = 0.01
"""One step of VEH_Input.Speed: what the contract can tell from zero moves. Either way, so also backwards."""
LIMIT_MAX_S = 3600.0
EXIT_NOT_STANDING = 1


class Ended(Enum):
    """Why a commissioning is over."""

    LIMIT = "its time is over"
    MOVES = "the vehicle moves"
    NOT_KNOWN = "no standstill known: no valid speed on the bus"

    @property
    def exit_status(self) -> int:
        """Of the run: the time being over is an end like any other."""
        return 0 if self is Ended.LIMIT else EXIT_NOT_STANDING


class Commissioning:
    """`step` once a slot, in order of time. standing: the vehicle stands, vision may be started and go on."""

    def __init__(self, limit_ns: int) -> None:
        """limit_ns: of standing, after which it ends by itself."""
        self._limit_ns = limit_ns
        self._begun_ns: int | None = None
        self._stood_ns: int | None = None
        self.ended: Ended | None = None

    @property
    def standing(self) -> bool:
        """Whether the camera may be looked through."""
        return self._stood_ns is not None and self.ended is None

    def step(self, speed_kph: float | None, t_ns: int) -> Ended | None:
        """speed_kph: the vehicle's, None while not known. Returns the reason in the one step that ends it."""
        if self.ended is not None:
            return None
        if self._begun_ns is None:
            self._begun_ns = t_ns
        if speed_kph is None:
            if self._stood_ns is not None or t_ns - self._begun_ns >= WAIT_NS:
                self.ended = Ended.NOT_KNOWN
        elif abs(speed_kph) >= STANDS_BELOW_KPH:
            self.ended = Ended.MOVES
        elif self._stood_ns is None:
            self._stood_ns = t_ns
        elif t_ns - self._stood_ns >= self._limit_ns:
            self.ended = Ended.LIMIT
        return self.ended
