"""Writing a measurement trace: the same bytes for the same values."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import TracebackType
from typing import Any

from watchkeeper.measurement_trace.atomic import AtomicTextFile
from watchkeeper.types import Eye, Measurement, VehicleSignals


class TraceWriter:
    """Writes a trace: `with TraceWriter(path) as trace: trace.write(measurement, vehicle)`.

    The file appears when the block ends without an exception, and not at all otherwise. Angles are rounded to 0.001
    degrees, shares and probabilities to 0.0001. Raises BadInputError when the file cannot be written, ValueError for a
    value that is not finite.
    """

    def __init__(self, path: Path) -> None:
        self._file = AtomicTextFile(path)

    def __enter__(self) -> TraceWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._file.commit()
        else:
            self._file.discard()

    def write(self, measurement: Measurement, vehicle: VehicleSignals | None = None) -> None:
        """Add one line."""
        self._file.write(format_line(measurement, vehicle))


def format_line(m: Measurement, vehicle: VehicleSignals | None = None) -> str:
    """One line of a trace, ending included; groups that were not measured are left out.

    `"face": null` says that a face was looked for and none found. Raises ValueError for a value that is not finite.
    """
    line: dict[str, Any] = {"t_ns": m.t_ns, "seq": m.seq}
    if m.face is not None:
        line["face"] = {"p": _rounded(m.face.p, 4), "box_px": [_rounded(v, 2) for v in m.face.box_px]}
    elif m.face_searched:
        line["face"] = None
    if m.head is not None:
        line["head"] = _present(
            yaw_deg=_rounded(m.head.yaw_deg, 3),
            pitch_deg=_rounded(m.head.pitch_deg, 3),
            roll_deg=_rounded(m.head.roll_deg, 3),
            std_deg=_rounded(m.head.std_deg, 3),
        )
    if m.gaze is not None:
        line["gaze"] = _present(
            yaw_deg=_rounded(m.gaze.yaw_deg, 3),
            pitch_deg=_rounded(m.gaze.pitch_deg, 3),
            std_deg=_rounded(m.gaze.std_deg, 3),
        )
    eyes = _present(left=_eye_group(m.left_eye), right=_eye_group(m.right_eye))
    if eyes:
        line["eyes"] = eyes
    if m.mouth is not None:
        line["mouth"] = {"open": _rounded(m.mouth.open, 4)}
    if m.phone is not None:
        line["phone"] = {"p": _rounded(m.phone.p, 4)}
    if m.image is not None:
        line["image"] = {
            "mean": _rounded(m.image.mean, 2),
            "saturated": _rounded(m.image.saturated, 4),
            "covered": _rounded(m.image.covered, 4),
        }
    if vehicle is not None:
        line["vehicle"] = _present(
            speed_kph=_rounded(vehicle.speed_kph, 3),
            steering_deg=_rounded(vehicle.steering_deg, 3),
            turn_left=vehicle.turn_left,
            turn_right=vehicle.turn_right,
            reverse=vehicle.reverse,
            ignition=vehicle.ignition,
            acknowledge=vehicle.acknowledge,
        )
    return json.dumps(line, separators=(",", ":"), allow_nan=False) + "\n"


def _eye_group(eye: Eye | None) -> dict[str, Any] | None:
    if eye is None:
        return None
    return _present(
        open=_rounded(eye.open, 4),
        aperture_mm=_rounded(eye.aperture_mm, 3),
        p_visible=_rounded(eye.p_visible, 4),
        open_std=_rounded(eye.open_std, 4),
    )


def _present(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _rounded(value: float | None, digits: int) -> float | None:
    if value is None:
        return None
    if not math.isfinite(value):
        raise ValueError(f"a measurement must be finite or None, got {value!r}")
    # float(): numpy scalars are no JSON. + 0.0: no minus zero.
    return round(float(value), digits) + 0.0
