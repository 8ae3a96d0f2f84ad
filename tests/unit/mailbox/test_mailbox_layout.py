"""Every report comes back from its bytes as it went in, and only valid bytes become a report."""

from __future__ import annotations

import dataclasses
import math
import struct
from typing import Any, cast, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.mailbox.layout import AIM, EVENTS_MAX, SUPERVISOR, VEHICLE, VISION, Layout, LayoutError
from watchkeeper.types import (
    AimReading,
    Cause,
    Phase,
    SupervisorReport,
    VehicleReport,
    VehicleSignals,
    VisionHealth,
    VisionReport,
    Warning,  # noqa: A004  (the contract's word)
    WarningEvent,
)  # fmt: skip


def _any(hint: Any) -> st.SearchStrategy[Any]:
    """Any storable value of an annotation of types.py."""
    if hint is int:
        return st.integers(-(2**63), 2**63 - 1)
    if hint is float:
        return st.floats(allow_nan=False, allow_infinity=False)
    if get_origin(hint) is tuple:
        return st.lists(_any(get_args(hint)[0]), max_size=EVENTS_MAX).map(tuple)
    if get_args(hint):
        return st.one_of(*(st.none() if kind is type(None) else _any(kind) for kind in get_args(hint)))
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return st.builds(hint, **{name: _any(field) for name, field in get_type_hints(hint).items()})
    return st.from_type(hint)


@settings(max_examples=60, deadline=None)
@given(_any(VisionReport))
def test_vision_report_comes_back(report: VisionReport) -> None:
    assert VISION.unpack(VISION.pack(report)) == report


@settings(max_examples=60, deadline=None)
@given(_any(AimReading))
def test_aim_reading_comes_back_and_could_hold_no_picture(reading: AimReading) -> None:
    assert AIM.unpack(AIM.pack(reading)) == reading
    assert AIM.size < 512


@settings(max_examples=60, deadline=None)
@given(_any(VehicleReport))
def test_vehicle_report_comes_back(report: VehicleReport) -> None:
    assert VEHICLE.unpack(VEHICLE.pack(report)) == report


@settings(max_examples=60, deadline=None)
@given(_any(SupervisorReport))
def test_supervisor_report_comes_back(report: SupervisorReport) -> None:
    assert SUPERVISOR.unpack(SUPERVISOR.pack(report)) == report


def test_unknown_is_not_zero() -> None:
    unknown, zero = VehicleReport(1, VehicleSignals()), VehicleReport(1, VehicleSignals(speed_kph=0.0, reverse=False))
    assert VEHICLE.unpack(VEHICLE.pack(unknown)).signals.speed_kph is None
    assert VEHICLE.unpack(VEHICLE.pack(zero)).signals.speed_kph == 0.0
    assert VEHICLE.unpack(VEHICLE.pack(zero)).signals.reverse is False


def test_the_newest_events_are_kept() -> None:
    events = tuple(WarningEvent(i, Warning.SLEEP, Phase.ONSET, 3) for i in range(EVENTS_MAX + 5))
    back = VISION.unpack(VISION.pack(VisionReport(1, 2, events=events)))
    assert back.events == events[5:]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_nan_goes_in_or_comes_out(value: float) -> None:
    with pytest.raises(LayoutError, match=r"health\.latency_p50_ms"):
        VISION.pack(VisionReport(1, 2, health=VisionHealth(latency_p50_ms=value)))
    good = SUPERVISOR.pack(SupervisorReport(1, 2, cycle_jitter_p99_ms=1.5))
    bad = good.replace(struct.pack("=d", 1.5), struct.pack("=d", value))
    assert bad != good
    with pytest.raises(LayoutError, match="cycle_jitter_p99_ms"):
        SUPERVISOR.unpack(bad)


def test_a_number_too_large_is_refused_by_name() -> None:
    with pytest.raises(LayoutError, match="event_count"):
        VISION.pack(VisionReport(1, 2, event_count=2**63))


def test_a_value_that_is_no_member_is_refused_by_name() -> None:
    with pytest.raises(LayoutError, match="condition"):
        VISION.pack(VisionReport(1, 2, condition=cast(Cause, 99)))  # wrong on purpose
    good = VISION.pack(VisionReport(0, 0, condition=Cause.INTERNAL_ERROR))
    assert good.count(bytes([Cause.INTERNAL_ERROR])) == 1
    with pytest.raises(LayoutError, match="condition"):
        VISION.unpack(good.replace(bytes([Cause.INTERNAL_ERROR]), b"\xee"))


@settings(max_examples=100, deadline=None)
@given(st.binary(min_size=VISION.size, max_size=VISION.size))
def test_garbage_is_a_report_or_a_layout_error(data: bytes) -> None:
    try:
        report = VISION.unpack(data)
    except LayoutError:
        return
    assert isinstance(report, VisionReport)


def test_hash_follows_names_formats_and_members() -> None:
    @dataclasses.dataclass
    class One:
        speed_kph: float = 0.0

    @dataclasses.dataclass
    class Renamed:
        speed_mps: float = 0.0

    @dataclasses.dataclass
    class Retyped:
        speed_kph: int = 0

    One.__name__ = Renamed.__name__ = Retyped.__name__ = "Report"
    assert len({Layout(kind).hash for kind in (One, Renamed, Retyped)}) == 3
    assert Layout(One).hash == Layout(One).hash
    assert len({VISION.hash, VEHICLE.hash, SUPERVISOR.hash}) == 3
    assert all(len(layout.hash) == 32 for layout in (VISION, VEHICLE, SUPERVISOR))


def test_a_field_without_fixed_layout_is_refused() -> None:
    @dataclasses.dataclass
    class Text:
        name: str = ""

    with pytest.raises(TypeError, match="name"):
        Layout(Text)
