"""Head pose: the rigid face model laid over the landmarks (perspective-n-point) by damped, robust Gauss-Newton.

The cost is the sum of w * rho(distance), the distance between seen and projected point at the face's depth in mm and
rho Cauchy's, so that a hidden or badly placed point loses its say. Levenberg 1944, Marquardt 1963 for the damping.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from watchkeeper.measure import rotations
from watchkeeper.measure.camera import directions
from watchkeeper.measure.points import RIGID_INDICES, RIGID_MM, RIGID_WEIGHTS, Points, Vector
from watchkeeper.types import CameraGeometry

_CAUCHY_MM = 4.0  # twice the spread of a well placed point on the rendered drives
_WORST_FIT_MM = 12.0  # beyond this the points are no face seen from any side
_NEAREST_MM, _FARTHEST_MM = 150.0, 3000.0
_STEPS_WARM, _STEPS_COLD = 4, 25
_CONVERGED_RAD = 2e-4  # 0.01 degrees

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
        self._last: HeadPose | None = None

    def forget(self) -> None:
        """The next fit starts from nothing."""
        self._last = None

    def fit(self, points: Points) -> HeadPose | None:
        """Pose of the head whose landmarks these are, or None when no pose explains them."""
        seen = directions(points[RIGID_INDICES, :2], self._camera)
        pose = None
        if self._last is not None:
            pose = _refine(self._last.rotation, self._last.translation_mm, seen, _STEPS_WARM)
        if pose is None:
            rotation, translation = _start(points, seen, self._camera)
            pose = _refine(rotation, translation, seen, _STEPS_COLD)
        self._last = pose
        return pose


def _start(points: Points, seen: Vector, camera: CameraGeometry) -> tuple[Vector, Vector]:
    """A first pose: the rigid motion that best lays the model over the network's own three-dimensional points.

    Closed form after Kabsch 1976; the depth follows from the scale, the position from the means.
    """
    model = RIGID_MM - RIGID_MM.mean(axis=0)
    cloud = points[RIGID_INDICES].astype(np.float64)
    cloud -= cloud.mean(axis=0)
    u, s, vt = np.linalg.svd(model.T @ (RIGID_WEIGHTS[:, None] * cloud))
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt)) or 1.0])
    rotation = (u * sign @ vt).T
    scale = float((s * sign).sum() / (RIGID_WEIGHTS[:, None] * model * model).sum())  # pixels a millimetre
    depth = camera.fx / max(scale, 1e-6)
    centre = seen.mean(axis=0) * depth
    return rotation, np.array([centre[0], centre[1], depth]) - rotation @ RIGID_MM.mean(axis=0)


def _misfit(rotation: Vector, translation: Vector, seen: Vector) -> tuple[Vector, Vector, Vector, Vector]:
    turned = RIGID_MM @ rotation.T
    placed = turned + translation
    over_z = 1.0 / placed[:, 2]
    return turned, placed, over_z, placed[:, :2] * over_z[:, None] - seen


def _say(rotation: Vector, translation: Vector) -> Vector:
    """Weight of each point for a head that lies so: what a turned face hides is where the network guesses it to be."""
    centre = translation + rotation @ _INSIDE_MM
    away = centre / math.sqrt(float(centre @ centre))
    turn_deg = math.degrees(math.acos(max(-1.0, min(1.0, float(-away @ rotation[:, 2])))))
    share = max(0.0, min(1.0, (turn_deg - _TURNED_FROM_DEG) / (_TURNED_TO_DEG - _TURNED_FROM_DEG)))
    if share == 0.0:
        return RIGID_WEIGHTS
    facing = -(_OUTWARD @ rotation.T) @ away
    shown = np.clip((facing - _EDGE) / (_PLAIN - _EDGE), _HIDDEN_SAY, 1.0)
    return np.asarray(RIGID_WEIGHTS * (1.0 - share + share * shown))


def _cost(miss: Vector, depth: float, say: Vector) -> tuple[float, Vector]:
    """Robust cost in mm^2 and each point's weight under it."""
    square = (miss * miss).sum(axis=1) * (depth / _CAUCHY_MM) ** 2
    cost = float((say * np.log1p(square)).sum()) * _CAUCHY_MM**2
    return cost, say / (1.0 + square)


def _refine(rotation: Vector, translation: Vector, seen: Vector, steps: int) -> HeadPose | None:
    depth = float(translation[2])
    turned, placed, over_z, miss = _misfit(rotation, translation, seen)
    say = _say(rotation, translation)  # of where it starts: a cost that changed under way would never settle
    cost, weight = _cost(miss, depth, say)
    damping = 1e-4
    n = len(RIGID_MM)
    jacobian = np.zeros((n, 2, 6))
    scale = np.array([1.0, 1.0, 1.0, depth, depth, depth])  # lengths in units of the depth: comparable to radians
    for _ in range(steps):
        x_z, y_z = placed[:, 0] * over_z, placed[:, 1] * over_z
        tx, ty, tz = turned[:, 0] * over_z, turned[:, 1] * over_z, turned[:, 2] * over_z
        # d placed / d w = -[turned]_x for a small rotation w from the left, d placed / d t = 1
        jacobian[:, 0, 0] = -x_z * ty
        jacobian[:, 0, 1] = tz + x_z * tx
        jacobian[:, 0, 2] = -ty
        jacobian[:, 1, 0] = -tz - y_z * ty
        jacobian[:, 1, 1] = y_z * tx
        jacobian[:, 1, 2] = tx
        jacobian[:, 0, 3] = jacobian[:, 1, 4] = over_z * depth
        jacobian[:, 0, 5] = -x_z * over_z * depth
        jacobian[:, 1, 5] = -y_z * over_z * depth
        flat = jacobian.reshape(2 * n, 6)
        weighted = flat * np.repeat(weight, 2)[:, None]
        normal = weighted.T @ flat
        normal.flat[::7] *= 1.0 + damping
        step = -np.linalg.solve(normal, weighted.T @ miss.reshape(2 * n))
        new_rotation = rotations.from_vector(step[:3]) @ rotation
        new_translation = translation + step[3:] * scale[3:]
        if new_translation[2] < _NEAREST_MM / 3 or not np.isfinite(step).all():
            return None
        trial = _misfit(new_rotation, new_translation, seen)
        new_cost, new_weight = _cost(trial[3], depth, say)
        if new_cost > cost:
            damping = max(damping, 1e-3) * 10.0
            if damping > 1e3:
                break
            continue
        rotation, translation = new_rotation, new_translation
        (turned, placed, over_z, miss), cost, weight = trial, new_cost, new_weight
        damping *= 0.1
        if float(np.abs(step).max()) < _CONVERGED_RAD:
            break
    total = float(weight.sum())
    residual = float(np.sqrt((weight * (miss * miss).sum(axis=1)).sum() / max(total, 1e-9))) * float(translation[2])
    # A face that is seen shows its front: the model's z axis comes towards the camera.
    if rotation[2, 2] > 0.2 or residual > _WORST_FIT_MM or not _NEAREST_MM < translation[2] < _FARTHEST_MM:
        return None
    return HeadPose(rotation, translation, residual)
