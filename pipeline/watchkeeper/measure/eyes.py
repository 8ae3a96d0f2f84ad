"""Eyes: lid gap in millimetres, eyeball direction in the head, and whether the camera can see the eye at all."""

from __future__ import annotations

import math
from dataclasses import dataclass

from watchkeeper.measure.head_pose import HeadPose
from watchkeeper.measure.points import EyePoints, Vector

# Eye in the head frame of points.py, mm: the middle of the lids as the network places it.
_LIDS_X_MM, _LIDS_Y_MM, _LIDS_Z_MM = 34.0, 8.0, -3.0

# Eyeball centre relative to the point between the eye corners, mm (x away from the nose), and the distance from there
# to the iris. The anatomical figures (about 10 mm behind the corners, radius to the iris 10-11.5 mm) were the start;
# these minimise the gaze error over rendered drives, which takes in where the network puts corners and irises.
_BALL_X_MM, _BALL_Y_MM, _BALL_Z_MM, _BALL_R_MM = 1.3, 1.75, -9.0, 12.6

# The far eye disappears behind the nose, and the lids of an eye seen from the side are guesses of the network: sight of
# an eye ends between these angles from its own outward axis, which points this much to the side.
_EYE_AXIS_RAD, _SEEN_WHOLE_DEG, _SEEN_NOT_DEG = math.radians(15.0), 50.0, 75.0


@dataclass(frozen=True, slots=True)
class EyeShape:
    """One eye in one frame, before anything is known about its driver.

    aperture_mm: gap between the lids along the head's y axis, below zero when the network crosses them.
    yaw_deg, pitch_deg: eyeball direction in the head frame as the iris shows it, before gaze.py corrects it.
    p_visible: 0..1. camera_up_deg: how far above the face's own level the camera sees this eye from.
    """

    aperture_mm: float
    yaw_deg: float
    pitch_deg: float
    p_visible: float
    camera_up_deg: float


def measure_eye(seen: Vector, pose: HeadPose, eye: EyePoints) -> EyeShape:
    """Shape of `eye`; `seen` are all landmarks on the plane z = 1 of the camera frame (camera.directions)."""
    (r00, r01, r02), (r10, r11, r12), (r20, r21, r22) = pose.rotation.tolist()
    tx, ty, tz = pose.translation_mm.tolist()
    lx, ly, lz = eye.side * _LIDS_X_MM, _LIDS_Y_MM, _LIDS_Z_MM
    x, y, z = (
        r00 * lx + r01 * ly + r02 * lz + tx,
        r10 * lx + r11 * ly + r12 * lz + ty,
        r20 * lx + r21 * ly + r22 * lz + tz,
    )

    # Where one millimetre along the head's y axis goes at the eye.
    up_x, up_y = (r01 - x / z * r21) / z, (r11 - y / z * r21) / z
    # as plain numbers: each step with numpy's own scalars costs ten times as much
    (ox, oy), (nx, ny), (ix, iy), *lids = seen[[eye.outer, eye.inner, eye.iris, *eye.upper, *eye.lower]].tolist()
    lines = len(eye.upper)
    gap = 0.0
    for (ux, uy), (wx, wy) in zip(lids[:lines], lids[lines:], strict=True):
        gap += (ux - wx) * up_x + (uy - wy) * up_y
    aperture_mm = gap / lines / (up_x * up_x + up_y * up_y)

    # Eyeball centre from the corners, then the iris's ray onto the eyeball.
    bx, by, bz = eye.side * _BALL_X_MM, _BALL_Y_MM, _BALL_Z_MM
    cx = (ox + nx) / 2 * z + r00 * bx + r01 * by + r02 * bz
    cy = (oy + ny) / 2 * z + r10 * bx + r11 * by + r12 * bz
    cz = z + r20 * bx + r21 * by + r22 * bz
    length = math.sqrt(ix * ix + iy * iy + 1.0)
    ix, iy, iz = ix / length, iy / length, 1.0 / length
    along = ix * cx + iy * cy + iz * cz
    inside = _BALL_R_MM**2 - (cx * cx + cy * cy + cz * cz - along * along)
    distance = along - math.sqrt(max(inside, 0.0))  # a ray past the eyeball: its nearest point
    gx, gy, gz = ix * distance - cx, iy * distance - cy, iz * distance - cz
    hx, hy, hz = r00 * gx + r10 * gy + r20 * gz, r01 * gx + r11 * gy + r21 * gz, r02 * gx + r12 * gy + r22 * gz
    yaw_deg = math.degrees(math.atan2(hx, hz))
    pitch_deg = math.degrees(math.atan2(hy, math.hypot(hx, hz)))

    # The way from the eye to the camera, in the head frame, against the eye's outward axis.
    away = math.sqrt(x * x + y * y + z * z)
    vx, vy, vz = (
        -(r00 * x + r10 * y + r20 * z) / away,
        -(r01 * x + r11 * y + r21 * z) / away,
        -(r02 * x + r12 * y + r22 * z) / away,
    )
    facing = vx * eye.side * math.sin(_EYE_AXIS_RAD) + vz * math.cos(_EYE_AXIS_RAD)
    angle_deg = math.degrees(math.acos(max(-1.0, min(1.0, facing))))
    p_visible = max(0.0, min(1.0, (_SEEN_NOT_DEG - angle_deg) / (_SEEN_NOT_DEG - _SEEN_WHOLE_DEG)))
    camera_up_deg = math.degrees(math.atan2(vy, math.hypot(vx, vz)))
    return EyeShape(aperture_mm, yaw_deg, pitch_deg, p_visible, camera_up_deg)
