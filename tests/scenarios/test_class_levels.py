"""DMS_Warning.DistractionLevel and DrowsinessLevel: each class by itself, whatever the arbiter tells."""

from __future__ import annotations

from typing import Any

import pytest

LAP = (-8.0, -48.0)


def _levels(state: Any) -> tuple[str, int, int, int]:
    return state.warning.label, state.level, state.distraction_level, state.drowsiness_level


def test_distraction_keeps_its_level_while_a_microsleep_is_told(drive: Any) -> None:
    # 2 s from the onset the eyes shut; the look away was not answered and is not over.
    played = drive().ahead(5).look(5.5, LAP).shut(1.5).look(2, LAP).ahead(6).play()
    assert _levels(played.at(10.4)) == ("LongDistraction", 1, 1, 0)
    assert _levels(played.at(11.8)) == ("Microsleep", 2, 1, 2)
    assert _levels(played.states[-1]) == ("None", 0, 0, 0)


def test_a_sleep_that_waits_for_its_all_clear_keeps_its_level_while_distraction_is_told(drive: Any) -> None:
    # Eyes open again, but never ahead: the microsleep is not over, and the look away becomes due.
    played = drive().ahead(5).shut(1.4).look(6, LAP).ahead(6).play()
    assert played.names[:3] == [("Microsleep", "onset"), ("Microsleep", "end"), ("LongDistraction", "onset")]
    onset_s = played.onsets("LongDistraction")[0]
    assert _levels(played.at(onset_s + 0.5)) == ("LongDistraction", 1, 1, 2)
    assert played.ends("LongDistraction") == [pytest.approx(13.4, abs=0.2)]
    assert _levels(played.at(13.9)) == ("None", 0, 0, 2)  # nothing is told, and sleep is not over by itself
    assert _levels(played.at(14.9)) == ("None", 0, 0, 0)


def test_both_rise_by_themselves(drive: Any) -> None:
    away = drive().ahead(5).look(8, LAP).play().states[-1]
    asleep = drive().ahead(5).shut(7).play()
    assert _levels(away) == ("LongDistraction", 2, 2, 0)
    assert _levels(asleep.at(6.5)) == ("Microsleep", 2, 0, 2)
    assert _levels(asleep.at(8.5)) == ("Sleep", 3, 0, 3)
    assert _levels(asleep.at(11.5)) == ("Unresponsive", 3, 0, 3)


def test_what_is_told_counts_in_its_class_until_its_shortest_time_is_over(drive: Any) -> None:
    played = drive().ahead(5).look(3.3, LAP).shut(1.4).look(1.5, LAP).ahead(6).play()
    for state in played.states:
        own = state.drowsiness_level if state.warning >= 4 else state.distraction_level
        assert own >= state.level


def test_standby_has_no_levels(drive: Any) -> None:
    played = drive().ahead(5).look(5, LAP).look(3, LAP, speed_kph=0.0).shut(3, speed_kph=0.0).play()
    assert _levels(played.at(9.9)) == ("LongDistraction", 1, 1, 0)
    assert {_levels(s) for s in played.states if not s.active} == {("None", 0, 0, 0)}
