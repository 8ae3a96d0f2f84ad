"""From the face detector's raw output to faces, and to the one that is the driver.

BlazeFace (Bazarevsky et al. 2019): two anchor grids over a 128 x 128 input, boxes and six key points relative to them;
overlapping answers are averaged by score ("blending"), which is steadier than keeping the best.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watchkeeper.types import CameraGeometry, Region

INPUT_PX = 128
ANCHORS = 896
_GRIDS = ((16, 2), (8, 6))  # cells a side, anchors a cell
_SCORE = 0.5
_OVERLAP = 0.3
Numbers = NDArray[np.float32]

# The detector's box is about as wide as a face with its ears. Seats and people differ: heads lie within 300 mm to each
# side and height of the nominal place and at 0.55 to 1.8 times its distance, ellipsoid; a rear seat is 700 mm behind.
_FACE_MM, _REGION_SIDE_MM, _REGION_DEPTH = 150.0, 300.0, 1.8


def _anchor_centres() -> Numbers:
    centres = []
    for cells, each in _GRIDS:
        grid = (np.arange(cells) + 0.5) / cells
        y, x = np.meshgrid(grid, grid, indexing="ij")
        centres.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), each, axis=0))
    return np.concatenate(centres).astype(np.float32)


_CENTRES = _anchor_centres()


@dataclass(frozen=True, slots=True)
class Detection:
    """One face in image pixels. box_px: x, y, width, height. The eyes are the driver's own right and left."""

    score: float
    box_px: tuple[float, float, float, float]
    right_eye_px: tuple[float, float]
    left_eye_px: tuple[float, float]


def decode(regressors: Numbers, logits: Numbers, region: Region) -> list[Detection]:
    """Faces, best first. regressors: (896, 16), logits: (896,); region: the unrotated square the input was cut from.

    Raises ValueError when the outputs have another size.
    """
    values, scores = regressors.reshape(-1, 16), logits.reshape(-1)
    if len(values) != ANCHORS or len(scores) != ANCHORS:
        raise ValueError(f"face detector: expected {ANCHORS} anchors, got {len(values)} and {len(scores)}")
    kept = np.flatnonzero(scores > math.log(_SCORE / (1.0 - _SCORE)))
    if len(kept) == 0:
        return []
    kept = kept[np.argsort(-scores[kept], kind="stable")]
    p = 1.0 / (1.0 + np.exp(-scores[kept].astype(np.float64)))
    # columns: centre x, y, width, height, then six key points; all as shares of the input's side
    faces = values[kept].astype(np.float64) / INPUT_PX
    faces[:, :2] += _CENTRES[kept]
    faces[:, 4:] += np.tile(_CENTRES[kept], 6)
    found = []
    left = np.arange(len(kept))
    while len(left):
        same = _overlap(faces[left[0]], faces[left]) > _OVERLAP
        same[0] = True
        group, left = left[same], left[~same]
        blended = np.average(faces[group], axis=0, weights=p[group])
        found.append(_detection(float(p[group[0]]), blended, region))
    return found


def choose_driver(faces: list[Detection], camera: CameraGeometry) -> Detection | None:
    """The face that is the driver's, or None when there is none; `camera` as it delivers the picture.

    Where the mounting is known the driver sits at the vehicle frame's origin, and a face counts by how near to it it
    lies: beside it as the picture shows, behind it by the face's size. One beyond the driver's region is a passenger's,
    also when it is the only one. Where nobody measured the mounting the camera is taken to point at the driver: large
    and near the middle wins.
    """
    if not camera.mounting_known:
        return max(faces, key=lambda face: _central(face, camera), default=None)
    near = [(off, face) for face in faces if (off := _from_seat(face, camera)) <= 1.0]
    return min(near, key=lambda pair: pair[0])[1] if near else None


def _central(face: Detection, camera: CameraGeometry) -> float:
    x, y, w, h = face.box_px
    off = math.hypot((x + w / 2) / camera.width - 0.5, (y + h / 2) / camera.height - 0.5)
    return w * h * math.exp(-((off / 0.35) ** 2))


def _from_seat(face: Detection, camera: CameraGeometry) -> float:
    """Distance from the nominal head centre; 1 is the edge of the driver's region."""
    x, y, w, h = face.box_px
    sx, sy, sz = camera.translation_mm  # the vehicle frame's origin, seen from the camera
    if sz <= 0.0 or max(w, h) <= 0.0:
        return math.inf
    depth = camera.fx * _FACE_MM / max(w, h)
    aside = ((x + w / 2 - camera.cx) / camera.fx * depth - sx) / _REGION_SIDE_MM
    above = ((y + h / 2 - camera.cy) / camera.fy * depth - sy) / _REGION_SIDE_MM
    behind = math.log(depth / sz) / math.log(_REGION_DEPTH)
    return math.sqrt(aside * aside + above * above + behind * behind)


def _overlap(one: NDArray[np.float64], many: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of one box with each of many (centre x, y, width, height)."""
    low = np.maximum(one[:2] - one[2:4] / 2, many[:, :2] - many[:, 2:4] / 2)
    high = np.minimum(one[:2] + one[2:4] / 2, many[:, :2] + many[:, 2:4] / 2)
    common = np.clip(high - low, 0.0, None).prod(axis=1)
    union = one[2:4].prod() + many[:, 2:4].prod(axis=1) - common
    return np.asarray(common / np.maximum(union, 1e-12))


def _detection(score: float, face: NDArray[np.float64], region: Region) -> Detection:
    x, y = region.to_image(face[0] - face[2] / 2, face[1] - face[3] / 2)
    right, left = region.to_image(face[4], face[5]), region.to_image(face[6], face[7])
    return Detection(score, (x, y, float(face[2] * region.w), float(face[3] * region.h)), right, left)
