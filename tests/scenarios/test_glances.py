"""Glances with the head and glances with the eyes alone, the window of repeated glances, and the shortest warning."""

from __future__ import annotations

from typing import Any

import pytest

from watchkeeper.board import load_board
from watchkeeper.state import limits
from watchkeeper.state.machine import DriverStateMachine
from watchkeeper.state.profiles import get_profile
from watchkeeper.types import Eye, Gaze, Head, Measurement, Phase, Phone, VehicleSignals, WarningEvent

LAP, INFOTAINMENT, PASSENGER = (-8.0, -48.0), (-30.0, -18.0), (-48.0, -8.0)
# Owl: the head carries the look. Lizard: the head stays ahead and the eyes move alone.
OWL, LIZARD = 0.9, 0.0


def _look(seconds: float, target: tuple[float, float], share: float, drive: Any) -> Any:
    return drive.span(seconds, gaze=target, head=(target[0] * share, target[1] * share))


@pytest.mark.parametrize("target", [LAP, INFOTAINMENT, PASSENGER], ids=str)
@pytest.mark.parametrize("share", [OWL, LIZARD], ids=["owl", "lizard"])
def test_owl_and_lizard_have_the_same_limits(
    drive: Any, camera: dict[str, float], target: tuple[float, float], share: float
) -> None:
    assert _look(3.3, target, share, drive().ahead(5)).ahead(5).play(**camera).events == []
    played = _look(3.7, target, share, drive().ahead(5)).ahead(5).play(**camera)
    assert played.names == [("LongDistraction", "onset"), ("LongDistraction", "end")]
    assert played.onsets() == [pytest.approx(5 + 3.5, abs=0.2)]
    assert played.ends("LongDistraction") == [pytest.approx(5 + 3.7 + 1.0, abs=0.2)]


def test_owl_and_lizard_change_over_within_one_glance(drive: Any) -> None:
    played = _look(1.8, INFOTAINMENT, LIZARD, _look(1.9, INFOTAINMENT, OWL, drive().ahead(5))).ahead(3).play()
    assert played.onsets() == [pytest.approx(8.5, abs=0.1)]


def test_a_turned_head_with_the_eyes_on_the_road_is_no_glance(drive: Any) -> None:
    assert drive().ahead(5).span(10, gaze=(0.0, 0.0), head=(-30.0, -15.0)).ahead(3).play().events == []


@pytest.mark.parametrize("share", [OWL, LIZARD], ids=["owl", "lizard"])
def test_repeated_glances_are_summed_alike(drive: Any, share: float) -> None:
    for last_s, warned in ((1.8, False), (2.2, True)):
        played = drive().ahead(3)
        for _ in range(4):
            _look(2.0, INFOTAINMENT, share, played).ahead(1.0)
        onsets = _look(last_s, INFOTAINMENT, share, played).ahead(4).play().onsets()
        assert onsets == ([pytest.approx(3 + 12 + 2, abs=0.15)] if warned else [])


def _away_and_ahead(drive: Any, away_s: float, ahead_s: float, times: int) -> Any:
    played = drive.ahead(3)
    for _ in range(times):
        _look(away_s, INFOTAINMENT, LIZARD, played).ahead(ahead_s)
    return played


def test_glances_older_than_the_window_drop_out(drive: Any) -> None:
    # 0.8 s away in every 2.7 s is never 10 s in 30 s, whatever it sums up to (32 s); 1.2 s in every 2.9 s soon is.
    assert _away_and_ahead(drive(), 0.8, 1.9, 40).play().onsets() == []
    onsets = _away_and_ahead(drive(), 1.2, 1.7, 40).play().onsets("ShortDistraction")
    assert onsets[0] == pytest.approx(3 + 8 * 2.9 + 0.4, abs=0.2)


@pytest.mark.parametrize(("last_at_s", "warned"), [(32.0, True), (33.2, False)])
def test_the_edge_of_the_window_cuts_through_a_glance(drive: Any, last_at_s: float, warned: bool) -> None:
    # 2.5 s away from 3 s on, then 12 glances of 7 s together: half a second more makes 10 s, as long as the first
    # glance lies wholly within 30 s. Of a last glance that begins later, each moment costs as much at the other end.
    gap_s = (last_at_s - 12.5) / 13
    played = _look(2.5, INFOTAINMENT, LIZARD, drive().ahead(3)).ahead(gap_s)
    for _ in range(12):
        _look(7 / 12, INFOTAINMENT, LIZARD, played).ahead(gap_s)
    onsets = _look(0.9, INFOTAINMENT, LIZARD, played).ahead(4).play(fps=60).onsets()
    assert onsets == ([pytest.approx(last_at_s + 0.5, abs=0.2)] if warned else [])


@pytest.mark.parametrize("put_away_s", [0.2, 0.5])
def test_a_warning_stays_for_its_shortest_time(put_away_s: float) -> None:
    # r171 clears after 0.2 s of gaze ahead, so that only the shortest time keeps the warning on.
    machine = DriverStateMachine(get_profile("r171"), load_board("host").cabin)
    away_s, events = 5.0 + put_away_s, list[WarningEvent]()
    for k in range(60 * 12):
        t_s = k / 60
        gaze = Gaze(*LAP) if 2.0 <= t_s < 2.0 + away_s else Gaze(0.0, 0.0)
        eye, t_ns = Eye(1.0), round(t_s * 1e9)
        frame = Measurement(t_ns, k, head=Head(0.0, 0.0, 0.0), gaze=gaze, left_eye=eye, right_eye=eye, phone=Phone(0.0))
        events += machine.step(frame, VehicleSignals(80.0), t_ns).events
    assert [event.phase for event in events] == [Phase.ONSET, Phase.END]
    onset, end = events
    assert onset.t_ns / 1e9 == pytest.approx(7.0, abs=0.05)
    assert (end.t_ns - onset.t_ns) / 1e9 == pytest.approx(limits.WARNING_SHORTEST.value, abs=0.02)
