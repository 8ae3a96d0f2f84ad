"""BusRecovered: after silence or bus-off, for a while, and never before."""

from __future__ import annotations

from watchkeeper.supervisor.bus_watch import AWAY_AFTER_NS, SHOWN_FOR_NS, BusWatch


def test_a_bus_that_works_from_the_start_has_not_recovered() -> None:
    watch = BusWatch()
    for t_ns in range(0, 10 * AWAY_AFTER_NS, AWAY_AFTER_NS):
        watch.step(True, 0, t_ns)
        assert not watch.recovered(t_ns)


def test_a_bus_that_is_there_late_has_nothing_to_recover_from() -> None:
    watch = BusWatch()
    watch.step(False, 0, 0)
    watch.step(True, 0, 10 * AWAY_AFTER_NS)
    assert not watch.recovered(10 * AWAY_AFTER_NS)


def test_back_after_silence_is_shown_for_a_while() -> None:
    watch = BusWatch()
    watch.step(True, 0, 0)
    back_ns = AWAY_AFTER_NS + 1
    watch.step(False, 0, back_ns - 1)
    assert not watch.recovered(back_ns - 1)
    watch.step(True, 0, back_ns)
    assert watch.recovered(back_ns)
    assert watch.recovered(back_ns + SHOWN_FOR_NS - 1)
    assert not watch.recovered(back_ns + SHOWN_FOR_NS)


def test_bus_off_counts_however_short() -> None:
    watch = BusWatch()
    watch.step(True, 0, 0)
    watch.step(False, 1, 50)
    assert not watch.recovered(50)
    watch.step(True, 1, 100)
    assert watch.recovered(100)
