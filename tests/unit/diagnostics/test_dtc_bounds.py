"""Trouble codes right at their bounds: debouncing, counters, aging, and what of a kept memory is taken."""

from __future__ import annotations

from typing import Any

import pytest

from watchkeeper.clock import NS_PER_MS, NS_PER_S
from watchkeeper.supervisor.uds.dtc import DtcStore, Snapshot
from watchkeeper.supervisor.uds.troubles import BY_NAME
from watchkeeper.types import Cause

_MS, _S = NS_PER_MS, NS_PER_S
_SUPPLY = BY_NAME[Cause.UNDER_VOLTAGE].code  # fails after 0.5 s, passes after 2 s
_FAILED, _CONFIRMED = 0x01, 0x08


def _told(store: DtcStore, there: bool, t_ns: int) -> bool:
    store.report(Cause.UNDER_VOLTAGE, there, t_ns, Snapshot())
    return bool(store.records[_SUPPLY].status & _FAILED)


def test_a_test_fails_and_passes_when_its_time_is_over() -> None:
    store, t_ns = DtcStore(), 40 * _S
    assert [_told(store, True, t_ns + off_ns) for off_ns in (0, 500 * _MS - 1, 500 * _MS)] == [False, False, True]
    t_ns += _S
    assert [_told(store, False, t_ns + off_ns) for off_ns in (0, 2 * _S - 1, 2 * _S)] == [True, True, False]
    t_ns += 10 * _S
    assert not _told(store, True, t_ns), "there anew: from the beginning"
    assert not _told(store, False, t_ns + 400 * _MS)
    assert not _told(store, True, t_ns + 500 * _MS)
    assert not _told(store, True, t_ns + 1000 * _MS - 1)
    assert _told(store, True, t_ns + 1000 * _MS)


def test_every_change_worth_keeping_is_another_revision() -> None:
    store, t_ns, seen = DtcStore(), 40 * _S, []
    for there, after_ms in (
        (True, 0),
        (True, 600),
        (True, 700),
        (False, 800),
        (False, 3000),
        (True, 3100),
        (True, 3700),
    ):
        _told(store, there, t_ns + after_ms * _MS)
        seen.append(store.revision)
    assert seen == [0, 1, 1, 1, 2, 2, 3]
    store.begin_cycle()
    assert (store.revision, store.cycle) == (4, 1)
    store.clear()
    store.clear()
    assert store.revision == 5, "cleared once: the second time there was nothing"


def test_occurrences_stop_at_255() -> None:
    store = DtcStore()
    for k in range(300):
        _told(store, True, 2 * k * 4 * _S)
        _told(store, True, 2 * k * 4 * _S + _S)
        _told(store, False, (2 * k + 1) * 4 * _S)
        _told(store, False, (2 * k + 1) * 4 * _S + 3 * _S)
        if k in (0, 253, 254):
            assert store.records[_SUPPLY].occurrences == k + 1
    assert store.records[_SUPPLY].occurrences == 255


def test_a_code_is_forgotten_after_forty_good_cycles_in_a_row() -> None:
    store = DtcStore()
    _told(store, True, 0)
    assert _told(store, True, _S)
    store.begin_cycle()
    for cycle in range(40):
        assert store.records[_SUPPLY].status & _CONFIRMED, cycle
        assert store.records[_SUPPLY].aging == cycle
        _told(store, False, 0)
        _told(store, False, 2 * _S)
        store.begin_cycle()
        if cycle == 10:
            store.begin_cycle()  # one in which nothing was tested counts neither way
    record = store.records[_SUPPLY]
    assert (record.status & _CONFIRMED, record.aging, record.first, record.latest) == (0, 0, None, None)


def _plain(**changes: Any) -> dict[str, Any]:
    first = {"cause": 0, "state": 0, "frame_age_ms": 0, "temperature_c": 0, "uptime_s": 0, "cycle": 0, **changes}
    record = {"status": 8, "occurrences": 1, "aging": 0, "first": first, "latest": None}
    return {"cycle": 1, "records": {f"{_SUPPLY:06X}": record}}


@pytest.mark.parametrize(
    ("name", "value", "taken"),
    [
        ("cause", 2**32 - 1, True), ("cause", 2**32, False), ("cause", -1, False), ("cause", None, False),
        ("uptime_s", None, False), ("frame_age_ms", None, True), ("frame_age_ms", -1, False),
        ("temperature_c", None, True), ("temperature_c", -1000, True), ("temperature_c", -1001, False),
        ("state", True, False),
    ],
)  # fmt: skip
def test_a_kept_snapshot_is_of_numbers(name: str, value: object, taken: bool) -> None:
    store = DtcStore()
    if taken:
        store.load(_plain(**{name: value}))
        assert getattr(store.records[_SUPPLY].first, name) == value
    else:
        with pytest.raises(ValueError, match="whole number"):
            store.load(_plain(**{name: value}))


@pytest.mark.parametrize(
    ("field", "highest"), [("status", 0xFF), ("occurrences", 255), ("aging", 40), ("cycle", 2**32 - 1)]
)
def test_kept_counters_have_their_bounds(field: str, highest: int) -> None:
    for value, taken in ((0, True), (highest, True), (highest + 1, False), (-1, False)):
        store, plain = DtcStore(), _plain()
        (plain if field == "cycle" else plain["records"][f"{_SUPPLY:06X}"])[field] = value
        if taken:
            store.load(plain)
            assert (store.cycle if field == "cycle" else getattr(store.records[_SUPPLY], field)) == value
        else:
            with pytest.raises(ValueError, match=f"from 0 to {highest}"):
                store.load(plain)
