"""Where the camera stands, from a face that looks straight ahead: lines for the vehicle's geometry file. Pure.

A head that looks down the road is the vehicle's frame: x to the driver's left, y up, z forward. So its pose in the
camera is the mounting, as well as a person looks ahead (2 to 5 degrees) and sits as others will.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from watchkeeper.measure import rotations
from watchkeeper.measure.points import Vector
from watchkeeper.types import AimPose, CameraGeometry

STEADY_DEG = 3.0
STEADY_MM = 25.0
SAMPLES_MIN = 15


@dataclass(frozen=True, slots=True)
class Mounting:
    """X_camera = rotation X_vehicle + t with t = -rotation position, as `[mounting]` has it: (3, 3) and (3,) mm.
    spread_*: what 19 of 20 samples lie within."""

    rotation: Vector
    position_mm: Vector
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
    turns = np.array([(p.rx_rad, p.ry_rad, p.rz_rad) for p in poses])
    # near half a turn w and w - 2 pi w/|w| are the same rotation: all to the side of the first
    away = turns @ turns[0] < 0.0
    turns[away] *= 1.0 - 2.0 * math.pi / np.linalg.norm(turns[away], axis=1, keepdims=True)
    rotation = rotations.from_vector(np.median(turns, axis=0))
    place, places = _place(poses), _places(poses)
    # the difference of two rotation vectors is no angle near half a turn; the matrices' trace is
    angles = sorted(_angle_deg(rotations.from_vector(turn), rotation) for turn in turns)
    ways = np.sort(np.linalg.norm(places - place, axis=1))
    last = len(poses) - 1 - len(poses) // 20
    return Mounting(rotation, -rotation.T @ place, angles[last], float(ways[last]), len(poses))


def off_place_mm(poses: Sequence[AimPose], camera: CameraGeometry) -> tuple[float, float, float] | None:
    """The face's median place in the vehicle frame, whose origin is the nominal one; None without a pose or where
    nobody measured the mounting."""
    if not poses or not camera.mounting_known:
        return None
    found = np.array(camera.rotation_vehicle_to_camera).T @ (_place(poses) - np.array(camera.translation_mm))
    left, up, ahead = (float(v) for v in found)
    return left, up, ahead


def _places(poses: Sequence[AimPose]) -> Vector:
    return np.array([(p.x_mm, p.y_mm, p.z_mm) for p in poses])


def _place(poses: Sequence[AimPose]) -> Vector:
    return np.asarray(np.median(_places(poses), axis=0))


def _angle_deg(a: Vector, b: Vector) -> float:
    return math.degrees(math.acos(max(-1.0, min(1.0, (float(np.trace(a.T @ b)) - 1.0) / 2.0))))
