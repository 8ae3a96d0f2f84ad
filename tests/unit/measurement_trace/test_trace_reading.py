"""Reading a trace: what is accepted, and the one error for everything else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from watchkeeper.errors import BadInputError
from watchkeeper.measurement_trace import read_trace
from watchkeeper.types import Eye, Face, Gaze, Head, ImageQuality, Measurement, Mouth, Phone, VehicleSignals

FULL: dict[str, Any] = {
    "t_ns": 0, "seq": 0,
    "face": {"p": 0.98, "box_px": [10, 20.5, 30, 40]},
    "head": {"yaw_deg": 0.5, "pitch_deg": -1, "roll_deg": 0.0, "std_deg": 2.0},
    "gaze": {"yaw_deg": 0.0, "pitch_deg": 0.25, "std_deg": 4.0},
    "eyes": {"left": {"open": 0.95, "aperture_mm": 9.8, "p_visible": 0.99},
             "right": {"open": 0.94, "aperture_mm": 9.7, "p_visible": 0.98}},
    "mouth": {"open": 0.05}, "phone": {"p": 0.01}, "image": {"mean": 96.0, "saturated": 0.01, "covered": 0.0},
    "vehicle": {"speed_kph": 80.0, "steering_deg": -3.5, "turn_left": False, "turn_right": True,
                "reverse": False, "ignition": True, "acknowledge": False},
}  # fmt: skip


def _file(folder: Path, *lines: object) -> Path:
    path = folder / "trace.jsonl"
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def test_every_group_arrives(tmp_path: Path) -> None:
    [(measurement, vehicle)] = read_trace(_file(tmp_path, FULL))
    assert measurement == Measurement(
        0, 0, Face(0.98, (10.0, 20.5, 30.0, 40.0)), Head(0.5, -1.0, 0.0, 2.0), Gaze(0.0, 0.25, 4.0),
        Eye(0.95, 9.8, 0.99), Eye(0.94, 9.7, 0.98), Mouth(0.05), Phone(0.01), ImageQuality(96.0, 0.01, 0.0),
    )  # fmt: skip
    assert vehicle == VehicleSignals(80.0, -3.5, False, True, False, True, False)


def test_groups_may_be_null_or_absent(tmp_path: Path) -> None:
    nulls = {key: None for key in FULL if key != "t_ns"}
    (absent, car_1), (null, car_2) = read_trace(_file(tmp_path, {"t_ns": 7}, {**nulls, "t_ns": 7}))
    assert absent == Measurement(7)
    assert null == Measurement(7, face_searched=True)
    assert car_1 is car_2 is None


def test_a_null_face_was_looked_for_an_absent_one_says_nothing(tmp_path: Path) -> None:
    frames = [m for m, _ in read_trace(_file(tmp_path, {"t_ns": 1}, {"t_ns": 2, "face": None}, {**FULL, "t_ns": 3}))]
    assert [m.face_searched for m in frames] == [False, True, False]


def test_one_eye_and_partial_values(tmp_path: Path) -> None:
    line = {"t_ns": 0, "eyes": {"left": {"open": None}, "right": None}, "vehicle": {"speed_kph": None}}
    [(measurement, vehicle)] = read_trace(_file(tmp_path, line))
    assert (measurement.left_eye, measurement.right_eye) == (Eye(None), None)
    assert vehicle == VehicleSignals()


def test_more_than_is_known_is_skipped(tmp_path: Path) -> None:
    [(measurement, _)] = read_trace(_file(tmp_path, {"t_ns": 3, "hands": {"p": 1}, "mouth": {"open": 0.5, "teeth": 1}}))
    assert measurement == Measurement(3, mouth=Mouth(0.5))


def test_the_packaged_truth_is_a_trace(demo_truth: Path) -> None:
    frames = list(read_trace(demo_truth))
    assert len(frames) == 1350
    assert all(car is not None and car.speed_kph == 80.0 for _, car in frames)


def _with(path: str, value: object) -> dict[str, Any]:
    line = json.loads(json.dumps(FULL))
    *groups, key = path.split(".")
    place = line
    for group in groups:
        place = place[group]
    if value is ...:
        del place[key]
    else:
        place[key] = value
    return dict(line)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("", "expected one JSON object"),
        ("not json", "expected one JSON object"),
        ('{"t_ns": 1', "expected one JSON object"),
        ("[1, 2]", "expected one JSON object"),
        ("3", "expected one JSON object"),
        ('{"t_ns": 5} {"t_ns": 6}', "expected one JSON object"),
        ('{"t_ns": 5, "t_ns": 6}', "'t_ns' stands twice"),
        ('{"t_ns": 5, "mouth": {"open": NaN}}', "mouth.open: expected 0 to 2, got NaN"),
        ('{"t_ns": 5, "cabin": {"open": [NaN]}}', "NaN is not a number"),
        ('{"t_ns": 5, "cabin": NaN, "eyes": ', "NaN is not a number"),
        ('{"t_ns": 5, "mouth": {"open": Infinity}}', "mouth.open: expected 0 to 2, got Infinity"),
        ('{"t_ns": 5, "mouth": {"open": -Infinity}}', "mouth.open: expected 0 to 2, got -Infinity"),
        ('{"t_ns": 5, "mouth": {"open": 1e999}}', "mouth.open: expected 0 to 2"),
        ('{"t_ns": 5, "mouth": {"open": 1' + "0" * 400 + "}}", "mouth.open: expected 0 to 2"),
        ('{"t_ns": ' + "9" * 6000 + "}", "expected one JSON object"),
        ("[" * 100_000, "expected one JSON object"),
        (_with("t_ns", ...), "t_ns: expected an integer, it is missing"),
        (_with("t_ns", None), "t_ns: expected an integer, got null"),
        (_with("t_ns", 1.5), "t_ns: expected an integer, got 1.5"),
        (_with("t_ns", True), "t_ns: expected an integer, got true"),
        (_with("t_ns", "5"), 't_ns: expected an integer, got "5"'),
        (_with("t_ns", -5), "t_ns: expected 0 to"),
        (_with("t_ns", 2**63), "t_ns: expected 0 to"),
        (_with("seq", "x"), "seq: expected an integer"),
        (_with("face", 1), "face: expected an object or null"),
        (_with("face.p", 1.5), "face.p: expected 0 to 1, got 1.5"),
        (_with("face.p", ...), "face.p: expected a number, it is missing"),
        (_with("face.box_px", [1, 2, 3]), "face.box_px: expected four numbers"),
        (_with("face.box_px", [1, 2, -3, 4]), "face.box_px: expected width and height"),
        (_with("face.box_px", [1, 2, "3", 4]), "face.box_px: expected a number"),
        (_with("head.yaw_deg", None), "head.yaw_deg: expected a number"),
        (_with("head.yaw_deg", 181), "head.yaw_deg: expected -180 to 180"),
        (_with("head.pitch_deg", -91), "head.pitch_deg: expected -90 to 90"),
        (_with("head.std_deg", -1), "head.std_deg: expected 0 to 180"),
        (_with("gaze.pitch_deg", "down"), "gaze.pitch_deg: expected a number"),
        (_with("eyes", []), "eyes: expected an object or null"),
        (_with("eyes.left", 1.0), "eyes.left: expected an object or null"),
        (_with("eyes.right.open", -0.1), "eyes.right.open: expected 0 to 2"),
        (_with("eyes.right.p_visible", 2), "eyes.right.p_visible: expected 0 to 1"),
        (_with("image.mean", 256), "image.mean: expected 0 to 255"),
        (_with("image.covered", ...), "image.covered: expected a number, it is missing"),
        (_with("vehicle", False), "vehicle: expected an object or null"),
        (_with("vehicle.speed_kph", 1000), "vehicle.speed_kph: expected -400 to 655.34"),
        (_with("vehicle.turn_left", 1), "vehicle.turn_left: expected true, false or null, got 1"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 60 else "",
)
def test_a_bad_line_names_file_line_field_and_reason(tmp_path: Path, line: object, problem: str) -> None:
    path = _file(tmp_path, {"t_ns": 0}, line, {"t_ns": 9})
    reader = read_trace(path)
    assert next(reader)[0].t_ns == 0
    with pytest.raises(BadInputError) as caught:
        next(reader)
    text = str(caught.value)
    assert text.startswith(f"{path}:2: ")
    assert problem in text
    assert "\n" not in text
    assert caught.value.exit_status == 2


def test_time_may_stand_but_not_go_back(tmp_path: Path) -> None:
    assert len(list(read_trace(_file(tmp_path, {"t_ns": 5}, {"t_ns": 5})))) == 2
    with pytest.raises(BadInputError, match=r"trace.jsonl:2: t_ns: time goes backwards: 4 after 5"):
        list(read_trace(_file(tmp_path, {"t_ns": 5}, {"t_ns": 4})))


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_bytes(b'{"t_ns": 1}\n\xff\xfe\n')
    with pytest.raises(BadInputError, match=r"trace.jsonl:2: expected UTF-8 text"):
        list(read_trace(path))


def test_empty_missing_and_folder(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="the file is empty"):
        list(read_trace(_file(tmp_path)))
    with pytest.raises(BadInputError, match=r"none.jsonl: cannot be read: No such file"):
        list(read_trace(tmp_path / "none.jsonl"))
    with pytest.raises(BadInputError, match="cannot be read"):
        list(read_trace(tmp_path))
