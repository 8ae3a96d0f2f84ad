"""Which troubles have a code, after how long they count, and what their code says.

A code is two bytes of SAE J2012-DA and one failure type byte. B1Axx-yy: body, chosen by the maker; xx is the number of
the Cause on the bus. U0xxx-yy: network, as in the standard. What is ordinary life (starting, learning, no face, eyes
hidden, night, low sun) has a Cause on the bus and no trouble code.
"""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.clock import NS_PER_MS, NS_PER_S
from watchkeeper.types import Cause

BUS_OFF, BUS_STUCK, STATE_LOST = "bus-off", "bus-stuck", "state-lost"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One trouble. name: a Cause or a text of this file. fail_ns, pass_ns: how long it must have been there, or away,
    without a break before the test counts as failed, or passed. tell_tale: it takes the system away from the driver."""

    name: Cause | str
    code: int
    text: str
    fail_ns: int
    pass_ns: int
    tell_tale: bool

    @property
    def label(self) -> str:
        """`B1A04-31`, as printed by a tester."""
        letter = "PCBU"[self.code >> 22]
        return f"{letter}{self.code >> 20 & 3}{self.code >> 8 & 0xFFF:03X}-{self.code & 0xFF:02X}"


def _of(cause: Cause, failure_type: int, text: str, fail_ms: int, tell_tale: bool) -> Trouble:
    code = 0x9A0000 | cause << 8 | failure_type
    return Trouble(cause, code, text, fail_ms * NS_PER_MS, 2 * NS_PER_S, tell_tale)


# failure types: 0x31 no signal, 0x45 program memory, 0x46 parameter memory, 0x47 watchdog, 0x49 internal, 0x08 bus,
# 0x56 configuration, 0x62 signal compare, 0x87 missing message, 0x88 bus off, 0x92 performance, 0x97 obstructed,
# 0x98 over temperature, 0x16 voltage below threshold
TROUBLES: tuple[Trouble, ...] = (
    _of(Cause.CAMERA_LOST, 0x31, "camera gives no picture", 0, True),
    _of(Cause.CAMERA_FROZEN, 0x62, "camera gives the same picture again and again", 0, True),
    _of(Cause.CAMERA_COVERED, 0x97, "camera is covered", 10_000, True),
    _of(Cause.STALE_VISION, 0x92, "newest judged picture is too old", 0, True),
    _of(Cause.VISION_RESTARTING, 0x47, "vision had to be started again", 0, True),
    _of(Cause.OVERRUN, 0x92, "pictures are judged later than the budget", 5_000, False),
    _of(Cause.OVER_TEMPERATURE, 0x98, "processor slowed down by heat", 2_000, False),
    _of(Cause.UNDER_VOLTAGE, 0x16, "supply too low", 500, False),
    _of(Cause.SPEED_MISSING, 0x87, "no valid vehicle speed", 2_000, False),
    _of(Cause.MODEL_INVALID, 0x45, "a model is missing or not what it should be", 0, True),
    _of(Cause.CONFIG_INVALID, 0x56, "configuration is invalid", 0, True),
    _of(Cause.INTERNAL_ERROR, 0x49, "defect inside the unit", 0, True),
    Trouble(BUS_OFF, 0xC07388, "CAN controller went bus-off", 0, 2 * NS_PER_S, False),
    Trouble(BUS_STUCK, 0xC00108, "nothing could be sent for half a second", 0, 2 * NS_PER_S, False),
    Trouble(STATE_LOST, 0x9A4046, "kept diagnostic state was damaged", 0, 2 * NS_PER_S, False),
)
BY_CODE = {trouble.code: trouble for trouble in TROUBLES}
BY_NAME: dict[Cause | str, Trouble] = {trouble.name: trouble for trouble in TROUBLES}
