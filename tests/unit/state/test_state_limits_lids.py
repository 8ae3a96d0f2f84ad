"""The figures by which a driver's lid readings are learned, at the edge of each."""

from __future__ import annotations

import pytest

from watchkeeper.state.lid_readings import LidReading, LidReadings

MS, S = 1_000_000, 1_000_000_000


def _blinks(lids: LidReadings, *closed: float, from_ms: int = 0) -> LidReadings:
    """Three frames each: open, shut at that reading, open."""
    for k, reading in enumerate(closed):
        t_ms = from_ms + 300 * k
        for dt_ms, value in ((0, 1.0), (100, reading), (200, 1.0)):
            lids.step(value, True, (t_ms + dt_ms) * MS)
    return lids


@pytest.mark.parametrize(("opening", "blink"), [(0.65, False), (0.6499, True)])
def test_a_blink_begins_below_two_thirds_of_open(opening: float, blink: bool) -> None:
    lids = LidReadings()
    lids.step(opening, True, 0)
    assert lids.is_blink is blink


def test_four_blinks_tell_how_shut_reads_and_what_is_half_open_does_not() -> None:
    assert _blinks(LidReadings(), *[0.2] * 3).known[0].closed is None
    assert _blinks(LidReadings(), *[0.2] * 4).known[0].closed == 0.2
    assert _blinks(LidReadings(), *[0.45] * 4).known[0].closed == 0.45
    assert _blinks(LidReadings(), *[0.4501] * 20).known[0].closed is None


def test_the_lower_quarter_of_twelve_blinks() -> None:
    lids = _blinks(LidReadings(), 0.10, 0.11, 0.12, 0.13, 0.14, 0.15, 0.16, 0.17)
    assert lids.known[0].closed == 0.12
    frozen = _blinks(LidReadings(), *[0.2] * 12)
    assert _blinks(frozen, *[0.1] * 12, from_ms=60_000).known[0].closed == 0.2
    growing = _blinks(LidReadings(), *[0.2] * 11)
    assert _blinks(growing, *[0.1] * 12, from_ms=60_000).known[0].closed == 0.2, "one of twelve is no quarter"
    growing = _blinks(LidReadings(), *[0.2] * 9)
    assert _blinks(growing, *[0.1] * 3, from_ms=60_000).known[0].closed == 0.2
    growing = _blinks(LidReadings(), *[0.2] * 8)
    assert _blinks(growing, *[0.1] * 4, from_ms=60_000).known[0].closed == 0.1


@pytest.mark.parametrize(
    ("known", "other", "reading", "needed"),
    [
        (0.2, None, 0.34, None), (0.2, None, 0.36, 6),  # another reading from 0.15 on
        (0.4, None, 0.1, 4), (0.1, 0.4, 0.4, 4), (0.4, 0.1, 0.1, 2), (0.05, 0.4, 0.24, 6),
    ],
)  # fmt: skip
def test_how_many_blinks_make_it_the_other_pair(
    known: float, other: float | None, reading: float, needed: int | None
) -> None:
    lids = LidReadings((LidReading(1.0, known), LidReading(None if other is None else 1.0, other)))
    for count in range(1, 10):
        _blinks(lids, reading, from_ms=count * 1000)
        assert lids.present == (1 if needed is not None and count >= needed else 0), count


@pytest.mark.parametrize(("closed", "at"), [(0.05, 0.25), (0.10, 0.25), (0.12, 0.34), (0.4, 0.55)])
def test_a_closed_reading_above_a_tenth_moves_the_threshold(closed: float, at: float) -> None:
    lids = LidReadings((LidReading(1.0, closed), LidReading()))
    assert lids.threshold(0.25) == pytest.approx(at)
    assert LidReadings().threshold(0.25) == 0.25


def test_open_reads_from_six_to_twelve_tenths() -> None:
    for reading, held in ((0.3, 0.6), (0.6, 0.6), (0.9, 0.9), (1.2, 1.2), (1.5, 1.2)):
        assert LidReadings((LidReading(reading, None), LidReading())).open == held
    for reading, learned in ((0.59, None), (0.602, 0.605)):
        lids = LidReadings()
        lids.learn_open(reading, 10 * S - 1)
        assert lids.known[0].open is None
        lids.learn_open(reading, 1)
        assert lids.known[0].open == (None if learned is None else pytest.approx(learned))
