"""The figures of the sleepiness estimate: which share of closed time is which level, and what else counts."""

from __future__ import annotations

import pytest

from watchkeeper.state.baseline import Baseline
from watchkeeper.state.closures import Closures
from watchkeeper.state.perclos import Perclos
from watchkeeper.state.sleepiness import Sleepiness
from watchkeeper.types import Eye, Head, Measurement, Mouth

MS, S = 1_000_000, 1_000_000_000


class Watched:
    """Lids, mouth and head at ten frames a second, and what is estimated of them."""

    def __init__(self) -> None:
        self.closures = Closures()
        self.perclos = Perclos(self.closures)
        self.sleepiness = Sleepiness(self.closures, Baseline())
        self.t_ns = 0

    def frame(self, t_ns: int, lid: float = 1.0, mouth: float = 0.0, pitch: float = 0.0) -> None:
        self.t_ns = t_ns
        m = Measurement(0, left_eye=Eye(lid), right_eye=Eye(lid), mouth=Mouth(mouth), head=Head(0.0, pitch, 0.0))
        self.closures.step(m, t_ns)
        self.perclos.step(t_ns)
        self.sleepiness.step(m, t_ns)

    def span(self, seconds: float, lid: float = 1.0, mouth: float = 0.0, pitch: float = 0.0) -> Watched:
        for _ in range(round(seconds * 10)):
            self.frame(self.t_ns + 100 * MS, lid, mouth, pitch)
        return self

    def shut(self, seconds: float, pitch: float = 0.0) -> Watched:
        """Read as 0.05 s less: half of the time between frames belongs to the frame before."""
        return self.span(seconds + 0.05, 0.0, pitch=pitch)

    def until(self, seconds: float) -> Watched:
        return self.span(seconds - self.t_ns / S)

    def share(self) -> float | None:
        return self.perclos.value

    @property
    def kss(self) -> int | None:
        return self.sleepiness.kss


def test_nothing_is_said_before_a_minute_was_seen() -> None:
    watched = Watched()
    watched.frame(0)
    assert watched.until(59.9).kss is None
    assert watched.share() is None
    assert watched.until(60.0).kss == 3
    assert watched.share() == 0.0
    watched.shut(0.75)
    assert watched.span(0.1).share() == 0.0, "the share is renewed once a second"
    assert watched.until(61.0).share() == pytest.approx(0.75 / 60)
    assert watched.until(120.0).share() == pytest.approx(0.75 / 60)
    assert watched.until(122.0).share() == 0.0


@pytest.mark.parametrize(
    ("closed_s", "kss"),
    [(0.0, 3), (1.35, 4), (2.35, 5), (4.35, 6), (5.55, 6), (8.75, 8), (11.35, 8), (12.95, 9), (20.05, 9)],
)
def test_which_share_of_a_minute_is_which_level(closed_s: float, kss: int) -> None:
    # shares of 0, 0.075, 0.15 and 0.25 are levels 3, 6, 8 and 9, linear between
    watched = Watched()
    watched.frame(0)
    watched.span(1.0)
    if closed_s:
        watched.shut(closed_s)
    assert watched.until(60.0).kss == kss


@pytest.mark.parametrize(("closed_s", "kss"), [(1.05, 3), (1.15, 4)])
def test_a_level_changes_when_the_estimate_is_three_quarters_away(closed_s: float, kss: int) -> None:
    watched = Watched()
    watched.frame(0)
    watched.until(60.0).shut(closed_s)
    assert watched.until(62.0).kss == kss


def _closures(long: int, short: int, long_s: float = 0.55) -> Watched:
    watched = Watched()
    watched.frame(0)
    for k in range(long + short):
        watched.span(1.0).shut(long_s if k < long else 0.25)
    return watched.span(1.0)


def test_ten_closures_tell_of_the_share_of_long_ones() -> None:
    assert _closures(3, 6).until(60.0).kss == 4, "nine say nothing"
    assert _closures(3, 7).until(60.0).kss == 6
    assert _closures(1, 9, 0.65).until(60.0).kss == 5
    assert _closures(3, 6).perclos.long_share is None
    assert _closures(3, 7).perclos.long_share == 0.3
    assert _closures(10, 20).perclos.long_share == pytest.approx(10 / 30)
    assert _closures(10, 25).perclos.long_share == pytest.approx(5 / 30), "the last thirty"


# --- what supports a level of 6 and above: a share of 0.0825 is 6.2, one of 0.105 is 6.8 ---


def _sleepy(closed_s: float = 4.95) -> Watched:
    watched = Watched()
    watched.frame(0)
    return watched.span(1.0).shut(closed_s)


def test_a_nod_of_twelve_degrees_in_a_closure_adds_half_a_level() -> None:
    for pitch, kss in ((0.0, 6), (-11.9, 6), (-12.0, 7)):
        watched = Watched()
        watched.frame(0)
        watched.span(1.0).shut(4.45).span(0.5, 0.0, pitch=pitch)
        assert watched.until(60.0).kss == kss
    watched = Watched()
    watched.frame(0)
    assert watched.span(1.0).shut(5.75).span(0.5, 0.0, pitch=-12.0).until(60.0).kss == 7, "6.8 and a half, not more"


@pytest.mark.parametrize(("shut_ms", "kss"), [(500, 7), (499, 6)])
def test_a_nod_counts_when_the_lids_were_shut_for_half_a_second(shut_ms: int, kss: int) -> None:
    watched = _sleepy()
    watched.until(20.0)
    watched.frame(20 * S + 2, 0.0)
    for t_ms in (100, 200, 300, 400):
        watched.frame(20 * S + t_ms * MS + 1, 0.0)
    watched.frame(20 * S + shut_ms * MS + 1, 0.0, pitch=-15.0)
    watched.frame(20 * S + 500 * MS + 1, 0.0)
    watched.t_ns = 20_600 * MS
    assert watched.until(60.0).kss == kss


def test_two_yawns_of_two_seconds_add_half_a_level_and_one_does_not() -> None:
    def after(*yawns: tuple[float, float]) -> int | None:
        watched = _sleepy()
        for seconds, mouth in yawns:
            watched.span(3.0).span(seconds + 0.05, mouth=mouth)
        return watched.until(60.0).kss

    assert after((2.15, 0.5)) == 6
    assert after((2.15, 0.5), (2.15, 0.5)) == 7
    assert after((2.15, 0.49), (2.15, 0.49)) == 6
    assert after((1.85, 0.9), (1.85, 0.9)) == 6


@pytest.mark.parametrize(("gap_ms", "kss"), [(299, 7), (300, 6)])
def test_a_yawn_is_over_when_the_mouth_was_shut_for_three_tenths_of_a_second(gap_ms: int, kss: int) -> None:
    watched = _sleepy()
    watched.span(3.0).span(3.0, mouth=0.9)
    for start_s in (20, 30):
        watched.until(start_s).span(1.3, mouth=0.9)
        t_ns = watched.t_ns
        for ns in (2, 100 * MS + 1, 200 * MS + 1, gap_ms * MS + 1):
            watched.frame(t_ns + ns)
        watched.t_ns = t_ns + 300 * MS
        watched.span(1.3, mouth=0.9)
    # one yawn of 3 s before; each of these two is one of 2.9 s, or two of 1.3 s
    watched = watched.until(60.0)
    assert watched.kss == kss


@pytest.mark.parametrize(("narrow_s", "kss"), [(18.0, 6), (24.0, 7)])
def test_eyes_that_open_to_less_than_three_quarters_add_half_a_level(narrow_s: float, kss: int) -> None:
    # of a mean with a time constant of 30 s: eyes half open bring it to 0.75 in 20.8 s
    watched = _sleepy().until(60.0 - narrow_s).span(narrow_s, 0.5)
    assert watched.kss == kss


def test_a_nod_supports_for_three_minutes() -> None:
    watched = Watched()
    watched.frame(0)
    watched.span(1.0).shut(4.45).span(0.5, 0.0, pitch=-12.0)
    for minute in (1, 2, 3, 4):
        watched.until(60.0 * minute)
        if minute <= 3:
            assert watched.kss == 7, minute
        watched.span(1.0).shut(4.95)
    assert watched.kss == 6, "the nod was at 6 s"
