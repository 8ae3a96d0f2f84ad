"""Microsleep, sleep, unresponsive: on each side of their limits, and what is no closure at all."""

from __future__ import annotations

from typing import Any

import pytest

MICRO, SLEEP, GONE = "Microsleep", "Sleep", "Unresponsive"


def test_microsleep_after_its_limit(drive: Any, camera: dict[str, float]) -> None:
    played = drive().ahead(5).shut(1.2).ahead(5).play(**camera)
    assert played.names == [(MICRO, "onset"), (MICRO, "end")]
    assert played.onsets() == [pytest.approx(6.0, abs=0.2)]
    assert played.ends(MICRO) == [pytest.approx(5 + 1.2 + 2.0, abs=0.2)]


def test_microsleep_silent_before_its_limit(drive: Any, camera: dict[str, float]) -> None:
    assert drive().ahead(5).shut(0.8).ahead(5).play(**camera).events == []


def test_sleep_takes_over_at_the_same_instant(drive: Any, camera: dict[str, float]) -> None:
    played = drive().ahead(5).shut(3.3).ahead(5).play(**camera)
    assert played.names == [(MICRO, "onset"), (MICRO, "end"), (SLEEP, "onset"), (SLEEP, "end")]
    assert played.onsets(SLEEP) == played.ends(MICRO) == [pytest.approx(8.0, abs=0.2)]


def test_no_sleep_before_its_limit(drive: Any, camera: dict[str, float]) -> None:
    assert drive().ahead(5).shut(2.8).ahead(5).play(**camera).onsets(SLEEP) == []


def test_unresponsive(drive: Any, camera: dict[str, float]) -> None:
    played = drive().ahead(5).shut(6.3).ahead(5).play(**camera)
    assert [name for name, phase in played.names if phase == "onset"] == [MICRO, SLEEP, GONE]
    assert played.onsets(GONE) == [pytest.approx(11.0, abs=0.2)]
    assert drive().ahead(5).shut(5.8).ahead(5).play(**camera).onsets(GONE) == []
    assert played.states[-1].warning_count == 3


@pytest.mark.parametrize("seed", range(10))
def test_ten_frames_a_second_with_one_in_five_lost(drive: Any, seed: int) -> None:
    camera = {"fps": 10, "lost": 0.2, "seed": seed}
    assert drive().ahead(5).shut(0.7).ahead(5).play(**camera).events == []
    assert drive().ahead(5).shut(1.6).ahead(5).play(**camera).onsets(MICRO) == [pytest.approx(6.0, abs=0.4)]


def test_blinks_are_nothing(drive: Any, camera: dict[str, float]) -> None:
    played = drive()
    for k in range(40):
        played.ahead(0.4 + 0.1 * (k % 4)).shut(0.15 + 0.1 * (k % 4))
    assert played.play(**camera).events == []


def test_winks_are_nothing(drive: Any, camera: dict[str, float]) -> None:
    assert drive().ahead(2).span(8, lids=(0.0, 1.0)).ahead(1).span(8, lids=(1.0, 0.0)).play(**camera).events == []


def test_the_only_visible_eye_decides(drive: Any) -> None:
    played = drive().ahead(5).shut(1.5, lids=(0.0, 0.9), p_visible=(0.9, 0.1)).ahead(3).play()
    assert played.onsets(MICRO) == [pytest.approx(6.0, abs=0.1)]
    assert played.at(6).right_eye.name == "UNKNOWN"


def test_eyes_that_cannot_be_seen_are_not_closed(drive: Any) -> None:
    assert drive().ahead(5).shut(20, p_visible=(0.2, 0.3)).play().onsets() == []
    assert drive().ahead(5).span(20, lids=None).play().onsets() == []


def test_drowsy_narrow_eyes_are_not_closed(drive: Any) -> None:
    assert drive().ahead(5).span(30, lids=(0.45, 0.45)).play(lid_noise=0.05).events == []


def test_lids_squeezed_by_a_yawn_are_not_closed(drive: Any, camera: dict[str, float]) -> None:
    squeezed = (0.17, 0.19)
    assert drive().ahead(5).span(3.5, lids=squeezed, mouth=0.9).ahead(5).play().events == []
    assert drive().ahead(5).span(1.5, lids=squeezed, mouth=0.2).ahead(5).play(**camera).onsets(MICRO)
    asleep = drive().ahead(5).shut(1.5, mouth=0.9).ahead(5).play(**camera)
    assert asleep.onsets() == [pytest.approx(6.0, abs=0.2)]


def test_single_wrong_frames_neither_reset_nor_start(drive: Any) -> None:
    flicker = drive().ahead(5).shut(0.5).ahead(1 / 30).shut(0.4).ahead(1 / 15).shut(0.4).ahead(4).play()
    assert flicker.onsets() == [pytest.approx(6.0, abs=0.1)]
    artefacts = drive()
    for _ in range(100):
        artefacts.ahead(0.2).shut(1 / 15)
    assert artefacts.play().events == []


def test_wrong_frame_as_the_closure_begins_does_not_delay_it(drive: Any) -> None:
    played = drive().ahead(5).shut(0.1).ahead(1 / 30).shut(1.2).ahead(3).play()
    assert played.onsets() == [pytest.approx(6.0, abs=0.1)]


@pytest.mark.parametrize("gap", [{"frames": False}, {"lids": None}], ids=["no frames", "lids unseen"])
def test_a_gap_freezes_the_closure(drive: Any, gap: dict[str, object]) -> None:
    assert drive().ahead(5).shut(0.6).span(1.5, **gap).shut(0.2).ahead(4).play().events == []
    assert len(drive().ahead(5).shut(0.6).span(1.5, **gap).shut(0.6).ahead(4).play().onsets()) == 1


def test_closing_during_a_short_gap_counts(drive: Any) -> None:
    played = drive().ahead(5).shut(0.5).span(0.3, lids=None).shut(0.5).ahead(4).play()
    assert played.onsets() == [pytest.approx(6.0, abs=0.1)]


def test_head_that_sinks_after_the_lids_closed_stays_a_closure(drive: Any, camera: dict[str, float]) -> None:
    sunk = {"head": (0.0, -35.0), "gaze": None, "lids": (0.12, 0.12)}
    played = drive().ahead(5).shut(0.6).shut(3.0, **sunk).ahead(4).play(**camera)
    assert [name for name, phase in played.names if phase == "onset"] == [MICRO, SLEEP]


def test_asleep_while_looking_down(drive: Any) -> None:
    played = drive().ahead(5).look(1.0, (-8.0, -48.0), lids=(0.4, 0.4)).shut(3.5, head=(0.0, -30.0), gaze=None).ahead(4)
    assert played.play().onsets(SLEEP) == [pytest.approx(9.0, abs=0.2)]


def test_closed_eyes_are_no_look_away(drive: Any) -> None:
    # behind closed lids a gaze estimate is worth nothing, whatever it says
    played = drive().ahead(5).shut(8, gaze=(0.0, -45.0), head=(0.0, -10.0)).ahead(5).play()
    assert played.onsets("LongDistraction") == []


def test_a_new_closure_before_the_all_clear_is_a_new_warning(drive: Any) -> None:
    played = drive().ahead(5).shut(1.5).ahead(0.6).shut(1.5).ahead(4).play()
    assert played.names == [(MICRO, "onset"), (MICRO, "end"), (MICRO, "onset"), (MICRO, "end")]
    assert [level for *_, level in drive().ahead(5).shut(3.5).ahead(0.6).shut(1.5).ahead(4).play().events[4:]] == [3, 3]


def test_end_needs_open_eyes_but_not_a_gaze(drive: Any) -> None:
    unseen = drive().ahead(5).shut(1.5).ahead(10, gaze=None, head=None).play()
    assert unseen.ends(MICRO) == [pytest.approx(8.5, abs=0.1)]
    away = drive().ahead(5).shut(1.5).look(3.0, (48.0, -8.0)).ahead(4).play()
    assert away.ends(MICRO) == [pytest.approx(5 + 1.5 + 3.0 + 2.0, abs=0.1)]


def test_blinks_do_not_hold_the_end_up(drive: Any) -> None:
    played = drive().ahead(5).shut(1.5).ahead(0.8).shut(0.3).ahead(4).play()
    assert played.ends(MICRO) == [pytest.approx(8.5, abs=0.1)]


def test_more_urgent_takes_over_and_nothing_old_comes_back(drive: Any) -> None:
    lap = (-8.0, -48.0)
    played = drive().ahead(5).look(4, lap).shut(3.5, head=(0.0, -20.0)).ahead(5).play()
    assert [name for name, phase in played.names if phase == "onset"] == ["LongDistraction", MICRO, SLEEP]
    assert played.names[-1] == (SLEEP, "end")


def test_looking_away_after_a_microsleep_is_warned_too(drive: Any) -> None:
    played = drive().ahead(5).shut(1.5).look(4, (-30.0, -18.0)).ahead(4).play()
    assert played.names == [(MICRO, "onset"), (MICRO, "end"), ("LongDistraction", "onset"), ("LongDistraction", "end")]
