"""A closure with which the head pitches down is a glance down at first: five degrees, averaged over 300 ms."""

from __future__ import annotations

import math

import pytest

from watchkeeper.state.closures import Closures
from watchkeeper.types import Eye, Head, Measurement

MS = 1_000_000


def _frame(lid: float | None, pitch: float | None) -> Measurement:
    eye = Eye(lid) if lid is not None else None
    return Measurement(
        0, head=Head(0.0, pitch, 0.0) if pitch is not None else None, left_eye=eye, right_eye=eye
    )  # fmt: skip


def _fed(*frames: tuple[float, float | None, float | None]) -> Closures:
    """frames: ms, opening of the lids, pitch of the head."""
    closures = Closures()
    for t_ms, lid, pitch in frames:
        closures.step(_frame(lid, pitch), round(t_ms * MS))
    return closures


def _glances_down(*frames: tuple[float, float | None, float | None]) -> bool:
    return _fed(*frames).glance_down


STILL = [(t, 1.0, 0.0) for t in (0, 100, 200)]


@pytest.mark.parametrize(("fall", "down"), [(5.0, False), (5.00000001, True), (4.9, False), (-6.0, False)])
def test_more_than_five_degrees(fall: float, down: bool) -> None:
    assert _glances_down(*STILL, (300, 0.0, -fall)) is down


def test_only_what_falls_with_the_lids_counts() -> None:
    assert not _glances_down((0, 1.0, -10.0), (100, 1.0, -10.0), (200, 0.0, -10.0))
    assert not _glances_down((0, 0.0, 0.0), (100, 0.0, -10.0)), "never seen open"
    assert not _glances_down(*STILL, (300, None, -10.0)), "lids not seen"
    assert not _glances_down(*STILL, (300, 1.0, -10.0)), "lids open"


def test_the_first_300_ms_count_and_nothing_later() -> None:
    shut = [(300, 0.0, 0.0), (400, 0.0, 0.0)]
    assert _glances_down(*STILL, *shut, (600, 0.0, -18.0)), "0, 0, and 18 deg for half of the time are 9"
    assert not _glances_down(*STILL, *shut, (600, 0.0, -10.0)), "5"
    assert not _glances_down(*STILL, *shut, (600.001, 0.0, -60.0))
    assert _glances_down(*STILL, (300, 0.0, -6.0), (700, 0.0, 0.0), (800, 0.0, 0.0)), "what it began as it stays"


def test_a_frame_counts_for_as_long_as_it_lasted_up_to_200_ms() -> None:
    assert _glances_down(*STILL, (240, 0.0, -2.0), (400, 0.0, -6.0)), "2 deg for 40 ms and 6 deg for 160 ms"
    assert not _glances_down(*STILL, (240, 0.0, -2.0), (400, 0.0, -5.0))
    late = [(0, 1.0, 0.0), (300, 0.0, -6.0)]  # 300 ms since the frame before
    assert not _glances_down(*late, (400, 0.0, -3.0)), "200 ms of 6 deg and 100 ms of 3: 5 deg, not more"
    assert _glances_down(*late, (400, 0.0, -3.01))


def test_within_one_instant() -> None:
    assert _glances_down((0, 1.0, 0.0), (0, 0.0, -6.0))
    assert not _glances_down((0, 1.0, 0.0), (0, 0.0, -4.0))


@pytest.mark.parametrize(("pitch", "down"), [(-7.0, False), (-7.01, True)])
def test_the_head_before_is_a_mean_over_the_last_second(pitch: float, down: bool) -> None:
    # 200 ms of 12 deg down against a time constant of 1 s: 12 * 0.2 / 1.2 is 2 deg
    assert _glances_down((0, 1.0, 0.0), (200, 1.0, -12.0), (300, 0.0, pitch)) is down
    # a frame speaks for 200 ms at most
    assert _glances_down((0, 1.0, 0.0), (700, 1.0, -12.0), (800, 0.0, pitch)) is down


def test_the_mean_before_does_not_follow_closed_or_unseen_lids() -> None:
    for lid in (0.0, None):
        between = [(300 + 100 * k, lid, -4.0) for k in range(8)]
        assert _glances_down(*STILL, *between, (1100, 1.0, 0.0), (1200, 1.0, 0.0), (1300, 1.0, 0.0), (1400, 0.0, -6.0))


def test_the_next_closure_begins_anew() -> None:
    first = [*STILL, (300, 0.0, -8.0), (400, 0.0, -8.0), (500, 0.0, -8.0)]
    opened = [(600 + 20 * k, 1.0, 0.0) for k in range(12)]
    assert _glances_down(*first)
    assert _glances_down(*first, *opened[:3]), "one wrong frame does not end it"
    assert not _glances_down(*first, *opened)
    assert not _glances_down(*first, *opened, (900, 0.0, -5.0)), "just 5 deg, as of any first closure"
    assert _glances_down(*first, *opened, (900, 0.0, -5.00000001))
    assert _glances_down(*first, *opened, (900, 0.0, 0.0), (1000, 0.0, -11.0)), "the time begins anew too"


def test_a_closure_that_goes_on_after_wrong_frames_goes_on_being_what_it_was() -> None:
    assert _glances_down(*STILL, *[(300 + 50 * k, 0.0, -8.0) for k in range(4)], (500, 1.0, 0.0), (520, 0.0, 0.0))


def test_lids_that_were_shut_when_first_seen() -> None:
    # one open frame between does not make them open, yet tells where the head was
    shut = [(100 * k, 0.0, 0.0) for k in range(4)]
    assert not _glances_down(*shut, (400, 1.0, 0.0), (500, 0.0, -5.0))
    assert _glances_down(*shut, (400, 1.0, 0.0), (500, 0.0, -5.00000001))


@pytest.mark.parametrize(
    ("before", "after", "down"),
    [(-57.0, -90.0, False), (-54.0, -90.0, True), (90.0, 55.0, False), (90.0, 54.9, True)],
)
def test_heads_pitch_no_further_than_sixty_degrees(before: float, after: float, down: bool) -> None:
    assert _glances_down((0, 1.0, before), (100, 1.0, before), (200, 0.0, after)) is down


def test_what_is_no_number_counts_as_not_measured() -> None:
    assert _glances_down(*STILL, (250, 1.0, math.nan), (300, 0.0, -6.0))
    assert not _glances_down(*STILL, (250, 0.0, math.nan), (300, 0.0, math.inf))
    assert _glances_down(*STILL, (250, 0.0, None), (300, 0.0, -6.0))
