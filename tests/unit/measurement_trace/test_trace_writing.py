"""Writing a trace: what was written is what is read, whole or not at all."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.errors import BadInputError
from watchkeeper.measurement_trace import AtomicTextFile, TraceWriter, format_line, read_trace
from watchkeeper.types import Eye, Face, Gaze, Head, ImageQuality, Measurement, Mouth, Phone, VehicleSignals


def _number(low: float, high: float, digits: int) -> st.SearchStrategy[float]:
    # Values that survive the trace's rounding, so that equality is exact.
    scale = 10**digits
    return st.integers(math.ceil(low * scale), math.floor(high * scale)).map(lambda n: round(n / scale, digits))


def _maybe(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.one_of(st.none(), strategy)


_share, _px = _number(0, 1, 4), _number(0, 4000, 2)
_yaw, _pitch, _std = _number(-180, 180, 3), _number(-90, 90, 3), _maybe(_number(0, 90, 3))
_eye = _maybe(st.builds(Eye, _maybe(_share), _maybe(_number(-5, 20, 3)), _maybe(_share)))
_flag = _maybe(st.booleans())
_measurements = st.builds(
    Measurement,
    t_ns=st.integers(0, 2**63 - 1),
    seq=st.integers(0, 2**40),
    face=_maybe(st.builds(Face, _share, st.tuples(_px, _px, _px, _px))),
    head=_maybe(st.builds(Head, _yaw, _pitch, _yaw, _std)),
    gaze=_maybe(st.builds(Gaze, _yaw, _pitch, _std)),
    left_eye=_eye,
    right_eye=_eye,
    mouth=_maybe(st.builds(Mouth, _share)),
    phone=_maybe(st.builds(Phone, _share)),
    image=_maybe(st.builds(ImageQuality, _number(0, 255, 2), _share, _share)),
)
_vehicles = _maybe(st.builds(VehicleSignals, _maybe(_number(0, 300, 3)), _maybe(_yaw), *[_flag] * 5))


@given(st.lists(st.tuples(_measurements, _vehicles), min_size=1, max_size=5))
def test_what_is_written_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[Measurement, VehicleSignals | None]]
) -> None:
    rows.sort(key=lambda row: row[0].t_ns)
    path = tmp_path_factory.mktemp("trace") / "trace.jsonl"
    with TraceWriter(path) as trace:
        for measurement, vehicle in rows:
            trace.write(measurement, vehicle)
    assert list(read_trace(path)) == rows


def _write(path: Path, *measurements: Measurement) -> None:
    with TraceWriter(path) as trace:
        for measurement in measurements:
            trace.write(measurement)


def test_the_form_of_a_line() -> None:
    measurement = Measurement(33_333_333, 1, None, Head(-0.00004, 1.23456, 2.0), None, Eye(0.98765), face_searched=True)
    assert format_line(measurement, VehicleSignals(speed_kph=80.0, ignition=True)) == (
        '{"t_ns":33333333,"seq":1,"face":null,"head":{"yaw_deg":0.0,"pitch_deg":1.235,"roll_deg":2.0},'
        '"eyes":{"left":{"open":0.9877}},"vehicle":{"speed_kph":80.0,"ignition":true}}\n'
    )


def test_numbers_of_the_networks_are_written_like_plain_ones() -> None:
    value = float(np.float32(0.25))
    assert format_line(Measurement(0, mouth=Mouth(np.float32(0.25)))) == format_line(Measurement(0, mouth=Mouth(value)))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_refused_and_nothing_is_left(tmp_path: Path, value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        _write(tmp_path / "t.jsonl", Measurement(0), Measurement(1, mouth=Mouth(value)))
    assert list(tmp_path.iterdir()) == []


def test_an_error_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text("old")
    with pytest.raises(ValueError, match="finite"):
        _write(path, Measurement(0), Measurement(1, mouth=Mouth(math.nan)))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_seen_before_the_end(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    with TraceWriter(path) as trace:
        trace.write(Measurement(0))
        assert not path.exists()
    assert len(list(read_trace(path))) == 1
    assert list(tmp_path.iterdir()) == [path]


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"none/t.jsonl: cannot be written: No such file"):
        TraceWriter(tmp_path / "none" / "t.jsonl")
    with pytest.raises(BadInputError, match="it is a folder"):
        TraceWriter(tmp_path)


def test_a_device_is_written_to_and_stays_a_device() -> None:
    with TraceWriter(Path(os.devnull)) as trace:
        trace.write(Measurement(0))
    assert Path(os.devnull).is_char_device()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_one_clear_error() -> None:
    with pytest.raises(BadInputError, match="/dev/full: cannot be written: No space left"):
        _write(Path("/dev/full"), Measurement(0))


def test_a_link_keeps_pointing_at_the_new_file(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    file = AtomicTextFile(tmp_path / "link")
    file.write("new")
    file.commit()
    file.discard()
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"
