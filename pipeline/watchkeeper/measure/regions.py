"""The square the landmark network looks at: made as its makers made it, or the landmarks lose accuracy.

MediaPipe's convention: 1.5 times the longer side of the face's box, turned so that the line between the eyes is level.
"""

from __future__ import annotations

import math

from watchkeeper._geometry import bounds, place_landmarks
from watchkeeper.measure.face import Detection
from watchkeeper.measure.points import LEFT_EYE, RIGHT_EYE, Points
from watchkeeper.types import Region

_MARGIN = 1.5
_SMALLEST_SIDE_PX = 40.0
_EYES_APART = (0.10, 0.90)  # outer eye corners, as a share of the box's longer side


def from_detection(face: Detection) -> Region:
    """Where to look for landmarks of a detected face."""
    x, y, w, h = face.box_px
    (rx, ry), (lx, ly) = face.right_eye_px, face.left_eye_px
    side = _MARGIN * max(w, h)
    return Region(x + w / 2, y + h / 2, side, side, math.atan2(ly - ry, lx - rx))


def box(points: Points) -> tuple[float, float, float, float]:
    """x, y, width, height of all landmarks, image pixels. Raises ValueError where one of them is not finite."""
    found = bounds(points)
    if found is None:
        raise ValueError("landmarks: expected finite numbers")
    return _sized(found)


def from_landmarks(points: Points, width: int, height: int) -> Region | None:
    """Where to look in the next frame, or None when the landmarks are no plausible face in this picture."""
    found = bounds(points)
    if found is None:
        return None
    x, y, w, h = _sized(found)
    side = max(w, h)
    rx, ry = (float(v) for v in points[RIGHT_EYE.outer, :2])
    lx, ly = (float(v) for v in points[LEFT_EYE.outer, :2])
    apart = math.hypot(lx - rx, ly - ry) / max(side, 1e-6)
    inside = 0.0 < x + w / 2 < width and 0.0 < y + h / 2 < height
    sized = _SMALLEST_SIDE_PX <= _MARGIN * side <= 3.0 * max(width, height)
    if not (inside and sized and _EYES_APART[0] < apart < _EYES_APART[1]):
        return None
    return Region(x + w / 2, y + h / 2, _MARGIN * side, _MARGIN * side, math.atan2(ly - ry, lx - rx))


def to_image(raw: Points, side_px: float, region: Region, out: Points) -> Points:
    """Landmarks in the network's input pixels (x, y, z) to image pixels, written to `out` and returned.

    z keeps the scale of x; the region is square.
    """
    scale = region.w / side_px
    c, s = math.cos(region.rotation_rad) * scale, math.sin(region.rotation_rad) * scale
    place_landmarks(raw, side_px / 2, c, s, scale, region.cx, region.cy, out)
    return out


def _sized(corners: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    left, top, right, bottom = corners
    return left, top, right - left, bottom - top
