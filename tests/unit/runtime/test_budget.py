"""What fits into a frame, and the ladder, on a hand-driven clock."""

from __future__ import annotations

import itertools

from watchkeeper.board import load_board
from watchkeeper.runtime.budget import Estimate, Ladder, Rung, Scheduler
from watchkeeper.runtime.frame_work import FrameWork
from watchkeeper.runtime.shares import StageShares
from watchkeeper.trace.recorder import Recorder
from watchkeeper.trace.ring import Ring
from watchkeeper.trace.rows import ROW, STAGES, Kind, Row, Task

MS, S = 1_000_000, 1_000_000_000


def _overrun(ladder: Ladder, t_ns: int) -> int:
    """Three misses a frame apart; returns the time after them."""
    for _ in range(3):
        ladder.step(True, t_ns)
        t_ns += 33 * MS
    return t_ns


def test_an_estimate_keeps_its_peak_and_forgets_it_slowly() -> None:
    estimate = Estimate()
    estimate.add(8 * MS)
    estimate.add(MS)
    assert 7 * MS < estimate.peak_ns < 8 * MS
    for _ in range(500):
        estimate.add(MS)
    assert MS <= estimate.peak_ns < 1.1 * MS


def test_two_misses_are_nothing_three_within_a_second_are_a_rung() -> None:
    ladder = Ladder()
    assert ladder.step(True, 0) is Rung.FULL
    assert ladder.step(True, 500 * MS) is Rung.FULL
    assert ladder.step(True, 1000 * MS + 1) is Rung.FULL  # the first is over a second ago
    assert ladder.step(True, 1400 * MS) is Rung.NO_OPTIONAL


def test_one_rung_a_second_up_to_the_last() -> None:
    ladder = Ladder()
    seen = [ladder.step(True, frame * 33 * MS) for frame in range(200)]
    assert seen == sorted(seen)
    assert seen[-1] is Rung.HALF_RATE
    changes = [frame for frame in range(1, 200) if seen[frame] != seen[frame - 1]]
    assert all(33 * MS * (b - a) >= S for a, b in itertools.pairwise(changes))


def test_it_recovers_rung_by_rung_after_a_calm() -> None:
    ladder = Ladder()
    t_ns = _overrun(ladder, 0)
    last_miss_ns = t_ns - 33 * MS
    assert ladder.step(False, last_miss_ns + Ladder.CALM_NS - 1) is Rung.NO_OPTIONAL
    assert ladder.step(False, last_miss_ns + Ladder.CALM_NS) is Rung.FULL


def test_a_recovery_that_does_not_hold_is_tried_again_later() -> None:
    ladder = Ladder()
    _overrun(ladder, 0)
    down_ns = 10 * S
    assert ladder.step(False, down_ns) is Rung.FULL
    t_ns = _overrun(ladder, down_ns + S)
    assert ladder.rung is Rung.NO_OPTIONAL
    assert ladder.step(False, t_ns + Ladder.CALM_NS) is Rung.NO_OPTIONAL
    assert ladder.step(False, t_ns + 2 * Ladder.CALM_NS) is Rung.FULL


def test_optional_work_runs_only_where_it_fits_with_the_guard() -> None:
    scheduler = Scheduler()
    scheduler.done(Task.DETECT, 4 * MS)
    scheduler.begin(30 * MS)
    fits_until_ns = 30 * MS - 4 * MS - scheduler.guard_ns
    assert scheduler.allows(Task.DETECT, fits_until_ns)
    assert not scheduler.allows(Task.DETECT, fits_until_ns + 1)


def test_what_is_allowed_leaves_the_mandatory_stages_their_expected_time_but_no_more_than_their_share() -> None:
    shares = StageShares(load_board("host").budget)
    scheduler = Scheduler(shares)
    scheduler.done(Task.QUALITY, MS)
    for kind, took_ns in ((Kind.PREPROCESS, MS), (Kind.INFER, 6 * MS), (Kind.MEASURE, MS), (Kind.DECIDE, 0)):
        shares.add(kind, took_ns)
    assert shares.reserve_ns(Task.QUALITY) == 8 * MS
    assert shares.reserve_ns(Task.REFINE) == MS  # the networks have run already
    scheduler.begin(33 * MS)
    until_ns = 33 * MS - 8 * MS - MS - scheduler.guard_ns
    assert scheduler.allows(Task.QUALITY, until_ns)
    assert not scheduler.allows(Task.QUALITY, until_ns + 1)
    shares.add(Kind.INFER, 90 * MS)  # far beyond its 38 %: others do not have to pay for it
    assert shares.reserve_ns(Task.QUALITY) == 2 * MS + round(33 * MS * 0.38)


def test_a_stage_beyond_its_share_is_a_row_of_its_own() -> None:
    now, ring = [0], Ring(rows=64)
    work = FrameWork(Recorder(ring, lambda: now[0]), lambda: now[0], load_board("host").budget)
    work.begin(7, 0, 0, 0, 33 * MS)
    for kind in STAGES[2:]:
        now[0] += 20 * MS if kind is Kind.DECIDE else 1_500_000
        work.mark(kind)
    work.finish(late=False)
    data = ring.snapshot()
    rows = [Row(*ROW.unpack_from(data, 8192 + n * ROW.size)) for n in range(ring.written)]
    over = {Kind(row.detail): row.value for row in rows if row.kind == Kind.OVER}
    assert over == {Kind.QUALITY: 180, Kind.DECIDE: 18_350}


def test_a_starved_task_gets_cheaper_until_it_runs() -> None:
    scheduler = Scheduler()
    scheduler.done(Task.DETECT, 20 * MS)
    scheduler.begin(10 * MS)
    refused = 0
    while not scheduler.allows(Task.DETECT, 0):
        refused += 1
        assert refused < 20
    assert refused >= 8  # at half its price it fits


def test_mandatory_work_is_refused_by_the_ladder_alone() -> None:
    scheduler = Scheduler()
    scheduler.done(Task.LANDMARKS, 500 * MS)
    scheduler.begin(0)
    assert scheduler.allows(Task.LANDMARKS, S)
    scheduler.rung = Rung.LANDMARKS_ALTERNATE
    done = []
    for _ in range(6):
        assert scheduler.takes()
        done.append(scheduler.allows(Task.LANDMARKS, 0))
    assert done == [False, True] * 3
    scheduler.rung = Rung.HALF_RATE
    assert [scheduler.takes() for _ in range(4)] == [False, True] * 2


def test_on_the_ladder_optional_work_stops_but_quality_is_never_forgotten() -> None:
    scheduler = Scheduler()
    scheduler.rung = Rung.NO_OPTIONAL
    scheduler.begin(S)
    assert not any(scheduler.allows(Task.REFINE, 0) for _ in range(50))
    looked = []
    for _ in range(50):
        if scheduler.allows(Task.QUALITY, 0):
            looked.append(True)
            scheduler.done(Task.QUALITY, MS)
    assert 2 <= len(looked) <= 4
    assert scheduler.allows(Task.DETECT, 0)


def test_the_guard_grows_with_overruns_and_shrinks_back() -> None:
    scheduler = Scheduler()
    least_ns = scheduler.guard_ns
    scheduler.finish(missed=True)
    assert scheduler.guard_ns == 2 * least_ns
    for _ in range(10):
        scheduler.finish(missed=True)
    assert scheduler.guard_ns <= 8 * least_ns
    for _ in range(1000):
        scheduler.finish(missed=False)
    assert scheduler.guard_ns == least_ns
