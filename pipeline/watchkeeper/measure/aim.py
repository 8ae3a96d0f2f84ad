"""Where a face stands in the picture and how large its eyes are there: what who mounts a camera needs to know."""

from __future__ import annotations

import math

import numpy as np

from watchkeeper.measure import rotations
from watchkeeper.measure.camera import directions
from watchkeeper.measure.head_pose import HeadPose
from watchkeeper.measure.points import EyePoints, Points, Vector
from watchkeeper.types import AimEye, AimPose, CameraGeometry


def eye_in_picture(points: Points, eye: EyePoints, seen: float) -> AimEye:
    """Opening and width of `eye` in image pixels. seen: its p_visible, 0..1."""
    across = points[eye.inner, :2] - points[eye.outer, :2]
    width_px = float(np.hypot(across[0], across[1]))
    # the gap square to the line between the corners: lids that lie shifted along it are not further open
    lids = points[list(eye.lower), :2].mean(axis=0) - points[list(eye.upper), :2].mean(axis=0)
    gap_px = abs(float(across[0] * lids[1] - across[1] * lids[0])) / max(width_px, 1.0)
    return AimEye(gap_px, width_px, seen)


def off_axis(x_px: float, y_px: float, camera: CameraGeometry) -> tuple[float, float]:
    """(right_deg, down_deg) of an image position from the lens's axis, lens distortion taken out."""
    x, y = (float(v) for v in directions(np.array([[x_px, y_px]]), camera)[0])
    return math.degrees(math.atan(x)), math.degrees(math.atan(y))


def pose_in_picture(pose: HeadPose) -> AimPose:
    """The pose in numbers, and from where the camera looks at the face."""
    to_camera = -pose.rotation.T @ pose.translation_mm
    left_deg, above_deg = rotations.direction_angles(*(float(v) for v in to_camera))
    # where the face's own left and down go in the picture (x right, y down)
    tilt_deg = math.degrees(math.atan2(float(pose.rotation[1, 0]), float(pose.rotation[0, 0])))
    rx, ry, rz = to_vector(pose.rotation)
    x, y, z = (float(v) for v in pose.translation_mm)
    return AimPose(rx, ry, rz, x, y, z, left_deg, above_deg, tilt_deg)


def to_vector(rotation: Vector) -> tuple[float, float, float]:
    """The rotation vector (rad) of a (3, 3) rotation: the inverse of rotations.from_vector, by its quaternion.

    Shepperd 1978: the largest of the four parts is taken from the diagonal, so half a turn is as exact as none, which
    matters here: a face that looks into the lens is turned by half a turn against it.
    """
    m = rotation
    trace = float(m[0, 0] + m[1, 1] + m[2, 2])
    squares = np.array([trace, m[0, 0], m[1, 1], m[2, 2]])
    k = int(squares.argmax())
    if k == 0:
        q = np.array([1.0 + trace, m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]])
    else:
        i, j, n = k - 1, k % 3, (k + 1) % 3
        q = np.zeros(4)
        q[0] = m[n, j] - m[j, n]
        q[1 + i] = 1.0 + m[i, i] - m[j, j] - m[n, n]
        q[1 + j] = m[j, i] + m[i, j]
        q[1 + n] = m[n, i] + m[i, n]
    q = q / math.sqrt(float(q @ q))
    if q[0] < 0.0:
        q = -q
    length = math.sqrt(float(q[1:] @ q[1:]))
    angle = 2.0 * math.atan2(length, float(q[0]))
    x, y, z = (float(v) * (angle / length if length > 1e-12 else 2.0) for v in q[1:])
    return x, y, z
