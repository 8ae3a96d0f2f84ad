"""Lids of both eyes: what is closed, at the edges of each threshold and time."""

from __future__ import annotations

import math

import pytest

from watchkeeper.state.baseline import Baseline
from watchkeeper.state.closures import Closures
from watchkeeper.types import DriverBaseline, Eye, EyeState, Gaze, Head, Measurement, Mouth

MS, S = 1_000_000, 1_000_000_000
OPEN, CLOSED, UNKNOWN, ABSENT = EyeState.OPEN, EyeState.CLOSED, EyeState.UNKNOWN, EyeState.NOT_AVAILABLE
AHEAD, DOWN = Gaze(0.0, 0.0), Gaze(0.0, -25.1)


def _frame(
    lid: float | Eye | None,
    *,
    gaze: Gaze | None = AHEAD,
    pitch: float | None = None,
    mouth: float | None = None,
    right: Eye | None = None,
) -> Measurement:
    eye = Eye(lid) if isinstance(lid, float) else lid
    return Measurement(
        0,
        head=Head(0.0, pitch, 0.0) if pitch is not None else None,
        gaze=gaze,
        left_eye=eye,
        right_eye=right if right is not None else eye,
        mouth=Mouth(mouth) if mouth is not None else None,
    )


def _fed(closures: Closures, *frames: tuple[int, Measurement | None]) -> Closures:
    """frames: (ms, what was measured)."""
    for t_ms, frame in frames:
        closures.step(frame, t_ms * MS)
    return closures


def _held(frame: Measurement, from_ms: int, to_ms: int, step_ms: int = 20) -> list[tuple[int, Measurement]]:
    return [(t_ms, frame) for t_ms in range(from_ms, to_ms, step_ms)]


def test_nothing_is_known_at_first() -> None:
    closures = Closures()
    assert (closures.left, closures.right, closures.closed_now) == (ABSENT, ABSENT, None)
    assert (closures.glance_down, closures.squeezed) == (False, False)
    assert (closures.lids.value, closures.asleep.value) == (None, None)


@pytest.mark.parametrize(
    ("eye", "state"),
    [
        (Eye(0.25), CLOSED), (Eye(0.2501), OPEN), (Eye(0.0), CLOSED), (Eye(1.0), OPEN),
        (Eye(None), UNKNOWN), (Eye(math.nan), UNKNOWN), (Eye(math.inf), UNKNOWN),
        (Eye(1.0, p_visible=0.5), OPEN), (Eye(0.0, p_visible=0.5), CLOSED), (Eye(0.0, p_visible=0.4999), UNKNOWN),
        (Eye(1.0, p_visible=math.nan), UNKNOWN), (None, ABSENT),
    ],
)  # fmt: skip
def test_one_eye(eye: Eye | None, state: EyeState) -> None:
    closures = Closures()
    closures.step(Measurement(0, left_eye=eye), 0)
    assert (closures.left, closures.right) == (state, ABSENT)
    assert closures.closed_now is {OPEN: False, CLOSED: True}.get(state)
    closures = Closures()
    closures.step(Measurement(0, right_eye=eye), 0)
    assert (closures.left, closures.right) == (ABSENT, state)
    assert closures.closed_now is {OPEN: False, CLOSED: True}.get(state)


def test_a_wink_is_no_closure_and_one_hidden_eye_leaves_it_to_the_other() -> None:
    for left, right, closed in ((0.0, 1.0, False), (1.0, 0.0, False), (0.0, 0.0, True)):
        closures = Closures()
        closures.step(_frame(left, right=Eye(right)), 0)
        assert closures.closed_now is closed
    closures = Closures()
    closures.step(_frame(0.0, right=Eye(1.0, p_visible=0.1)), 0)
    assert closures.closed_now is True


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_shut_eye_opens_at_more_than_it_closes_at(side: str) -> None:
    def eye(value: float) -> Measurement:
        shown = Eye(value)
        return Measurement(0, left_eye=shown if side == "left" else None, right_eye=shown if side == "right" else None)

    closures = _fed(Closures(), (0, eye(0.2)), (20, eye(0.399)))
    assert getattr(closures, side) is CLOSED
    assert _fed(closures, (40, eye(0.40))).closed_now is False
    assert _fed(closures, (60, eye(0.399))).closed_now is False
    # an eye that was hidden in between has to close anew
    assert _fed(Closures(), (0, eye(0.2)), (20, Measurement(0)), (40, eye(0.3))).closed_now is False


def test_without_a_frame_nothing_is_known_of_now() -> None:
    closures = _fed(Closures(), (0, _frame(0.0)), (20, None))
    assert closures.closed_now is None
    assert closures.lids.value is True


def test_a_closure_counts_from_150_ms_on_and_is_sleep_beyond_a_blink() -> None:
    closures = _fed(Closures(), *_held(_frame(1.0), 0, 1000))
    _fed(closures, *_held(_frame(0.0), 1000, 1160))  # 10 + 7 * 20 ms
    assert (closures.lids.value, closures.asleep.value) == (True, False)
    _fed(closures, *_held(_frame(0.0), 1160, 1480))
    assert closures.asleep.value is False
    _fed(closures, *_held(_frame(0.0), 1480, 1520))
    assert closures.asleep.value is True


@pytest.mark.parametrize(("shut_ms", "lids", "asleep"), [(149, False, False), (150, True, False), (499, True, False)])
def test_holds_to_the_millisecond(shut_ms: int, lids: bool, asleep: bool) -> None:
    closures = _fed(Closures(), *_held(_frame(1.0), 0, 1000), (1000, _frame(1.0)))
    closures.step(_frame(0.0), 1000 * MS + 2)  # seen one nanosecond at least
    for t_ms in range(100, shut_ms, 100):
        closures.step(_frame(0.0), (1000 + t_ms) * MS + 1)
    closures.step(_frame(0.0), (1000 + shut_ms) * MS + 1)
    assert (closures.lids.value, closures.asleep.value) == (lids, asleep)
    for t_ms in (*range(shut_ms, 500, 100), 500):
        closures.step(_frame(0.0), (1000 + t_ms) * MS + 1)
    assert closures.asleep.value is True


def test_opening_again_ends_both_after_150_ms() -> None:
    closures = _fed(Closures(), *_held(_frame(0.0), 0, 1000), (1000, _frame(0.0)))
    closures.step(_frame(1.0), 1000 * MS + 2)
    closures.step(_frame(1.0), 1149 * MS + 1)
    assert (closures.lids.value, closures.asleep.value) == (True, True)
    closures.step(_frame(1.0), 1150 * MS + 1)
    assert (closures.lids.value, closures.asleep.value) == (False, False)


# --- looks down and yawns: only lids that meet are closed ---


@pytest.mark.parametrize(
    ("gaze", "pitch", "lid", "closed"),
    [
        (DOWN, None, 0.11, False), (DOWN, None, 0.10, True), (Gaze(0.0, -25.0), None, 0.11, True),
        (None, -20.1, 0.11, False), (None, -20.1, 0.10, True), (None, -20.0, 0.11, True),
        (AHEAD, -60.0, 0.11, True), (None, None, 0.11, True),
    ],
)  # fmt: skip
def test_lids_that_a_look_down_lowers(gaze: Gaze | None, pitch: float | None, lid: float, closed: bool) -> None:
    closures = _fed(Closures(), *_held(_frame(1.0, gaze=gaze, pitch=pitch), 0, 1000))
    assert _fed(closures, (1000, _frame(lid, gaze=gaze, pitch=pitch))).closed_now is closed


def test_the_look_down_has_to_come_first_and_to_last_300_ms() -> None:
    for held_ms, closed in ((299, True), (300, False)):
        closures = _fed(Closures(), *_held(_frame(1.0), 0, 1000), (1000, _frame(1.0)))
        closures.step(_frame(1.0, gaze=DOWN), 1000 * MS + 2)
        closures.step(_frame(1.0, gaze=DOWN), 1150 * MS + 1)
        closures.step(_frame(1.0, gaze=DOWN), (1000 + held_ms) * MS + 1)
        assert _fed(closures, (1301, _frame(0.2, gaze=DOWN))).closed_now is closed
    up_again = _fed(Closures(), *_held(_frame(1.0, gaze=DOWN), 0, 1000), (1000, _frame(1.0, gaze=DOWN)))
    up_again.step(_frame(1.0), 1000 * MS + 2)
    up_again.step(_frame(1.0), 1150 * MS + 1)
    up_again.step(_frame(1.0), 1299 * MS + 1)
    assert _fed(up_again, (1300, _frame(0.2, gaze=None))).closed_now is False, "still counts as a look down"
    behind_lids = _fed(Closures(), *_held(_frame(1.0), 0, 1000), *_held(_frame(0.2, gaze=DOWN), 1000, 2000))
    assert behind_lids.closed_now is True, "behind closed lids the direction of the eyes is not known"


def test_lids_open_again_sooner_in_a_look_down() -> None:
    for gaze, mouth, lid, closed in (
        (DOWN, None, 0.199, True), (DOWN, None, 0.20, False), (AHEAD, None, 0.399, True), (AHEAD, None, 0.40, False),
        (AHEAD, 0.5, 0.199, True), (AHEAD, 0.5, 0.20, False), (AHEAD, 0.49, 0.20, True), (None, None, 0.399, True),
    ):  # fmt: skip
        # of lids that were shut in a look down, so that nothing here closes them anew
        closures = _fed(Closures(), *_held(_frame(1.0, gaze=DOWN), 0, 1000), (1000, _frame(0.05, gaze=DOWN)))
        frame = _frame(lid, gaze=gaze, mouth=mouth)
        assert _fed(closures, (1020, frame)).closed_now is closed, (gaze, mouth, lid)


def test_a_yawn_squeezes_the_lids() -> None:
    for mouth, lid, closed in ((0.5, 0.11, False), (0.5, 0.10, True), (0.49, 0.11, True), (0.49, 0.26, False)):
        closures = Closures()
        closures.step(_frame(lid, mouth=mouth), 0)
        assert closures.closed_now is closed
        assert closures.squeezed is (mouth == 0.5)
    closures.step(_frame(1.0), 20 * MS)
    assert closures.squeezed is False


def test_this_drivers_readings_move_the_thresholds() -> None:
    baseline = Baseline()
    baseline.restore(DriverBaseline(first_open=1.0, first_closed=0.4))
    closures = Closures(baseline)
    closures.step(_frame(0.54), 0)  # 0.4 + 0.25 * 0.6 is 0.55
    assert closures.closed_now is True
    closures = Closures(baseline)
    closures.step(_frame(0.56), 0)
    assert closures.closed_now is False
    assert _fed(Closures(), (0, _frame(0.54))).closed_now is False


def test_down_is_from_this_drivers_head() -> None:
    for usual, pitch, closed in ((-5.0, -20.1, True), (-5.0, -25.1, False), (5.0, -15.1, False), (5.0, -15.0, True)):
        baseline = Baseline()
        baseline.restore(DriverBaseline(head_pitch_deg=usual, learned_ns=60 * S))
        closures = _fed(Closures(baseline), *_held(_frame(1.0, gaze=None, pitch=pitch), 0, 1000))
        assert _fed(closures, (1000, _frame(0.2, gaze=None, pitch=pitch))).closed_now is closed, (usual, pitch)
