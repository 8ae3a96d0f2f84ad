"""Reading a measurement trace: every value is checked on the way in, with errors that name line and field."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from watchkeeper.errors import BadInputError
from watchkeeper.types import (
    Eye,
    Face,
    Gaze,
    Head,
    ImageQuality,
    Measurement,
    Mouth,
    Phone,
    VehicleSignals,
)

_T_MAX_NS = 2**63 - 1
_SEQ_MAX = 2**63 - 1
# Lowest and highest value of each number, wide enough for any honest measurement.
_SHARE = (0.0, 1.0)
_OPEN = (0.0, 2.0)  # 1 is the driver's alert baseline: surprise opens the eyes further
_YAW, _PITCH, _STD = (-180.0, 180.0), (-90.0, 90.0), (0.0, 180.0)
_PX = (-1e6, 1e6)
_APERTURE = (-30.0, 60.0)  # rendered truth has lids that overlap
_SPEED, _STEERING = (-400.0, 655.34), (-2000.0, 2000.0)


class _BadLineError(Exception):
    """field (or None) and what is wrong with it."""

    def __init__(self, field: str | None, problem: str) -> None:
        super().__init__(field, problem)
        self.field, self.problem = field, problem


def read_trace(path: Path) -> Iterator[tuple[Measurement, VehicleSignals | None]]:
    """Measurements of a trace in order, each with the vehicle group of its line (None when absent or null).

    Raises BadInputError naming file, line, field and reason: not UTF-8, not a JSON object, a key twice, a wrong type,
    NaN or infinity, a number out of its range, no t_ns, time going backwards, a file without lines.
    """
    last_ns, number = -1, 0
    try:
        with path.open("rb") as file:
            for line in file:
                number += 1
                measurement, vehicle = _parse(line)
                if measurement.t_ns < last_ns:
                    raise _BadLineError("t_ns", f"time goes backwards: {measurement.t_ns} after {last_ns}")
                last_ns = measurement.t_ns
                yield measurement, vehicle
    except _BadLineError as error:
        raise BadInputError.at(path, error.problem, field=error.field, line=number) from None
    except OSError as error:
        raise BadInputError.at(path, f"cannot be read: {error.strerror}") from None
    if number == 0:
        raise BadInputError.at(path, "expected at least one line, the file is empty")


def _parse(line: bytes) -> tuple[Measurement, VehicleSignals | None]:
    try:
        data = _DECODER.decode(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise _BadLineError(None, "expected UTF-8 text") from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, _ConstantError):
            with contextlib.suppress(ValueError):
                _values(_LENIENT_DECODER.decode(line.decode("utf-8")))  # names the field, if it is one that we read
        raise _BadLineError(None, f"expected one JSON object: {error}") from None
    return _values(data)


def _values(data: object) -> tuple[Measurement, VehicleSignals | None]:
    if not isinstance(data, dict):
        raise _BadLineError(None, "expected one JSON object")
    face, head, gaze, eyes = (_group(data, key) for key in ("face", "head", "gaze", "eyes"))
    mouth, phone, image, car = (_group(data, key) for key in ("mouth", "phone", "image", "vehicle"))
    measurement = Measurement(
        t_ns=_integer(data, "t_ns", _T_MAX_NS),
        seq=_integer(data, "seq", _SEQ_MAX) if data.get("seq") is not None else 0,
        face=Face(_number(face, "face.p", *_SHARE), _box(face)) if face is not None else None,
        head=Head(
            _number(head, "head.yaw_deg", *_YAW),
            _number(head, "head.pitch_deg", *_PITCH),
            _number(head, "head.roll_deg", *_YAW),
            _optional(head, "head.std_deg", *_STD),
        )
        if head is not None
        else None,
        gaze=Gaze(
            _number(gaze, "gaze.yaw_deg", *_YAW),
            _number(gaze, "gaze.pitch_deg", *_PITCH),
            _optional(gaze, "gaze.std_deg", *_STD),
        )
        if gaze is not None
        else None,
        left_eye=_eye(eyes, "left"),
        right_eye=_eye(eyes, "right"),
        mouth=Mouth(_number(mouth, "mouth.open", *_OPEN)) if mouth is not None else None,
        phone=Phone(_number(phone, "phone.p", *_SHARE)) if phone is not None else None,
        image=ImageQuality(
            _number(image, "image.mean", 0.0, 255.0),
            _number(image, "image.saturated", *_SHARE),
            _number(image, "image.covered", *_SHARE),
        )
        if image is not None
        else None,
        face_searched="face" in data and face is None,
    )
    return measurement, _vehicle(car) if car is not None else None


def _eye(eyes: dict[str, Any] | None, side: str) -> Eye | None:
    eye = _group(eyes, side, "eyes.") if eyes is not None else None
    if eye is None:
        return None
    name = f"eyes.{side}."
    return Eye(
        _optional(eye, name + "open", *_OPEN),
        _optional(eye, name + "aperture_mm", *_APERTURE),
        _optional(eye, name + "p_visible", *_SHARE),
        _optional(eye, name + "open_std", *_SHARE),
    )


def _vehicle(car: dict[str, Any]) -> VehicleSignals:
    flags = (_flag(car, f"vehicle.{key}") for key in ("turn_left", "turn_right", "reverse", "ignition", "acknowledge"))
    return VehicleSignals(
        _optional(car, "vehicle.speed_kph", *_SPEED), _optional(car, "vehicle.steering_deg", *_STEERING), *flags
    )


def _key(name: str) -> str:
    return name.rpartition(".")[2]


def _group(data: dict[str, Any], key: str, prefix: str = "") -> dict[str, Any] | None:
    value = data.get(key)
    if value is None or isinstance(value, dict):
        return value
    raise _BadLineError(prefix + key, f"expected an object or null, got {_shown(value)}")


def _integer(data: dict[str, Any], key: str, highest: int) -> int:
    value = data.get(key)
    if key not in data:
        raise _BadLineError(key, "expected an integer, it is missing")
    if not isinstance(value, int) or isinstance(value, bool):
        raise _BadLineError(key, f"expected an integer, got {_shown(value)}")
    if not 0 <= value <= highest:
        raise _BadLineError(key, f"expected 0 to {highest}, got {_shown(value)}")
    return value


def _number(group: dict[str, Any], name: str, low: float, high: float) -> float:
    value = group.get(_key(name))
    if value is None:
        raise _BadLineError(name, "expected a number, it is missing")
    return _checked(value, name, low, high)


def _optional(group: dict[str, Any], name: str, low: float, high: float) -> float | None:
    value = group.get(_key(name))
    return None if value is None else _checked(value, name, low, high)


def _checked(value: object, name: str, low: float, high: float) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise _BadLineError(name, f"expected a number, got {_shown(value)}")
    if not low <= value <= high:  # infinity (1e999 reads as such) and integers too large for a float end here too
        raise _BadLineError(name, f"expected {low:g} to {high:g}, got {_shown(value)}")
    return float(value)


def _flag(group: dict[str, Any], name: str) -> bool | None:
    value = group.get(_key(name))
    if value is None or isinstance(value, bool):
        return value
    raise _BadLineError(name, f"expected true, false or null, got {_shown(value)}")


def _box(face: dict[str, Any]) -> tuple[float, float, float, float]:
    value = face.get("box_px")
    if not isinstance(value, list) or len(value) != 4:
        raise _BadLineError("face.box_px", f"expected four numbers, got {_shown(value)}")
    x, y, w, h = (_checked(v, "face.box_px", *_PX) for v in value)
    if w < 0 or h < 0:
        raise _BadLineError("face.box_px", f"expected width and height of 0 or more, got {_shown(value)}")
    return x, y, w, h


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:37] + "..."


class _ConstantError(ValueError):
    """NaN or Infinity, which JSON does not have."""


def _no_constant(text: str) -> float:
    raise _ConstantError(f"{text} is not a number")


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(k for k in keys if keys.count(k) > 1)!r} stands twice")
    return data


_DECODER = json.JSONDecoder(parse_constant=_no_constant, object_pairs_hook=_no_key_twice)
_LENIENT_DECODER = json.JSONDecoder(object_pairs_hook=_no_key_twice)
