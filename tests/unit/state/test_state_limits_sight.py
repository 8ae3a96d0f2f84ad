"""The figures by which it is told that the driver cannot be seen, at the edge of each."""

from __future__ import annotations

import pytest

from watchkeeper.state.visibility import Visibility
from watchkeeper.types import Cause, EyeState, Face, ImageQuality, Measurement

MS = 1_000_000
BOX = (0.0, 0.0, 100.0, 100.0)
FACE = Face(1.0, BOX)
OPEN, UNKNOWN = EyeState.OPEN, EyeState.UNKNOWN
GOOD = ImageQuality(100.0, 0.0, 0.0)


def _told_after_ms(m: Measurement, cause: Cause, frame_ms: int = 10) -> int:
    """From the first frame of it on, 1 s after the driver was last seen; -1 when not within 20 s."""
    visibility = Visibility()
    visibility.step(Measurement(0, face=FACE, image=GOOD), OPEN, OPEN, 0)
    for t_ms in range(frame_ms, 1001, frame_ms):
        visibility.step(Measurement(0, face=FACE, image=GOOD), OPEN, OPEN, t_ms * MS)
        assert visibility.cause is Cause.NONE
    for t_ms in range(1000 + frame_ms, 21_000, frame_ms):
        visibility.step(m, UNKNOWN, UNKNOWN, t_ms * MS)
        if visibility.cause is cause:
            return t_ms - 1000
        assert visibility.cause is Cause.NONE
    return -1


@pytest.mark.parametrize(
    ("frame", "cause", "after_ms"),
    [
        (Measurement(0, image=ImageQuality(100.0, 0.0, 0.7), face_searched=True), Cause.CAMERA_COVERED, 1000),
        (Measurement(0, image=ImageQuality(100.0, 0.0, 0.69), face_searched=True), Cause.NO_FACE, 1500),
        (Measurement(0, image=ImageQuality(11.9, 0.0, 0.0), face_searched=True), Cause.TOO_DARK, 1500),
        (Measurement(0, image=ImageQuality(12.0, 0.0, 0.0), face_searched=True), Cause.NO_FACE, 1500),
        (Measurement(0, image=ImageQuality(100.0, 0.5, 0.0), face_searched=True), Cause.TOO_BRIGHT, 1500),
        (Measurement(0, image=ImageQuality(100.0, 0.49, 0.0), face_searched=True), Cause.NO_FACE, 1500),
        (Measurement(0, face=Face(0.49, BOX)), Cause.NO_FACE, 1500),
        (Measurement(0, face=Face(0.5, BOX)), Cause.EYES_HIDDEN, 1500),
        (Measurement(0), Cause.NO_FACE, 8000),
    ],
)
def test_each_cause_is_told_after_its_time(frame: Measurement, cause: Cause, after_ms: int) -> None:
    assert _told_after_ms(frame, cause) == pytest.approx(after_ms, abs=10)


@pytest.mark.parametrize("cause", ["covered", "face"])
def test_half_a_second_of_sight_ends_it(cause: str) -> None:
    hidden = Measurement(
        0, image=ImageQuality(100.0, 0.0, 0.9) if cause == "covered" else GOOD, face_searched=True
    )  # fmt: skip
    visibility = Visibility()
    for t_ms in range(0, 10_000, 10):
        visibility.step(hidden, UNKNOWN, UNKNOWN, t_ms * MS)
    for t_ms in range(10_000, 11_000, 10):
        visibility.step(Measurement(0, face=FACE, image=GOOD), OPEN, OPEN, t_ms * MS)
        if visibility.cause is Cause.NONE:
            assert t_ms == pytest.approx(10_500, abs=15)
            return
    raise AssertionError("it stays")
