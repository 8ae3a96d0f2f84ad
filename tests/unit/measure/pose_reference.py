"""The slow, obvious form of kernels/head_pose.cc: the same search in numpy, against which that is checked."""

from __future__ import annotations

import math

import numpy as np

from watchkeeper.measure import head_pose, rotations
from watchkeeper.measure.head_pose import HeadPose
from watchkeeper.measure.points import RIGID_MM, RIGID_WEIGHTS, Vector


def _misfit(rotation: Vector, translation: Vector, seen: Vector) -> tuple[Vector, Vector, Vector, Vector]:
    turned = RIGID_MM @ rotation.T
    placed = turned + translation
    over_z = 1.0 / placed[:, 2]
    return turned, placed, over_z, placed[:, :2] * over_z[:, None] - seen


def _say(rotation: Vector, translation: Vector) -> Vector:
    """Weight of each point for a head that lies so: what a turned face hides is where the network guesses it to be."""
    centre = translation + rotation @ head_pose._INSIDE_MM
    away = centre / math.sqrt(float(centre @ centre))
    turn_deg = math.degrees(math.acos(max(-1.0, min(1.0, float(-away @ rotation[:, 2])))))
    share = max(
        0.0, min(1.0, (turn_deg - head_pose._TURNED_FROM_DEG) / (head_pose._TURNED_TO_DEG - head_pose._TURNED_FROM_DEG))
    )
    if share == 0.0:
        return RIGID_WEIGHTS
    facing = -(head_pose._OUTWARD @ rotation.T) @ away
    shown = np.clip((facing - head_pose._EDGE) / (head_pose._PLAIN - head_pose._EDGE), head_pose._HIDDEN_SAY, 1.0)
    return np.asarray(RIGID_WEIGHTS * (1.0 - share + share * shown))


def _cost(miss: Vector, depth: float, say: Vector) -> tuple[float, Vector]:
    """Robust cost in mm^2 and each point's weight under it."""
    square = (miss * miss).sum(axis=1) * (depth / head_pose._CAUCHY_MM) ** 2
    cost = float((say * np.log1p(square)).sum()) * head_pose._CAUCHY_MM**2
    return cost, say / (1.0 + square)


def refine(rotation: Vector, translation: Vector, seen: Vector, steps: int) -> HeadPose | None:
    """As HeadPoseSolver.refine."""
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
        if new_translation[2] < head_pose._NEAREST_MM / 3 or not np.isfinite(step).all():
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
        if float(np.abs(step).max()) < head_pose._CONVERGED_RAD:
            break
    total = float(weight.sum())
    residual = float(np.sqrt((weight * (miss * miss).sum(axis=1)).sum() / max(total, 1e-9))) * float(translation[2])
    # A face that is seen shows its front: the model's z axis comes towards the camera.
    if (
        rotation[2, 2] > head_pose._FACING_MOST
        or residual > head_pose._WORST_FIT_MM
        or not head_pose._NEAREST_MM < translation[2] < head_pose._FARTHEST_MM
    ):
        return None
    return HeadPose(rotation, translation, residual)
