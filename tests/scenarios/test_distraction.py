"""Long distraction: on each side of its limit, and what must neither start, reset nor end it."""

from __future__ import annotations

from typing import Any

import pytest

LAP, INFOTAINMENT, CLUSTER = (-8.0, -48.0), (-30.0, -18.0), (0.0, -17.0)
LEFT_MIRROR, WINDSCREEN = (48.0, -8.0), (-20.0, 5.0)
ONSET, END = ("LongDistraction", "onset"), ("LongDistraction", "end")


@pytest.mark.parametrize("target", [LAP, INFOTAINMENT, LEFT_MIRROR, CLUSTER, (0.0, 32.0)], ids=str)
def test_warned_after_the_limit(drive: Any, camera: dict[str, float], target: tuple[float, float]) -> None:
    played = drive().ahead(5).look(3.7, target).ahead(5).play(**camera)
    assert played.names == [ONSET, END]
    assert played.onsets() == [pytest.approx(5 + 3.5, abs=0.2)]
    assert played.ends("LongDistraction") == [pytest.approx(5 + 3.7 + 1.0, abs=0.2)]


def test_silent_before_the_limit(drive: Any, camera: dict[str, float]) -> None:
    assert drive().ahead(5).look(3.3, LAP).ahead(5).play(**camera).events == []


def test_ten_frames_a_second_with_one_in_five_lost(drive: Any) -> None:
    for seed in range(10):
        camera = {"fps": 10, "lost": 0.2, "seed": seed}
        assert drive().ahead(5).look(3.3, LAP).ahead(5).play(**camera).events == []
        # here the sample at the limit may be missing and its neighbour too
        assert drive().ahead(5).look(4.0, LAP).ahead(5).play(**camera).onsets() == [pytest.approx(8.5, abs=0.4)]


@pytest.mark.parametrize("target", [(0.0, 0.0), WINDSCREEN, (8.0, -6.0)], ids=str)
def test_forward_is_never_warned(drive: Any, target: tuple[float, float]) -> None:
    assert drive().look(120, target).play(gaze_noise_deg=2.0).events == []


def test_short_look_back_does_not_reset(drive: Any, camera: dict[str, float]) -> None:
    played = drive().ahead(5).look(2.0, LAP).ahead(0.2).look(1.6, LAP).ahead(4).play(**camera)
    assert played.onsets() == [pytest.approx(8.5, abs=0.2)]


def test_look_back_of_half_a_second_resets(drive: Any, camera: dict[str, float]) -> None:
    assert drive().ahead(5).look(2.5, LAP).ahead(0.6).look(2.5, LAP).ahead(4).play(**camera).events == []


def test_single_frames_that_jump_away_start_nothing(drive: Any) -> None:
    played = drive()
    for _ in range(60):
        played.ahead(0.2).look(1 / 30, LAP)
    states = played.play().states
    assert all(not s.events and s.away_s == 0.0 for s in states)


def test_changing_between_places_away_is_one_glance(drive: Any, camera: dict[str, float]) -> None:
    played = drive().ahead(5).look(1.3, LAP).look(1.2, INFOTAINMENT).look(1.2, LEFT_MIRROR).ahead(3).play(**camera)
    assert played.onsets() == [pytest.approx(8.5, abs=0.2)]


def test_blink_within_a_glance_does_not_reset(drive: Any, camera: dict[str, float]) -> None:
    played = drive().ahead(5).look(1.5, LAP).shut(0.25, gaze=(0.0, 0.0)).look(2.0, LAP).ahead(3).play(**camera)
    assert played.names == [ONSET, END]
    assert played.onsets() == [pytest.approx(8.5, abs=0.2)]


def test_blinking_while_looking_ahead_neither_warns_nor_delays_the_end(drive: Any) -> None:
    played = drive().ahead(5).look(4, LAP).ahead(0.4).shut(0.2).ahead(3).play()
    assert played.ends("LongDistraction") == [pytest.approx(10.0, abs=0.1)]


def test_glances_with_the_road_between_them_are_not_one(drive: Any, camera: dict[str, float]) -> None:
    played = drive().ahead(5)
    for _ in range(5):
        played.look(1.6, INFOTAINMENT).ahead(0.75)
    assert played.play(**camera).events == []


def test_head_decides_while_the_gaze_is_unknown(drive: Any) -> None:
    turned = drive().ahead(5).span(4, gaze=None, head=(60.0, 0.0), lids=None).ahead(3).play()
    assert turned.onsets() == [pytest.approx(8.5, abs=0.1)]


def test_nothing_known_is_neither_away_nor_attentive(drive: Any) -> None:
    unknown = {"gaze": None, "head": None, "lids": None}
    assert drive().ahead(5).span(30, **unknown).ahead(2).play().events == []
    warned = drive().ahead(5).look(4, LAP).span(6, **unknown).ahead(3).play()
    # not ended by being unseen for a while, but by a second of gaze ahead
    assert warned.ends("LongDistraction") == [pytest.approx(16.0, abs=0.1)]


def test_a_driver_unseen_for_long_is_not_warned_for_ever(drive: Any) -> None:
    played = drive().ahead(5).look(4, LAP).span(30, gaze=None, head=None, lids=None, face=False).play()
    assert played.ends("LongDistraction") == [pytest.approx(19.0, abs=0.2)]
    assert played.states[-1].cause.label == "NoFace"


@pytest.mark.parametrize(("again_s", "warned"), [(1.3, False), (1.8, True)])
def test_a_gap_freezes_the_timer(drive: Any, again_s: float, warned: bool) -> None:
    played = drive().ahead(5).look(2.0, LAP).span(1.2, frames=False).look(again_s, LAP).ahead(3).play()
    assert bool(played.onsets()) is warned
    hidden = {"gaze": None, "head": None, "lids": None}
    played = drive().ahead(5).look(2.0, LAP).span(1.2, **hidden).look(again_s, LAP).ahead(3).play()
    assert bool(played.onsets()) is warned


def test_a_long_gap_forgets(drive: Any) -> None:
    assert drive().ahead(5).look(3.2, LAP).span(3, frames=False).look(3.2, LAP).ahead(3).play().events == []


def test_unanswered_warning_rises_once(drive: Any) -> None:
    played = drive().ahead(5).look(12, LAP).ahead(3).play()
    assert [(name, phase, level) for _, name, phase, level in played.events] == [
        ("LongDistraction", "onset", 1),
        ("LongDistraction", "escalate", 2),
        ("LongDistraction", "end", 2),
    ]
    assert played.events[1][0] == pytest.approx(5 + 3.5 + 3.0, abs=0.1)
    assert (played.at(9).haptic, played.at(12).haptic) == (False, True)


def test_looking_away_again_before_the_all_clear_is_a_new_warning(drive: Any) -> None:
    played = drive().ahead(5).look(4, LAP).ahead(0.6).look(4, LAP).ahead(3).play()
    assert played.names == [ONSET, END, ONSET, END]
    assert played.states[-1].warning_count == 2


def test_look_down_with_lowered_lids_is_a_look_not_a_closure(drive: Any, camera: dict[str, float]) -> None:
    played = drive().ahead(5).look(0.5, LAP, lids=(0.5, 0.5)).look(3.3, LAP, lids=(0.30, 0.30)).ahead(4).play(**camera)
    assert played.names == [ONSET, END]


def test_lids_nearly_shut_in_a_look_down(drive: Any) -> None:
    played = drive().ahead(5).look(0.6, LAP, lids=(0.45, 0.45)).look(3.3, LAP, lids=(0.18, 0.18)).ahead(4).play()
    assert played.names == [ONSET, END]
