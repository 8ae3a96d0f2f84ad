"""Where the vehicle's own messages carry what we need, as numbers: bits, scales, protection. Pure.

A vehicle file (`vehicle_file`) is read into these. Start bits count as in a DBC: for `intel` the least significant bit,
for `motorola` the most significant one, with bit 7 of byte 0 being 7 and bit 7 of byte 1 being 15.
"""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.supervisor import e2e

SIGNAL_NAMES = ("Speed", "SteeringAngle", "TurnLeft", "TurnRight", "Reverse", "Ignition", "Acknowledge")
MEASUREMENTS = ("Speed", "SteeringAngle")  # the others are true or false


@dataclass(frozen=True, slots=True)
class Bits:
    """A field of a frame. order: intel or motorola. start: as in a DBC."""

    start: int
    length: int
    order: str = "intel"
    signed: bool = False

    @property
    def last_byte(self) -> int:
        """Index of the last byte that a bit of it lies in."""
        if self.order == "intel":
            return (self.start + self.length - 1) // 8
        return (self._big_endian_start + self.length - 1) // 8

    @property
    def _big_endian_start(self) -> int:
        """Bits before the most significant one, counted from bit 7 of byte 0."""
        return self.start // 8 * 8 + 7 - self.start % 8

    def raw(self, data: bytes) -> int:
        """The field's raw value; `data` must reach to `last_byte`."""
        if self.order == "intel":
            value = int.from_bytes(data, "little") >> self.start
        else:
            value = int.from_bytes(data, "big") >> (len(data) * 8 - self._big_endian_start - self.length)
        value &= (1 << self.length) - 1
        return value - (1 << self.length) if self.signed and value >> (self.length - 1) else value


@dataclass(frozen=True, slots=True)
class Condition:
    """True when the field holds one of these raw values."""

    bits: Bits
    equals: tuple[int, ...]

    def holds(self, data: bytes) -> bool:
        """Whether it does in this payload."""
        return self.bits.raw(data) in self.equals


@dataclass(frozen=True, slots=True)
class Checksum:
    """One byte over the others of a frame.

    kind: `e2e-p02` (AUTOSAR profile 2: CRC-8 0x2F over the rest, then the Data ID that the counter picks),
    `sum8-id-length` (identifier bytes + length + the other bytes, low byte of it), `sum8`, `xor8` (the other bytes).
    """

    kind: str
    byte: int
    data_ids: tuple[int, ...] = ()

    def holds(self, frame_id: int, data: bytes, counter: int) -> bool:
        """Whether the frame carries the right one."""
        rest = data[: self.byte] + data[self.byte + 1 :]
        return data[self.byte] == _CHECKSUMS[self.kind](self, frame_id, rest, counter)


def _e2e_p02(checksum: Checksum, _frame_id: int, rest: bytes, counter: int) -> int:
    return e2e.crc8h2f(rest + bytes((checksum.data_ids[counter % e2e.DATA_ID_COUNT],)))


def _sum8(_checksum: Checksum, _frame_id: int, rest: bytes, _counter: int) -> int:
    return sum(rest) & 0xFF


def _sum8_id_length(_checksum: Checksum, frame_id: int, rest: bytes, _counter: int) -> int:
    return (sum(rest) + (frame_id & 0xFF) + (frame_id >> 8) + len(rest) + 1) & 0xFF


def _xor8(_checksum: Checksum, _frame_id: int, rest: bytes, _counter: int) -> int:
    value = 0
    for byte in rest:
        value ^= byte
    return value


_CHECKSUMS = {"e2e-p02": _e2e_p02, "sum8": _sum8, "sum8-id-length": _sum8_id_length, "xor8": _xor8}
CHECKSUM_KINDS = tuple(_CHECKSUMS)


@dataclass(frozen=True, slots=True)
class MappedMessage:
    """One message of the vehicle. max_lost: so many frames may be missing before one is not accepted."""

    name: str
    id: int
    length: int
    timeout_ms: int
    counter: Bits | None = None
    checksum: Checksum | None = None
    max_lost: int = 4


@dataclass(frozen=True, slots=True)
class MappedSignal:
    """One of SIGNAL_NAMES in one message.

    A measurement is raw * scale + offset, negative where `negative` holds; None outside low..high, for a raw value of
    `not_available`, where `valid` does not hold, and for one sample after a step of more than max_rate_per_s. A flag is
    whether raw is one of `equals`.
    """

    name: str
    message: str
    bits: Bits
    scale: float = 1.0
    offset: float = 0.0
    low: float = 0.0
    high: float = 0.0
    max_rate_per_s: float | None = None
    not_available: tuple[int, ...] = ()
    equals: tuple[int, ...] = (1,)
    valid: Condition | None = None
    negative: Condition | None = None

    def value(self, data: bytes) -> float | bool | None:
        """What this payload says, rate not looked at."""
        raw = self.bits.raw(data)
        if raw in self.not_available or (self.valid is not None and not self.valid.holds(data)):
            return None
        if self.name not in MEASUREMENTS:
            return raw in self.equals
        value = raw * self.scale + self.offset
        if self.negative is not None and self.negative.holds(data):
            value = -value
        return round(value, 9) if self.low <= value <= self.high else None


@dataclass(frozen=True, slots=True)
class VehicleMap:
    """All that is read of one kind of vehicle."""

    name: str
    messages: tuple[MappedMessage, ...]
    signals: tuple[MappedSignal, ...]
