"""`bench confinement`: both sides run, one of them really confined, and their figures stand beside each other."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest

from watchkeeper.commands import bench_confinement
from watchkeeper.commands.bench_confined_side import SIDES
from watchkeeper.errors import BadInputError, CheckFailedError


def _args(**more: object) -> argparse.Namespace:
    return argparse.Namespace(**{"frames": 30, "times": 0, "seed": 1, "json": None, "compare": None, **more})


@pytest.mark.needs_models
def test_both_sides_are_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.json"
    assert bench_confinement.run(_args(json=out)) == 0
    rows = json.loads(out.read_text())["results"]
    assert [row["metric"] for row in rows] == ["latency_p50", "latency_p95", "latency_p99"]
    assert all((row["n"], row["peer"]) == (30, "not confined") for row in rows)
    assert all(row["ours"] > 0 and row["peer_value"] > 0 for row in rows)
    assert "ratio" in capsys.readouterr().out


@pytest.mark.needs_models
@pytest.mark.parametrize("side", SIDES)
def test_one_side_is_confined_and_the_other_is_not(side: str) -> None:
    command = [sys.executable, "-m", "watchkeeper.commands.bench_confined_side", side]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("2\n")
        process.stdin.flush()
        assert len(json.loads(process.stdout.readline())) == 2
        status = Path(f"/proc/{process.pid}/status").read_text()
        process.stdin.close()
        assert process.wait(20) == 0
    assert ("NoNewPrivs:\t1" in status) == (side == "confined")


def test_a_side_that_ends_is_told() -> None:
    with (
        subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         text=True) as child,
        pytest.raises(CheckFailedError, match="the process that is free ended with status 3"),
    ):  # fmt: skip
        bench_confinement._block(child, "free")


def test_too_few_frames_are_refused() -> None:
    with pytest.raises(BadInputError, match="--frames 3: expected at least 30"):
        bench_confinement.run(_args(frames=3))
