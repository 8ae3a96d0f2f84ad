"""What the benches make of a child's bus log and of its samples; the children themselves are run by the benches."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pytest

from watchkeeper.clock import NS_PER_MS
from watchkeeper.commands import bench_soak, bench_startup
from watchkeeper.commands.bench_children import RunningChild, signals_of
from watchkeeper.errors import BadInputError, CheckFailedError
from watchkeeper.supervisor.candump import format_line
from watchkeeper.supervisor.frames import Encoder
from watchkeeper.types import SystemState


def _child(tmp_path: Path, moments_ms: list[tuple[int, SystemState, float | None]]) -> RunningChild:
    """A process that ends at once, and the log of one that said these states."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    encoder = Encoder()
    log = tmp_path / "can.log"
    lines = [
        format_line(t_ms * NS_PER_MS, "can0", encoder.encode("DMS_Status", {"SystemState": state, "FrameAge": age}))
        for t_ms, state, age in moments_ms
    ]
    log.write_text("".join(line + "\n" for line in lines))
    return RunningChild(process, 0, log)


def test_the_moments_of_a_start_are_the_first_frames_that_say_so(tmp_path: Path) -> None:
    child = _child(tmp_path, [
        (300, SystemState.INIT, None), (400, SystemState.INIT, None), (1500, SystemState.DEGRADED, 20.0),
        (1600, SystemState.ACTIVE, 21.0), (1700, SystemState.ACTIVE, 22.0),
    ])  # fmt: skip
    moments = bench_startup._until_active(child)
    assert {name: t_ns // NS_PER_MS for name, t_ns in moments.items()} == {
        "first_can_ms": 300, "first_measurement_ms": 1500, "active_ms": 1600,
    }  # fmt: skip


def test_a_system_that_never_gets_active_is_said_by_name(tmp_path: Path) -> None:
    child = _child(tmp_path, [(300, SystemState.INIT, None), (900, SystemState.FAULT, None)])
    with pytest.raises(CheckFailedError, match="no first_measurement_ms, active_ms"):
        bench_startup._until_active(child)


def test_only_the_asked_message_is_decoded(tmp_path: Path) -> None:
    (frame,) = _child(tmp_path, [(1, SystemState.STANDBY, 5.0)]).sent()
    assert signals_of(frame, "DMS_Health") is None
    status = signals_of(frame, "DMS_Status")
    assert status is not None
    assert (status["SystemState"], status["FrameAge"]) == (SystemState.STANDBY, 5.0)


def test_growth_is_judged_after_the_first_third() -> None:
    warm = [float(n) for n in range(40)]
    assert bench_soak._growth("vision", "resident_growth", [*warm, *[40.0] * 80]).ours == 0.0
    leak = bench_soak._growth("vision", "descriptors_growth", [10.0 + n / 10 for n in range(120)])
    assert leak.ours == pytest.approx(6.0)
    assert leak.unit == "count"


def test_this_process_can_be_looked_at_and_one_that_is_gone_is_nothing(tmp_path: Path) -> None:
    child = _child(tmp_path, [])
    assert bench_soak._held(child.process.pid) == {}
    held = bench_soak._held(os.getpid())
    assert held["resident_growth"] > 1.0
    assert held["threads_growth"] >= 1.0


def test_bad_numbers_are_named() -> None:
    with pytest.raises(BadInputError, match="--runs 0"):
        bench_startup.run(argparse.Namespace(runs=0))
    with pytest.raises(BadInputError, match="--seconds 3"):
        bench_soak.run(argparse.Namespace(seconds=3.0))
