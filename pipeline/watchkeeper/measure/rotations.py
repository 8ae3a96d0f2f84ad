"""Rotations as the trace's contract defines its angles: R_head = Ry(yaw) Rx(-pitch) Rz(roll)."""

from __future__ import annotations

import math

import numpy as np

from watchkeeper.measure.points import Vector


def from_angles(yaw_deg: float, pitch_deg: float, roll_deg: float = 0.0) -> Vector:
    """(3, 3) head to vehicle rotation: columns are where the head's left, up and forward point."""
    y, p, r = math.radians(yaw_deg), -math.radians(pitch_deg), math.radians(roll_deg)
    cy, sy, cp, sp, cr, sr = math.cos(y), math.sin(y), math.cos(p), math.sin(p), math.cos(r), math.sin(r)
    return np.array([
        [cy * cr + sy * sp * sr, -cy * sr + sy * sp * cr, sy * cp],
        [cp * sr, cp * cr, -sp],
        [-sy * cr + cy * sp * sr, sy * sr + cy * sp * cr, cy * cp],
    ])  # fmt: skip


def to_angles(rotation: Vector) -> tuple[float, float, float]:
    """(yaw_deg, pitch_deg, roll_deg) of a (3, 3) rotation; the inverse of `from_angles` for |pitch| < 90."""
    yaw_deg, pitch_deg = direction_angles(float(rotation[0, 2]), float(rotation[1, 2]), float(rotation[2, 2]))
    return yaw_deg, pitch_deg, math.degrees(math.atan2(rotation[1, 0], rotation[1, 1]))


def direction_angles(x: float, y: float, z: float) -> tuple[float, float]:
    """(yaw_deg, pitch_deg) of a direction (left, up, forward) of any length."""
    return math.degrees(math.atan2(x, z)), math.degrees(math.atan2(y, math.hypot(x, z)))


def direction(yaw_deg: float, pitch_deg: float) -> Vector:
    """(3,) unit vector of a direction; the inverse of `direction_angles`."""
    y, p = math.radians(yaw_deg), math.radians(pitch_deg)
    return np.array([math.sin(y) * math.cos(p), math.sin(p), math.cos(y) * math.cos(p)])


def from_vector(w: Vector) -> Vector:
    """(3, 3) rotation by |w| radians about w (Rodrigues)."""
    angle = math.sqrt(float(w @ w))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = (float(v) / angle for v in w)
    s, c = math.sin(angle), math.cos(angle)
    d = 1.0 - c
    return np.array([
        [c + x * x * d, x * y * d - z * s, x * z * d + y * s],
        [y * x * d + z * s, c + y * y * d, y * z * d - x * s],
        [z * x * d - y * s, z * y * d + x * s, c + z * z * d],
    ])  # fmt: skip
