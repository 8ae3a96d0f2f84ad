"""Why the driver cannot be judged, when causes come and go."""

from __future__ import annotations

from watchkeeper.state import limits
from watchkeeper.state.visibility import Visibility
from watchkeeper.types import Cause, EyeState, Face, Head, ImageQuality, Measurement

FRAME_NS = 33_333_333
FACE = Face(1.0, (0.0, 0.0, 100.0, 100.0))


def _play(frames: list[Measurement], seen: bool = False) -> dict[Cause, int]:
    visibility, told = Visibility(), dict[Cause, int]()
    eye = EyeState.OPEN if seen else EyeState.UNKNOWN
    for m in frames:
        visibility.step(m, eye, eye, m.t_ns)
        told.setdefault(visibility.cause, m.t_ns)
    return told


def test_a_face_in_every_third_frame_is_told_as_the_cause_that_held_longest() -> None:
    frames = [Measurement(k * FRAME_NS, k, face=FACE if k % 3 == 0 else None, face_searched=True) for k in range(90)]
    told = _play(frames)
    assert set(told) == {Cause.NONE, Cause.NO_FACE}
    assert told[Cause.NO_FACE] <= limits.NO_FACE_AFTER.ns + 2 * FRAME_NS


def test_blind_for_less_than_the_limit_is_not_told() -> None:
    frames = [Measurement(k * FRAME_NS, k, face=FACE if k % 2 else None, face_searched=True) for k in range(40)]
    assert set(_play(frames)) == {Cause.NONE}


def test_seen_again_clears_it() -> None:
    visibility = Visibility()
    for k in range(60):
        visibility.step(
            Measurement(k * FRAME_NS, k, face=FACE if k % 2 else None, face_searched=True),
            EyeState.UNKNOWN, EyeState.UNKNOWN, k * FRAME_NS,
        )  # fmt: skip
    assert visibility.cause in (Cause.NO_FACE, Cause.EYES_HIDDEN)
    for k in range(60, 60 + int(limits.SEEN_AGAIN_AFTER.ns / FRAME_NS) + 3):
        visibility.step(
            Measurement(k * FRAME_NS, k, face=FACE, head=Head(0.0, 0.0, 0.0)),
            EyeState.OPEN, EyeState.OPEN, k * FRAME_NS,
        )  # fmt: skip
    assert visibility.cause.label == "None"


def test_a_black_picture_is_too_dark_and_a_grey_one_covered() -> None:
    def flat(level: float) -> list[Measurement]:
        image = ImageQuality(level, 0.0, 1.0)
        return [Measurement(k * FRAME_NS, k, image=image, face_searched=True) for k in range(90)]

    assert set(_play(flat(3.0))) == {Cause.NONE, Cause.TOO_DARK}
    assert set(_play(flat(60.0))) == {Cause.NONE, Cause.CAMERA_COVERED}
