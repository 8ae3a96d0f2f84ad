"""Image pixels to directions in the camera's frame."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from watchkeeper.measure.points import Vector
from watchkeeper.types import CameraGeometry

_UNDISTORT_STEPS = 5


def directions(xy_px: NDArray[Any], camera: CameraGeometry) -> Vector:
    """(N, 2) pixel positions to (N, 2) positions on the plane z = 1 of the camera frame, lens distortion taken out.

    Distortion is the five-coefficient polynomial (k1, k2, p1, p2, k3) of Brown 1966 in OpenCV's order, inverted by
    fixed-point iteration, which converges for lenses where the polynomial is monotonic over the picture.
    """
    seen: Vector = np.asarray(xy_px, np.float64) - (camera.cx, camera.cy)
    seen /= (camera.fx, camera.fy)
    if not any(camera.distortion):
        return seen
    k1, k2, p1, p2, k3 = camera.distortion
    ideal: Vector = seen.copy()
    for _ in range(_UNDISTORT_STEPS):
        x, y = ideal[:, 0], ideal[:, 1]
        r2 = x * x + y * y
        radial = 1.0 + r2 * (k1 + r2 * (k2 + r2 * k3))
        dx = 2.0 * p1 * x * y + p2 * (r2 + 2.0 * x * x)
        dy = p1 * (r2 + 2.0 * y * y) + 2.0 * p2 * x * y
        ideal = (seen - np.stack([dx, dy], axis=1)) / radial[:, None]
    return ideal


def camera_for(camera: CameraGeometry, width: int, height: int) -> CameraGeometry:
    """The camera for frames of this size. One that nobody measured has its angle of view across the longer side."""
    if camera.mounting_known or height <= width:
        return camera.scaled_to(width, height)
    wide = camera.scaled_to(height, width)
    return CameraGeometry(
        width, height, wide.fx, wide.fy, wide.cy, wide.cx,
        wide.distortion, wide.rotation_vehicle_to_camera, wide.translation_mm, wide.mounting_known,
    )  # fmt: skip
