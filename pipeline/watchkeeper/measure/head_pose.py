"""Head pose: the rigid face model laid over the landmarks (perspective-n-point) by damped, robust Gauss-Newton.

The cost is the sum of w * rho(distance), the distance between seen and projected point at the face's depth in mm and
rho Cauchy's, so that a hidden or badly placed point loses its say. Levenberg 1944, Marquardt 1963 for the damping.
The search itself is native (kernels/head_pose.cc): in numpy it took longer than cutting the face out of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from watchkeeper._geometry import HeadPoseSolver
from watchkeeper.measure.camera import directions
from watchkeeper.measure.points import RIGID_INDICES, RIGID_MM, RIGID_WEIGHTS, Points, Vector
from watchkeeper.types import CameraGeometry

_CAUCHY_MM = 4.0  # twice the spread of a well placed point on the rendered drives
_WORST_FIT_MM = 12.0  # beyond this the points are no face seen from any side
_NEAREST_MM, _FARTHEST_MM = 150.0, 3000.0
_STEPS_WARM, _STEPS_COLD = 4, 25
_CONVERGED_RAD = 2e-4  # 0.01 degrees
_FACING_MOST = 0.2  # of the model's z axis along the camera's: a face that is seen shows its front

# Points that turn away lose their say, on a head turned by more than this. Chosen on rendered heads at up to 60 degrees
# (two seeds: mean yaw error from 40 degrees on 6.2 before, 5.2 after); a face seen from the front keeps all its points.
_TURNED_FROM_DEG, _TURNED_TO_DEG = 20.0, 40.0
_EDGE, _PLAIN, _HIDDEN_SAY = 0.3, 0.8, 0.02  # cosine between a point's outward direction and the way to the camera
_INSIDE_MM = np.array([0.0, -5.0, -75.0])  # about the middle of the head: outward is away from it
_OUTWARD = (RIGID_MM - _INSIDE_MM) / np.linalg.norm(RIGID_MM - _INSIDE_MM, axis=1, keepdims=True)


@dataclass(frozen=True, slots=True)
class HeadPose:
    """Head to camera: X_camera = rotation X_head + translation_mm. residual_mm: weighted root mean square misfit."""

    rotation: Vector
    translation_mm: Vector
    residual_mm: float


class HeadPoseFit:
    """Fits one frame after the other, each from where the last one ended. `forget` when the track was lost."""

    def __init__(self, camera: CameraGeometry) -> None:
        self._camera = camera
        self._solver = solver()
        self._last: HeadPose | None = None

    def forget(self) -> None:
        """The next fit starts from nothing."""
        self._last = None

    def fit(self, points: Points) -> HeadPose | None:
        """Pose of the head whose landmarks these are, or None when no pose explains them."""
        seen = directions(points[RIGID_INDICES, :2], self._camera)
        pose = None
        if self._last is not None:
            pose = self._refine(self._last.rotation, self._last.translation_mm, seen, _STEPS_WARM)
        if pose is None:
            rotation, translation = _start(points, seen, self._camera)
            pose = self._refine(rotation, translation, seen, _STEPS_COLD)
        self._last = pose
        return pose

    def _refine(self, rotation: Vector, translation: Vector, seen: Vector, steps: int) -> HeadPose | None:
        new_rotation, new_translation = np.empty((3, 3)), np.empty(3)
        residual_mm = self._solver.refine(rotation, translation, seen, steps, new_rotation, new_translation)
        return None if residual_mm is None else HeadPose(new_rotation, new_translation, residual_mm)


def _start(points: Points, seen: Vector, camera: CameraGeometry) -> tuple[Vector, Vector]:
    """A first pose: the rigid motion that best lays the model over the network's own three-dimensional points.

    Closed form after Kabsch 1976; the depth follows from the scale, the position from the means.
    """
    model = RIGID_MM - RIGID_MM.mean(axis=0)
    cloud = points[RIGID_INDICES].astype(np.float64)
    cloud -= cloud.mean(axis=0)
    u, s, vt = np.linalg.svd(model.T @ (RIGID_WEIGHTS[:, None] * cloud))
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt)) or 1.0])
    rotation = np.ascontiguousarray((u * sign @ vt).T)
    scale = float((s * sign).sum() / (RIGID_WEIGHTS[:, None] * model * model).sum())  # pixels a millimetre
    depth = camera.fx / max(scale, 1e-6)
    centre = seen.mean(axis=0) * depth
    return rotation, np.array([centre[0], centre[1], depth]) - rotation @ RIGID_MM.mean(axis=0)


def solver() -> HeadPoseSolver:
    """One of these constants; it holds working memory, so one for each thread."""
    return HeadPoseSolver(
        RIGID_MM, _OUTWARD, RIGID_WEIGHTS,
        cauchy_mm=_CAUCHY_MM, converged_rad=_CONVERGED_RAD, nearest_mm=_NEAREST_MM, farthest_mm=_FARTHEST_MM,
        worst_fit_mm=_WORST_FIT_MM, facing_most=_FACING_MOST, turned_deg=(_TURNED_FROM_DEG, _TURNED_TO_DEG),
        facing=(_EDGE, _PLAIN), hidden_say=_HIDDEN_SAY, inside_mm=_INSIDE_MM,
    )  # fmt: skip
