"""How a report lies in shared memory: fixed fields, derived from the dataclasses in `types.py`, and a hash over them.

A dataclass becomes the row of its fields in order, nested ones in place. What is not known (None) is a flag of its own
in front of the value, never a special number. An enum is its number and must be a member on both sides. A list of
events has a count and always the full number of places. The hash covers field names, formats and enum members, so
two builds that would read each other's bytes wrongly refuse to attach.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import struct
import types as python_types
from collections.abc import Iterator
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar, Union, get_args, get_origin, get_type_hints

from watchkeeper.types import AimReading, SupervisorReport, VehicleReport, VisionReport

T = TypeVar("T")
Fields = tuple[tuple[str, str], ...]

EVENTS_MAX = 16
"""Places for events in one list; of more, the newest are kept."""


class LayoutError(ValueError):
    """A value that has no place in its field, or bytes that are no such value; says which field."""


class _Codec(Protocol):
    """One type's way into a flat row of struct fields and back. `zero` fills the places of an absent value."""

    fields: Fields  # (dotted name, struct format)
    zero: tuple[Any, ...]

    def flatten(self, value: Any, row: list[Any]) -> None: ...

    def build(self, row: Iterator[Any]) -> Any: ...


class _Scalar:
    """int, float or bool."""

    _FORMATS = {int: "q", float: "d", bool: "?"}

    def __init__(self, name: str, kind: type) -> None:
        self._name, self._kind = name, kind
        self.fields: Fields = ((name, self._FORMATS[kind]),)
        self.zero: tuple[Any, ...] = (kind(0),)

    def flatten(self, value: Any, row: list[Any]) -> None:
        if self._kind is float:
            value = float(value)
            self._check(value)
        elif self._kind is int and not -(2**63) <= value < 2**63:
            raise LayoutError(f"{self._name}: {value} does not fit into 64 bits")
        row.append(value)

    def build(self, row: Iterator[Any]) -> Any:
        value = next(row)
        if self._kind is float:
            self._check(value)
        return value

    def _check(self, value: float) -> None:
        if not math.isfinite(value):
            raise LayoutError(f"{self._name}: expected a finite number, got {value}")


class _Member:
    """An enum: numbered members as their number, others by position."""

    def __init__(self, name: str, kind: type[Enum]) -> None:
        self._name = name
        numbers = [m.value if isinstance(m.value, int) else i for i, m in enumerate(kind)]
        self._members = dict(zip(numbers, kind, strict=True))
        self._numbers = dict(zip(kind, numbers, strict=True))
        listing = ",".join(f"{m.name}={n}" for n, m in self._members.items())
        self.fields: Fields = ((f"{name}:{kind.__name__}({listing})", "B"),)
        self.zero: tuple[Any, ...] = (0,)

    def flatten(self, value: Any, row: list[Any]) -> None:
        try:
            row.append(self._numbers[value])
        except KeyError:
            raise LayoutError(f"{self._name}: {value!r} is not a member") from None

    def build(self, row: Iterator[Any]) -> Any:
        number = next(row)
        try:
            return self._members[number]
        except KeyError:
            raise LayoutError(f"{self._name}: {number} is not the number of a member") from None


class _Optional:
    """A value that may be None: a flag, then the value's own places."""

    def __init__(self, name: str, inner: _Codec) -> None:
        self._inner = inner
        self.fields: Fields = ((f"{name}?", "?"), *inner.fields)
        self.zero: tuple[Any, ...] = (False, *inner.zero)

    def flatten(self, value: Any, row: list[Any]) -> None:
        if value is None:
            row.extend(self.zero)
        else:
            row.append(True)
            self._inner.flatten(value, row)

    def build(self, row: Iterator[Any]) -> Any:
        if next(row):
            return self._inner.build(row)
        for _ in self._inner.zero:
            next(row)
        return None


class _List:
    """tuple[X, ...]: a count and EVENTS_MAX places."""

    def __init__(self, name: str, inner: _Codec) -> None:
        self._name, self._inner = name, inner
        self.fields: Fields = ((f"{name}#", "B"), *(inner.fields * EVENTS_MAX))
        self.zero: tuple[Any, ...] = (0, *(inner.zero * EVENTS_MAX))

    def flatten(self, value: Any, row: list[Any]) -> None:
        newest = value[-EVENTS_MAX:]
        row.append(len(newest))
        for item in newest:
            self._inner.flatten(item, row)
        row.extend(self._inner.zero * (EVENTS_MAX - len(newest)))

    def build(self, row: Iterator[Any]) -> Any:
        count = next(row)
        if count > EVENTS_MAX:
            raise LayoutError(f"{self._name}: {count} items in {EVENTS_MAX} places")
        items = tuple(self._inner.build(row) for _ in range(count))
        for _ in range((EVENTS_MAX - count) * len(self._inner.zero)):
            next(row)
        return items


class _Record:
    """A dataclass: its fields in order."""

    def __init__(self, name: str, kind: type) -> None:
        self._kind = kind
        hints = get_type_hints(kind)
        prefix = f"{name}." if name else ""
        self._parts = tuple((f.name, _codec(prefix + f.name, hints[f.name])) for f in dataclasses.fields(kind))
        self.fields: Fields = tuple(field for _, part in self._parts for field in part.fields)
        self.zero: tuple[Any, ...] = tuple(value for _, part in self._parts for value in part.zero)

    def flatten(self, value: Any, row: list[Any]) -> None:
        for name, part in self._parts:
            part.flatten(getattr(value, name), row)

    def build(self, row: Iterator[Any]) -> Any:
        return self._kind(*(part.build(row) for _, part in self._parts))


def _codec(name: str, hint: Any) -> _Codec:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, python_types.UnionType):
        kinds = [kind for kind in arguments if kind is not type(None)]
        if len(kinds) == 1:
            return _Optional(name, _codec(name, kinds[0]))
    elif origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return _List(name, _codec(f"{name}[]", arguments[0]))
    elif hint in (int, float, bool):
        return _Scalar(name, hint)
    elif isinstance(hint, type) and issubclass(hint, Enum):
        return _Member(name, hint)
    elif dataclasses.is_dataclass(hint):
        return _Record(name, hint if isinstance(hint, type) else type(hint))
    raise TypeError(f"{name}: {hint} has no fixed layout")


class Layout(Generic[T]):
    """The bytes of one report type. `size`: bytes. `hash`: 32 bytes that both sides of a mailbox compare."""

    def __init__(self, kind: type[T]) -> None:
        self.name = kind.__name__
        self._record = _Record("", kind)
        self._struct = struct.Struct("=" + "".join(form for _, form in self._record.fields))
        self.size = self._struct.size
        text = "\n".join(f"{name} {form}" for name, form in self._record.fields)
        self.hash = hashlib.sha256(f"{self.name}\n{text}".encode()).digest()

    def pack(self, value: T) -> bytes:
        """The bytes of `value`. Raises LayoutError naming the field for NaN, infinity or a number too large."""
        row: list[Any] = []
        self._record.flatten(value, row)
        return self._struct.pack(*row)

    def unpack(self, data: bytes) -> T:
        """The value of `data` (`size` bytes). Raises LayoutError naming the field that holds nothing valid."""
        value: T = self._record.build(iter(self._struct.unpack(data)))
        return value


VISION = Layout(VisionReport)
VEHICLE = Layout(VehicleReport)
SUPERVISOR = Layout(SupervisorReport)
AIM = Layout(AimReading)
