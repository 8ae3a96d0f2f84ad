"""Is the eye to be seen where the landmarks say it is: dark or mirroring glasses, a hand, a plaster.

The landmark network places eyes behind sunglasses, too, and reads their lids as half open or closed. The picture itself
tells: an eye has skin round it, a dark crease of lashes or a pupil in it, open or closed. What is much darker than the
cheek beside it is a dark lens; what has nothing darker than the cheek is no eye.

Levels are shares of the cheek's median, so that light and skin tone drop out. The bounds stand between what nine clips
(five of people) show without and what sunglasses, lenses that mirror, plasters and hands show, rendered and composed:
75th percentile without 0.46 and more, behind dark lenses 0.27 and less; 5th percentile without 0.75 and less but for
single frames of an eye seen from the side, mirrored or covered 0.80 and more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watchkeeper._geometry import grey_levels
from watchkeeper.measure.points import LEFT_EYE, RIGHT_EYE, EyePoints, Points
from watchkeeper.types import Region

Histogram = NDArray[np.uint32]

_DARK_NOT, _DARK_WHOLE = 0.38, 0.27  # 75th percentile over the cheek's median: seen, not seen
_FLAT_NOT, _FLAT_WHOLE = 0.73, 0.83  # 5th percentile over the cheeks' mean
_PALM_NOT, _PALM_WHOLE = 0.86, 0.94  # 25th percentile over the same: a palm whose dark edge lies in the region
_EYE_WIDE, _EYE_HIGH = 1.2, 0.6  # of the distance between the corners
_CHEEKS = {LEFT_EYE.outer: (280, 330), RIGHT_EYE.outer: (50, 101)}
_LIPS = (61, 291)
_NEEDED = [
    *(point for eye in (RIGHT_EYE, LEFT_EYE) for point in (eye.outer, eye.inner, *_CHEEKS[eye.outer])), *_LIPS,
]  # fmt: skip
_Places = dict[int, list[float]]  # x, y of a landmark, image pixels
_LIPS_WIDE, _LIPS_HIGH = 1.1, 0.7
# Lips, open or closed, have their own dark line; how dark differs between people, so a hand shows by the change.
_MOUTH_FLAT, _MOUTH_CHANGE, _MOUTH_LEARN_S = 0.62, 0.12, 10.0
_FACE_NOT, _FACE_SURE = 0.6, 0.9
_SETTLE_S = 0.2
_HIGH_QUARTER_LOW, _MIDDLE, _LOW = [0.75, 0.25, 0.05], [0.5], [0.05]  # shares of the pixels
_DARKEST = 4.0  # grey levels: a cheek darker than this tells nothing


@dataclass(frozen=True, slots=True)
class Seen:
    """How surely (0..1) left eye, right eye and mouth are to be seen."""

    left: float = 1.0
    right: float = 1.0
    mouth: float = 1.0


def sight_regions(points: Points) -> list[Region]:
    """What to take the grey levels of: left, right eye, left, right cheek, mouth. `points` as in measure.points."""
    xy = dict(zip(_NEEDED, points[_NEEDED, :2].tolist(), strict=True))
    (rx, ry), (lx, ly) = xy[RIGHT_EYE.outer], xy[LEFT_EYE.outer]
    turned = math.atan2(ly - ry, lx - rx)
    (left, left_cheek), (right, right_cheek) = (_eye_and_cheek(xy, eye, turned) for eye in (LEFT_EYE, RIGHT_EYE))
    return [left, right, left_cheek, right_cheek, _between(xy, _LIPS, _LIPS_WIDE, _LIPS_HIGH, turned)]


class Sight:
    """Over time: single frames of motion blur or of a blink say nothing. `step` in order of time.

    A face of which the landmark network is not sure (p below 0.9; on faces in plain view it says 0.98 and more, with a
    hand over the eyes 0.6) is covered in part, and then the landmarks sit on what covers it.
    """

    def __init__(self) -> None:
        self._seen = [1.0, 1.0, 1.0]
        self._mouth_low: float | None = None  # how dark the darkest part of this driver's mouth is
        self._t_ns: int | None = None

    def step(
        self, eyes: tuple[Histogram, Histogram], cheeks: tuple[Histogram, Histogram], mouth: Histogram, face_p: float,
        t_ns: int,
    ) -> Seen:  # fmt: skip
        """Take the grey levels of a frame, (256,) counts each. A region without a cheek to compare keeps its value."""
        first = self._t_ns is None
        dt_s = 0.0 if self._t_ns is None else min(max(t_ns - self._t_ns, 0) / 1e9, 1.0)
        self._t_ns = t_ns
        share = 1.0 if first else -math.expm1(-dt_s / _SETTLE_S)
        skin = [_median(cheek) for cheek in cheeks]
        sure = max(0.0, min(1.0, (face_p - _FACE_NOT) / (_FACE_SURE - _FACE_NOT)))
        known = [level for level in skin if level is not None and level >= _DARKEST]
        for k, eye in enumerate(eyes):
            own = skin[k]
            if own is not None and own >= _DARKEST:
                now = min(eye_seen(eye, own, sum(known) / len(known)), sure)
                self._seen[k] += share * (now - self._seen[k])
        if known:
            now = self._mouth(mouth, sum(known) / len(known), dt_s)
            self._seen[2] += share * (now - self._seen[2])
        return Seen(*self._seen)

    def _mouth(self, mouth: Histogram, skin: float, dt_s: float) -> float:
        found = grey_levels(mouth, _LOW)
        if found is None:
            return 0.0
        low = found[0] / skin
        usual = self._mouth_low
        covered = low > max(_MOUTH_FLAT, 0.0 if usual is None else usual + _MOUTH_CHANGE)
        if not covered:
            learnt = -math.expm1(-dt_s / _MOUTH_LEARN_S)
            self._mouth_low = low if usual is None else usual + learnt * (low - usual)
        return 0.0 if covered else 1.0


def eye_seen(eye: Histogram, skin: float, face_skin: float) -> float:
    """0..1 from an eye's (256,) counts, the median grey level of the cheek below it, and both cheeks' mean.

    Both are above zero. A far cheek alone will not do: where it lies in shade a closed eye has nothing darker in it.
    """
    found = grey_levels(eye, _HIGH_QUARTER_LOW)
    if found is None:
        return 0.0  # outside the picture
    high, quarter, low = found
    dark = (high / skin - _DARK_WHOLE) / (_DARK_NOT - _DARK_WHOLE)
    flat = (_FLAT_WHOLE - low / face_skin) / (_FLAT_WHOLE - _FLAT_NOT)
    palm = (_PALM_WHOLE - quarter / face_skin) / (_PALM_WHOLE - _PALM_NOT)
    return max(0.0, min(1.0, dark, flat, palm))


def grey_levels_at(histogram: Histogram, *shares: float) -> list[float] | None:
    """Grey levels below which `shares` of the (256,) counts lie; None without any."""
    return grey_levels(histogram, list(shares))


def _median(histogram: Histogram) -> float | None:
    found = grey_levels(histogram, _MIDDLE)
    return None if found is None else found[0]


def _eye_and_cheek(xy: _Places, eye: EyePoints, turned: float) -> tuple[Region, Region]:
    place = _between(xy, (eye.outer, eye.inner), _EYE_WIDE, _EYE_HIGH, turned)
    (ax, ay), (bx, by) = (xy[point] for point in _CHEEKS[eye.outer])
    return place, Region((ax + bx) / 2, (ay + by) / 2, place.w, place.h, turned)


def _between(xy: _Places, ends: tuple[int, int], wide: float, high: float, turned: float) -> Region:
    (ax, ay), (bx, by) = (xy[end] for end in ends)
    apart = max(math.hypot(ax - bx, ay - by), 1.0)
    return Region((ax + bx) / 2, (ay + by) / 2, wide * apart, high * apart, turned)
