"""The newest readings of vision, as medians: one picture with a blink in it must not move the needle."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

from watchkeeper.clock import NS_PER_S
from watchkeeper.types import AimEye, AimFace, AimPose, AimReading, Head

WINDOW_NS = 2 * NS_PER_S


def _of_face(value: Callable[[AimFace], float]) -> Callable[[AimReading], float | None]:
    return lambda reading: None if reading.face is None else value(reading.face)


def _of_pose(value: Callable[[AimPose], float]) -> Callable[[AimReading], float | None]:
    return lambda reading: None if reading.pose is None else value(reading.pose)


def _of_head(value: Callable[[Head], float]) -> Callable[[AimReading], float | None]:
    return lambda reading: None if reading.head is None else value(reading.head)


def _of_eyes(value: Callable[[AimEye], float]) -> Callable[[AimReading], float | None]:
    """Of the eye that is seen worse: a camera that sees one eye well is not mounted well."""

    def worse(reading: AimReading) -> float | None:
        if reading.left_eye is None or reading.right_eye is None:
            return None
        return min(value(reading.left_eye), value(reading.right_eye))

    return worse


QUANTITIES: Mapping[str, Callable[[AimReading], float | None]] = {
    "face_x_px": _of_face(lambda face: face.x_px),
    "face_y_px": _of_face(lambda face: face.y_px),
    "face_w_px": _of_face(lambda face: face.w_px),
    "face_h_px": _of_face(lambda face: face.h_px),
    "face_right_deg": _of_face(lambda face: face.right_deg),
    "face_down_deg": _of_face(lambda face: face.down_deg),
    "distance_mm": _of_pose(lambda pose: (pose.x_mm**2 + pose.y_mm**2 + pose.z_mm**2) ** 0.5),
    "camera_left_deg": _of_pose(lambda pose: pose.left_deg),
    "camera_above_deg": _of_pose(lambda pose: pose.above_deg),
    "picture_tilt_deg": _of_pose(lambda pose: pose.tilt_deg),
    "head_yaw_deg": _of_head(lambda head: head.yaw_deg),
    "head_pitch_deg": _of_head(lambda head: head.pitch_deg),
    "head_roll_deg": _of_head(lambda head: head.roll_deg),
    "eye_width_px": _of_eyes(lambda eye: eye.width_px),
    "lid_opening_px": _of_eyes(lambda eye: eye.opening_px),
    "eyes_seen": _of_eyes(lambda eye: eye.seen),
    "left_eye_width_px": lambda r: None if r.left_eye is None else r.left_eye.width_px,
    "left_lid_opening_px": lambda r: None if r.left_eye is None else r.left_eye.opening_px,
    "right_eye_width_px": lambda r: None if r.right_eye is None else r.right_eye.width_px,
    "right_lid_opening_px": lambda r: None if r.right_eye is None else r.right_eye.opening_px,
    "face_grey_median": _of_face(lambda face: face.median),
    "face_grey_low": _of_face(lambda face: face.low),
    "face_grey_high": _of_face(lambda face: face.high),
    "picture_grey_mean": lambda r: r.mean,
    "picture_saturated": lambda r: r.saturated,
    "picture_covered": lambda r: r.covered,
}
"""Name -> of one reading, None where it was not measured. Shares are 0..1, grey levels 0..255."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Of n values: the median, and what the lowest and the highest twentieth lie beyond."""

    median: float
    low: float
    high: float
    n: int


class Window:
    """`take` in order of time; a reading that was there before is not counted again."""

    def __init__(self) -> None:
        self.readings: deque[AimReading] = deque()

    def take(self, reading: AimReading) -> None:
        """Add one; those older than WINDOW_NS go."""
        kept = self.readings
        if kept and reading.t_ns == kept[-1].t_ns:
            return
        if kept and reading.t_ns < kept[-1].t_ns:  # vision was started anew on a source with a clock of its own
            kept.clear()
        kept.append(reading)
        while reading.t_ns - kept[0].t_ns > WINDOW_NS:
            kept.popleft()

    @property
    def newest(self) -> AimReading | None:
        """None before the first."""
        return self.readings[-1] if self.readings else None

    @property
    def face_share(self) -> float | None:
        """Of the pictures in which one was looked for, those with a face; None where none was."""
        found = [r.face is not None for r in self.readings if r.searched]
        return sum(found) / len(found) if found else None

    def values(self, name: str) -> list[float]:
        """All there are of one of QUANTITIES."""
        found = map(QUANTITIES[name], self.readings)
        return [value for value in found if value is not None]

    def median(self, name: str) -> float | None:
        """None where nothing was measured."""
        values = self.values(name)
        return median(values) if values else None

    def spread(self, name: str) -> Spread | None:
        """None where nothing was measured."""
        values = sorted(self.values(name))
        if not values:
            return None
        tail = len(values) // 20
        return Spread(median(values), values[tail], values[-1 - tail], len(values))
