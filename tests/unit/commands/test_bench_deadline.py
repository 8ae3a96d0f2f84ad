"""Rings that overlap become one run: every frame once, drops once, gaps refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchkeeper.commands.bench_deadline import Tally, results_of
from watchkeeper.errors import BadInputError, CheckFailedError
from watchkeeper.trace.recorder import Recorder
from watchkeeper.trace.ring import Recording, Ring, read_ring
from watchkeeper.trace.rows import STAGES, Drop

MS = 1_000_000
PERIOD_NS = 33_300_000


class _Run:
    """A recorder on a clock of its own; a ring of 400 rows holds about 40 frames."""

    def __init__(self, folder: Path) -> None:
        self.ns = 10**10
        self._path = folder / "a.ring"
        self._ring = Ring(rows=400, about={"frame_period_ms": 33.3, "budget_ms": 33.0})
        self.recorder = Recorder(self._ring, lambda: self.ns, bus_ns=95 * MS)
        self.recorder.start(1)
        self._seq = 0

    def frames(self, count: int, took_ns: int = 5 * MS) -> None:
        for _ in range(count):
            exposure_ns = 10**10 + self._seq * PERIOD_NS
            self.ns = max(self.ns, exposure_ns)
            self.recorder.begin(self._seq, exposure_ns, exposure_ns, self.ns)
            self.ns += took_ns
            for kind in STAGES[2:]:
                self.recorder.mark(kind)
            self.recorder.finish(late=self.ns - exposure_ns > 33 * MS, rung=0)
            self.recorder.sent(exposure_ns, self.ns + 20 * MS)
            self._seq += 1

    def ring(self) -> Recording:
        self._path.write_bytes(self._ring.snapshot())
        return read_ring(self._path)


def test_a_long_run_out_of_short_rings(tmp_path: Path) -> None:
    run, tally = _Run(tmp_path), Tally()
    for part in range(40):
        run.frames(15)
        if part == 20:
            run.frames(1, took_ns=80 * MS)
            run.recorder.drop(Drop.OVERWRITTEN, 2)
        tally.add(run.ring())
    results = {result.metric: result for result in results_of(tally, "x")}
    assert len(tally.judged) == 601
    assert tally.drops == {"overwritten": 2}
    assert (results["cold_start_late_frames"].n, results["warm_up_late_frames"].n) == (1, 150)
    late = results["late_frames"]
    assert (late.ours >= 1, late.n) == (True, 450)
    assert results["missed_share_pct"].ours == pytest.approx(100 * (late.ours + 2) / 452)
    assert results["latency_p50"].ours == pytest.approx(5.0, rel=0.02)
    assert results["latency_max"].ours == pytest.approx(80.0, rel=0.02)
    assert results["latency_p999_over_p50"].ours == pytest.approx(16.0, rel=0.04)
    assert results["latency_p999_corrected"].n > 450  # who waited behind the long one is counted
    assert results["exposure_to_bus_p50"].ours == pytest.approx(25.0, rel=0.02)


def test_a_gap_between_two_rings_is_no_result(tmp_path: Path) -> None:
    run, tally = _Run(tmp_path), Tally()
    run.frames(10)
    tally.add(run.ring())
    run.frames(80)
    with pytest.raises(CheckFailedError, match="asked too late"):
        tally.add(run.ring())


def test_a_restart_of_vision_is_no_result(tmp_path: Path) -> None:
    run, tally = _Run(tmp_path), Tally()
    run.frames(3)
    run.recorder.start(2)
    with pytest.raises(CheckFailedError, match="restarted"):
        tally.add(run.ring())


@pytest.mark.parametrize("options", [["--seconds", "1"], ["--load", "9999"], ["--load", "-1"]])
def test_options_are_checked_before_anything_starts(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    from watchkeeper.cli import main

    assert main(["bench", "deadline", *options]) == BadInputError.exit_status
    assert options[0] in capsys.readouterr().err
