"""`bench can`: what counts as a wrong frame, and the bench itself on both kinds of bus."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from watchkeeper.cli import main
from watchkeeper.supervisor.frames import CanFrame, Encoder
from watchkeeper.supervisor.sender_check import SenderCheck, SenderVerdict, percentile

_MS = 1_000_000


def _checked(steps: list[int], gaps_ms: list[float], damage: int | None = None) -> SenderVerdict:
    """Verdict on DMS_Status frames whose counter makes these steps at these gaps."""
    check, encoder, t_ms = SenderCheck(), Encoder(), 0.0
    for index, (step, gap_ms) in enumerate(zip([0, *steps], [0.0, *gaps_ms], strict=True)):
        for _ in range(step):
            encoder.sent("DMS_Status")
        t_ms += gap_ms
        frame = encoder.encode("DMS_Status", {})
        if index == damage:
            frame = CanFrame(frame.id, frame.data[:7] + bytes((frame.data[7] ^ 1,)))
        check.step(frame, round(t_ms * _MS))
    check.step(CanFrame(0x123, b""), 0)
    assert check.foreign == 1
    return check.verdicts["DMS_Status"]


def test_a_faultless_sender_has_no_faults() -> None:
    verdict = _checked([1] * 40, [50.0] * 40)
    assert (verdict.n, verdict.faults, verdict.off_cycle, max(verdict.deviations_pct)) == (41, 0, 0, 0.0)


def test_repeats_skips_and_damage_are_told_apart() -> None:
    verdict = _checked([1, 0, 1, 2, 1, 15], [50.0] * 6)
    assert (verdict.repeats, verdict.skips, verdict.bad_crc) == (1, 2, 0)
    assert _checked([1, 1, 1], [50.0] * 3, damage=2).bad_crc == 1


def test_bursts_and_missed_slots_are_off_cycle_and_lateness_is_not() -> None:
    assert _checked([1] * 4, [60.0, 40.0, 74.0, 26.0]).off_cycle == 0
    assert _checked([1] * 3, [100.0, 50.0, 24.0]).off_cycle == 2
    assert _checked([1], [55.0]).deviations_pct == [10.0]


def test_percentile() -> None:
    values = [float(i) for i in range(100)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1.0)) == (50.0, 99.0, 99.0)
    assert percentile([], 0.99) == 0.0


@pytest.mark.parametrize("bus", ["virtual", "slcan-pty"])
def test_the_bench_runs_a_real_supervisor(bus: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "can.json"
    assert main(["bench", "can", "--bus", bus, "--frames", "150", "--json", str(out)]) == 0
    made = json.loads(out.read_text())
    assert (made["bench"], made["valid"]) == ("can", True)
    environment = made["environment"]
    assert environment["frames_sent"] >= 100
    assert environment["scheduler"] in ("SCHED_FIFO", "SCHED_OTHER")
    assert all(not v["repeats"] + v["skips"] + v["bad_crc"] for v in environment["faults"].values())
    rows = {(row["case"], row["metric"]): row for row in made["results"]}
    row = rows[(f"{bus}: all messages", "cycle_deviation_p99_pct")]
    assert row["n"] > 100
    assert (row["peer"], row["ratio"]) == (None, None)
    assert "DMS_Status" in capsys.readouterr().out


def test_bad_use_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "can", "--frames", "5"]) == 2
    assert "expected at least 100" in capsys.readouterr().err
    assert main(["bench", "can", "--bus", "socketcan"]) == 2
    assert "expected virtual or slcan-pty" in capsys.readouterr().err
