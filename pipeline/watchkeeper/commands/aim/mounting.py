"""Where the camera stands, from a face that looks straight ahead: lines for the vehicle's geometry file. Pure.

A head that looks down the road is the vehicle's frame: x to the driver's left, y up, z forward. So its pose in the
camera is the mounting, as well as a person looks ahead (2 to 5 degrees) and sits as others will.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from watchkeeper.types import AimPose, CameraGeometry, Matrix3

STEADY_DEG = 3.0
STEADY_MM = 25.0
SAMPLES_MIN = 15


@dataclass(frozen=True, slots=True)
class Mounting:
    """X_camera = R X_vehicle + t with t = -R position; as `[mounting]` has it. spread_*: of the samples, each way."""

    rotation: Matrix3
    position_mm: tuple[float, float, float]
    spread_deg: float
    spread_mm: float
    samples: int

    @property
    def steady(self) -> bool:
        """Whether the head was still enough for it to mean something."""
        return self.samples >= SAMPLES_MIN and self.spread_deg <= STEADY_DEG and self.spread_mm <= STEADY_MM


def mounting_of(poses: Sequence[AimPose]) -> Mounting | None:
    """Of the poses of a head that looks ahead; None without any."""
    if not poses:
        return None
    turns = [(p.rx_rad, p.ry_rad, p.rz_rad) for p in poses]
    # near half a turn w and -w are the same rotation: all to the side of the first
    turns = [_towards(turn, turns[0]) for turn in turns]
    turn = _medians(turns)
    place = _medians([(p.x_mm, p.y_mm, p.z_mm) for p in poses])
    rotation = matrix(turn)
    # |difference of rotation vectors| is no angle near half a turn; the matrices' traces are
    angles = sorted(_angle_deg(matrix(one), rotation) for one in turns)
    ways = sorted(math.dist((p.x_mm, p.y_mm, p.z_mm), place) for p in poses)
    last = len(poses) - 1 - len(poses) // 20
    position = _turned_back(rotation, place)
    return Mounting(rotation, (-position[0], -position[1], -position[2]), angles[last], ways[last], len(poses))


def off_place_mm(poses: Sequence[AimPose], camera: CameraGeometry) -> tuple[float, float, float] | None:
    """The face's median place in the vehicle frame, whose origin is the nominal one; None without a pose or where
    nobody measured the mounting."""
    if not poses or not camera.mounting_known:
        return None
    x, y, z = _medians([(p.x_mm, p.y_mm, p.z_mm) for p in poses])
    tx, ty, tz = camera.translation_mm
    return _turned_back(camera.rotation_vehicle_to_camera, (x - tx, y - ty, z - tz))


def matrix(turn: tuple[float, float, float]) -> Matrix3:
    """The rotation of a rotation vector in rad (Rodrigues)."""
    angle = math.sqrt(sum(v * v for v in turn))
    if angle < 1e-12:
        return ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    x, y, z = (v / angle for v in turn)
    s, c = math.sin(angle), math.cos(angle)
    d = 1.0 - c
    return (
        (c + x * x * d, x * y * d - z * s, x * z * d + y * s),
        (y * x * d + z * s, c + y * y * d, y * z * d - x * s),
        (z * x * d - y * s, z * y * d + x * s, c + z * z * d),
    )


def _towards(turn: tuple[float, float, float], first: tuple[float, float, float]) -> tuple[float, float, float]:
    if sum(a * b for a, b in zip(turn, first, strict=True)) >= 0.0:
        return turn
    angle = math.sqrt(sum(v * v for v in turn))
    back = 1.0 - 2.0 * math.pi / angle
    return turn[0] * back, turn[1] * back, turn[2] * back


def _medians(rows: Sequence[tuple[float, float, float]]) -> tuple[float, float, float]:
    x, y, z = (median(column) for column in zip(*rows, strict=True))
    return x, y, z


def _turned_back(rotation: Matrix3, v: tuple[float, float, float]) -> tuple[float, float, float]:
    """R transposed times v."""
    x, y, z = (sum(rotation[row][column] * v[row] for row in range(3)) for column in range(3))
    return x, y, z


def _angle_deg(a: Matrix3, b: Matrix3) -> float:
    trace = sum(a[i][j] * b[i][j] for i in range(3) for j in range(3))
    return math.degrees(math.acos(max(-1.0, min(1.0, (trace - 1.0) / 2.0))))
