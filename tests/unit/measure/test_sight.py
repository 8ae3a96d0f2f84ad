"""Can the eye be seen, from grey levels alone: bounds, time, and what a driver's own mouth looks like."""

from __future__ import annotations

import numpy as np
import pytest

from watchkeeper.measure.points import LANDMARK_COUNT, LEFT_EYE, RIGHT_EYE, Points
from watchkeeper.measure.sight import Histogram, Seen, Sight, eye_seen, sight_regions


def _levels(*shares: tuple[int, float]) -> Histogram:
    """(grey level, share) pairs as counts."""
    counts = np.zeros(256, np.uint32)
    for level, share in shares:
        counts[level] += round(1000 * share)
    return counts


SKIN = _levels((120, 1.0))
EYE = _levels((30, 0.1), (70, 0.3), (110, 0.6))  # pupil and lashes, iris, skin and white
CLOSED = _levels((55, 0.1), (100, 0.9))  # lashes and lids
DARK_LENS = _levels((5, 0.5), (15, 0.5))
MIRROR = _levels((130, 0.5), (220, 0.5))
PALM = _levels((115, 0.5), (120, 0.5))
LIPS = _levels((60, 0.2), (100, 0.8))
BEARD_LINE = _levels((85, 0.2), (110, 0.8))  # lips of low contrast: 0.71 of the cheek


@pytest.mark.parametrize("eye", [EYE, CLOSED])
def test_an_eye_is_seen_open_or_closed(eye: Histogram) -> None:
    assert eye_seen(eye, 120.0, 120.0) == 1.0


@pytest.mark.parametrize("cover", [DARK_LENS, MIRROR, PALM, np.zeros(256, np.uint32)])
def test_lenses_and_palms_are_no_eyes(cover: Histogram) -> None:
    assert eye_seen(cover, 120.0, 120.0) < 0.2


@pytest.mark.parametrize("light", [0.3, 1.0, 2.0])
def test_light_drops_out(light: float) -> None:
    def lit(levels: Histogram) -> Histogram:
        counts = np.zeros(256, np.uint32)
        for level in np.flatnonzero(levels):
            counts[min(round(light * int(level)), 255)] += levels[level]
        return counts

    assert eye_seen(lit(EYE), 120.0 * light, 120.0 * light) == 1.0
    assert eye_seen(lit(DARK_LENS), 120.0 * light, 120.0 * light) == 0.0


def test_a_closed_far_eye_beside_a_cheek_in_shade_is_an_eye() -> None:
    far = _levels((55, 0.1), (62, 0.9))
    assert eye_seen(far, 60.0, 60.0) < 0.1  # by its own cheek alone it would be a palm
    assert eye_seen(far, 60.0, 90.0) == 1.0


def _run(sight: Sight, eye: Histogram, mouth: Histogram, start_ns: int, frames: int, p: float = 1.0) -> Seen:
    seen = Seen()
    for k in range(frames):
        seen = sight.step((eye, eye), (SKIN, SKIN), mouth, p, start_ns + k * 33_000_000)
    return seen


def test_one_frame_says_little_a_fifth_of_a_second_enough() -> None:
    sight = Sight()
    assert _run(sight, EYE, LIPS, 0, 30) == Seen(1.0, 1.0, 1.0)
    assert _run(sight, DARK_LENS, LIPS, 30 * 33_000_000, 1).left > 0.5
    assert _run(sight, DARK_LENS, LIPS, 31 * 33_000_000, 6).left < 0.5


def test_frames_that_are_further_apart_count_for_more() -> None:
    slow, fast = Sight(), Sight()
    for sight in (slow, fast):
        _run(sight, EYE, LIPS, 0, 2)
    after_slow = slow.step((DARK_LENS, EYE), (SKIN, SKIN), LIPS, 1.0, 233_000_000)
    for k in range(1, 7):
        after_fast = fast.step((DARK_LENS, EYE), (SKIN, SKIN), LIPS, 1.0, 33_000_000 + k * 33_333_333)
    assert after_slow.left == pytest.approx(after_fast.left, abs=0.01)
    assert after_slow.right == 1.0


def test_a_face_that_the_network_doubts_has_no_eyes_to_judge() -> None:
    sight = Sight()
    _run(sight, EYE, LIPS, 0, 5)
    assert _run(sight, EYE, LIPS, 5 * 33_000_000, 20, p=0.6).right < 0.1


def test_a_hand_before_the_mouth_shows_by_the_change() -> None:
    sight = Sight()
    assert _run(sight, EYE, LIPS, 0, 60).mouth == 1.0
    covered = _run(sight, EYE, PALM, 60 * 33_000_000, 20)
    assert covered.mouth < 0.1
    assert covered.left == 1.0


def test_lips_of_low_contrast_are_no_hand() -> None:
    sight = Sight()
    usual = _levels((76, 0.2), (100, 0.8))  # 0.63 of the cheek with a face that has just come: not known yet
    _run(sight, EYE, LIPS, 0, 2)
    assert _run(sight, EYE, usual, 10**8, 3).mouth < 1.0
    learnt = Sight()
    _run(learnt, EYE, _levels((73, 0.2), (110, 0.8)), 0, 3)  # 0.61
    assert _run(learnt, EYE, BEARD_LINE, 10**8, 40).mouth == pytest.approx(1.0)


def test_a_black_picture_changes_nothing() -> None:
    sight = Sight()
    black = _levels((1, 1.0))
    _run(sight, EYE, LIPS, 0, 10)
    assert sight.step((black, black), (black, black), black, 1.0, 10**9) == Seen(1.0, 1.0, 1.0)


def test_regions_follow_the_face() -> None:
    points: Points = np.zeros((LANDMARK_COUNT, 3), np.float32)
    for eye, x in ((RIGHT_EYE, 100.0), (LEFT_EYE, 160.0)):
        points[eye.outer, :2] = x - eye.side * -15.0, 100.0
        points[eye.inner, :2] = x + eye.side * -15.0, 100.0
    left, right, *_ = sight_regions(points)
    assert (left.cx, left.cy) == (160.0, 100.0)
    assert (right.cx, right.cy) == (100.0, 100.0)
    assert left.w == pytest.approx(36.0)
    assert left.rotation_rad == 0.0
