"""The CAN contract as one table: messages, signals, value tables, cycles, protection.

Layout, encoder, DBC, test vectors and the watcher are all generated from `MESSAGES`; nothing about a signal is written
anywhere else. Classic CAN, 8 bytes, Intel byte order. Bits 0-7 are the CRC and bits 8-11 the counter of AUTOSAR E2E
profile 2; a message's own signals follow from bit 12 in the table's order without gaps, the rest is 0.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cache

from watchkeeper.errors import BadInputError
from watchkeeper.types import Cause, EyeState, GazeZone, Presence, SystemState
from watchkeeper.types import Warning as DriverWarning

DEFAULT_BASE_ID = 0x3A0
PAYLOAD_BYTES = 8
FIRST_SIGNAL_BIT = 12
MAX_STANDARD_ID = 0x7FF
# ISO-TP diagnostics use these (request, response, functional); no cyclic frame may sit on them.
DIAGNOSTIC_IDS = (0x7C0, 0x7C8, 0x7DF)

# Of the contract, not of the software: the first number steps when a receiver built for the contract before would be
# misled, the second when it merely misses something new (supervisor/spec_change.py tells which).
CONTRACT_VERSION = (1, 0)

# Receivers give a sender up after this many missed cycles (can.md; the convention of opendbc).
TIMEOUT_CYCLES = 10
# What the vehicle says is believed for this long.
VEHICLE_TIMEOUT_MS = 500

SENDER = "DMS"
VEHICLE = "VEH"


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal. physical = raw * scale + offset.

    low, high: the raw values that mean something (default: all the bits can hold, less the SNA code); an encoder
    saturates to them. sna: raw code for "not available", None where the signal always has a value. start: raw value
    before the first real one (default: sna, else 0). wraps: a rolling counter; only these are taken modulo.
    """

    name: str
    bits: int
    comment: str
    unit: str = ""
    scale: float = 1.0
    offset: float = 0.0
    signed: bool = False
    sna: int | None = None
    low: int | None = None
    high: int | None = None
    start: int | None = None
    wraps: bool = False
    values: Mapping[int, str] = field(default_factory=dict)

    @property
    def raw_low(self) -> int:
        """Smallest raw value that is a measurement."""
        if self.low is not None:
            return self.low
        if not self.signed:
            return 0
        lowest = -(1 << (self.bits - 1))
        return lowest + 1 if self.sna == lowest else lowest

    @property
    def raw_high(self) -> int:
        """Largest raw value that is a measurement."""
        if self.high is not None:
            return self.high
        highest = (1 << (self.bits - (1 if self.signed else 0))) - 1
        return highest - 1 if self.sna == highest else highest

    @property
    def raw_start(self) -> int:
        """Raw value sent before there is anything to say."""
        if self.start is not None:
            return self.start
        return self.sna if self.sna is not None else 0

    @property
    def labels(self) -> dict[int, str]:
        """The value table: the enum's names and `SNA` for the not-available code."""
        labels = dict(self.values)
        if self.sna is not None:
            labels.setdefault(self.sna, "SNA")
        return labels


@dataclass(frozen=True, slots=True)
class Message:
    """One cyclic 8-byte message at base identifier + id_offset. data_ids: the E2E profile 2 Data ID list."""

    name: str
    id_offset: int
    cycle_ms: int
    sender: str
    receiver: str
    comment: str
    data_ids: tuple[int, ...]
    signals: tuple[Signal, ...]

    @property
    def timeout_ms(self) -> int:
        """Without an accepted frame for this long, a receiver takes nothing in the message as available."""
        return self.cycle_ms * TIMEOUT_CYCLES if self.sender == SENDER else VEHICLE_TIMEOUT_MS

    def frame_id(self, base_id: int = DEFAULT_BASE_ID) -> int:
        """The 11-bit identifier."""
        return base_id + self.id_offset


def camel_labels(enum: type[IntEnum]) -> dict[int, str]:
    """Value table of an enum in the contract's spelling: LONG_DISTRACTION -> LongDistraction."""
    return {member.value: "".join(part.capitalize() for part in member.name.split("_")) for member in enum}


def _lower_labels(enum: type[IntEnum]) -> dict[int, str]:
    return {m.value: "SNA" if m.name == "NOT_AVAILABLE" else m.name.lower() for m in enum}


PROFILES = ("euroncap-2026", "euroncap-2023", "eu-gsr", "r171")  # DMS_Status.Profile is the index
PROFILE_CODES = {**{name: code for code, name in enumerate(PROFILES)}, "experimental": 14}
_LEVELS = {0: "none", 1: "advise", 2: "warn", 3: "urgent"}


def _angle(name: str, comment: str) -> Signal:
    return Signal(name, 10, comment, unit="deg", scale=0.25, signed=True, sna=-512)


_STATUS = Message(
    "DMS_Status", 0, 50, SENDER, VEHICLE,
    "Whether the system works and why not. The counter says that the sender runs, FrameAge that vision runs.",
    (87, 78, 98, 99, 110, 80, 127, 170, 155, 107, 123, 226, 209, 72, 165, 179),
    (
        Signal("SystemState", 4, "Availability of driver monitoring", sna=15, high=5, start=0,
               values=camel_labels(SystemState)),
        Signal("Cause", 6, "The one primary reason for SystemState", high=max(Cause), start=Cause.STARTING,
               values=camel_labels(Cause)),
        Signal("FrameAge", 10, "From end of exposure of the newest judged picture to this frame; saturates", "ms",
               sna=1023),
        Signal("Calibration", 7, "Progress of learning this driver and mounting", "%", sna=127, high=100),
        Signal("FrameRate", 8, "Pictures judged per second", "1/s", scale=0.5, sna=255),
        Signal("Profile", 4, "Rule set in use", sna=15, high=max(PROFILE_CODES.values()),
               values={0: "EuroNcap2026", 1: "EuroNcap2023", 2: "EuGsr", 3: "R171", 14: "Experimental"}),
    ),
)  # fmt: skip

_WARNING = Message(
    "DMS_Warning", 1, 50, SENDER, VEHICLE,
    "What to tell the driver. At SystemUnavailable show the tell-tale; no request bit is set and nothing is warned.",
    (74, 46, 186, 131, 22, 169, 12, 184, 1, 129, 187, 11, 56, 64, 65, 172),
    (
        Signal("ActiveWarning", 4, "The one warning that is active", high=max(DriverWarning),
               values=camel_labels(DriverWarning)),
        Signal("Level", 2, "Urgency of ActiveWarning", values=_LEVELS),
        Signal("DistractionLevel", 2, "Distraction by itself, whatever the arbiter chose", values=_LEVELS),
        Signal("DrowsinessLevel", 2, "Drowsiness by itself, whatever the arbiter chose", values=_LEVELS),
        Signal("VisualRequest", 1, "1: show the warning"),
        Signal("AcousticRequest", 2, "Sound the warning, by urgency", values=_LEVELS),
        Signal("HapticRequest", 1, "1: vibrate seat, belt or wheel"),
        Signal("WarningCount", 8, "Rolling; steps at each new warning", wraps=True),
        Signal("Age", 8, "Since the onset of ActiveWarning; saturates; SNA without one", "s", scale=0.1, sna=255),
        Signal("Acknowledged", 1, "1: the driver acknowledged ActiveWarning"),
    ),
)  # fmt: skip

_DRIVER = Message(
    "DMS_Driver", 2, 50, SENDER, VEHICLE,
    "What is seen of the driver. Unknown is neither attentive nor distracted, neither open nor closed.",
    (222, 31, 113, 101, 173, 157, 6, 9, 30, 83, 202, 252, 136, 214, 235, 206),
    (
        Signal("DriverPresent", 2, "Somebody in the driver's seat", sna=3, values=_lower_labels(Presence)),
        Signal("EyeLeft", 2, "The driver's own left eye", sna=3, values=_lower_labels(EyeState)),
        Signal("EyeRight", 2, "The driver's own right eye", sna=3, values=_lower_labels(EyeState)),
        Signal("GazeZone", 4, "Where the driver looks", high=15, start=GazeZone.UNKNOWN,
               values=camel_labels(GazeZone)),
        Signal("AwayTime", 8, "Gaze away from the road; saturates", "s", scale=0.1, sna=255),
        Signal("ClosedTime", 8, "Eyes closed; saturates", "s", scale=0.05, sna=255),
        Signal("Perclos", 8, "Share of time with eyes closed", "%", scale=0.5, sna=255, high=200),
        Signal("Drowsiness", 4, "Estimate on the Karolinska sleepiness scale, 1 alert to 9 fighting sleep", sna=15,
               low=1, high=9),
        Signal("Confidence", 2, "Trust in this message's values",
               values={0: "none", 1: "low", 2: "medium", 3: "high"}),
    ),
)  # fmt: skip

_GEOMETRY = Message(
    "DMS_Geometry", 3, 100, SENDER, VEHICLE,
    "Head and gaze in the vehicle frame, zero straight ahead.",
    (67, 220, 225, 51, 94, 130, 62, 239, 236, 36, 194, 42, 164, 38, 135, 75),
    (
        _angle("HeadYaw", "Positive to the driver's left"),
        _angle("HeadPitch", "Positive up"),
        _angle("HeadRoll", "Positive to the driver's right shoulder"),
        _angle("GazeYaw", "Positive to the driver's left"),
        _angle("GazePitch", "Positive up"),
    ),
)  # fmt: skip

_HEALTH = Message(
    "DMS_Health", 4, 1000, SENDER, VEHICLE,
    "Counters and condition of the box.",
    (40, 17, 241, 121, 82, 20, 240, 93, 145, 106, 10, 217, 192, 54, 207, 249),
    (
        Signal("FramesDropped", 12, "Rolling; pictures not judged since vision started", wraps=True),
        Signal("DeadlineMisses", 12, "Rolling; pictures judged later than the budget since vision started", wraps=True),
        Signal("Temperature", 8, "Hottest sensor of the box", "degC", offset=-40.0, sna=255),
        Signal("Throttled", 1, "1: the processor is slowed down"),
        Signal("UnderVoltage", 1, "1: the supply is too low"),
        Signal("Restarts", 6, "Restarts of vision since power on; saturates"),
        Signal("BusOffCount", 6, "Bus-off events since power on; saturates"),
        Signal("Load", 6, "Share of the frame budget that the work takes", "%", scale=2.0, sna=63),
    ),
)  # fmt: skip

_IDENTITY = Message(
    "DMS_Identity", 5, 1000, SENDER, VEHICLE,
    "Which software on which board speaks which contract.",
    (152, 193, 182, 104, 13, 176, 71, 212, 128, 84, 233, 102, 203, 124, 41, 153),
    (
        Signal("VersionMajor", 6, "Software version, first number"),
        Signal("VersionMinor", 6, "Software version, second number"),
        Signal("VersionPatch", 8, "Software version, third number"),
        Signal("DbcHash", 24, "First 24 bits of the SHA-256 of this contract; stands in the DBC's VERSION"),
        Signal("BoardId", 8, "Kind of board, from its board file"),
    ),
)  # fmt: skip

_VEHICLE_INPUT = Message(
    "VEH_Input", 0x10, 20, VEHICLE, SENDER,
    "What the vehicle tells the system; received only. A frame that fails its check is never read.",
    (189, 24, 150, 44, 120, 254, 191, 61, 134, 33, 200, 115, 122, 177, 168, 204),
    (
        Signal("Speed", 16, "Vehicle speed", "km/h", scale=0.01, sna=65535),
        Signal("Ignition", 1, "1: on"),
        Signal("TurnLeft", 1, "1: left indicator on"),
        Signal("TurnRight", 1, "1: right indicator on"),
        Signal("Reverse", 1, "1: reverse gear"),
        Signal("Acknowledge", 1, "1: the driver acknowledges the active warning"),
        Signal("SteeringAngle", 14, "Steering wheel, positive to the left", "deg", scale=0.1, signed=True, sna=-8192),
    ),
)  # fmt: skip

TRANSMITTED: tuple[Message, ...] = (_STATUS, _WARNING, _DRIVER, _GEOMETRY, _HEALTH, _IDENTITY)
RECEIVED: tuple[Message, ...] = (_VEHICLE_INPUT,)
MESSAGES: dict[str, Message] = {message.name: message for message in (*TRANSMITTED, *RECEIVED)}


def check_base_id(base_id: int) -> int:
    """`base_id` itself. Raises BadInputError when a message would leave the 11 bits or sit on a diagnostic id."""
    highest = MAX_STANDARD_ID - max(message.id_offset for message in MESSAGES.values())
    if not 0 <= base_id <= highest:
        raise BadInputError.at(
            "base id", f"expected 0x0 to 0x{highest:X} so that every message has 11 bits, got {hex(base_id)}"
        )
    for message in MESSAGES.values():
        if message.frame_id(base_id) in DIAGNOSTIC_IDS:
            raise BadInputError.at(
                "base id",
                f"{hex(base_id)} puts {message.name} on the diagnostic identifier {hex(message.frame_id(base_id))}",
            )
    return base_id


def transmit_ids(base_id: int = DEFAULT_BASE_ID) -> frozenset[int]:
    """The only identifiers that may leave."""
    return frozenset(message.frame_id(base_id) for message in TRANSMITTED)


def receive_ids(base_id: int = DEFAULT_BASE_ID) -> frozenset[int]:
    """The identifiers the supervisor listens to."""
    return frozenset(message.frame_id(base_id) for message in RECEIVED)


@cache
def dbc_hash() -> int:
    """24 bits of SHA-256 over everything that changes what a frame means; comments and the base id do not."""
    canonical = [
        [m.name, m.id_offset, m.cycle_ms, m.sender, m.receiver, m.data_ids,
         [[s.name, s.bits, s.signed, s.scale, s.offset, s.unit, s.raw_low, s.raw_high, s.raw_start, s.wraps,
           sorted(s.labels.items())] for s in m.signals]]
        for m in MESSAGES.values()
    ]  # fmt: skip
    text = json.dumps(canonical, separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:3], "big")
