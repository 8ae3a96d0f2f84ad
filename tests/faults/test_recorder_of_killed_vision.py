"""A vision that is killed leaves its recorder behind: the supervisor writes it down, the next vision goes on in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from watchkeeper.trace.ring import read_ring
from watchkeeper.trace.rows import Kind

_VISION = """
import os, signal, sys, time
from watchkeeper.trace.ring import Ring
from watchkeeper.trace.rows import Kind
ring = Ring(about={"pid": os.getpid()}, fd=int(sys.argv[sys.argv.index("--ring-fd") + 1]))
t_ns = time.monotonic_ns()
ring.write(-1, t_ns, t_ns, Kind.START, 0, os.getpid())
for seq in range(100):
    ring.write(seq, t_ns, t_ns + 1, Kind.DECIDE)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.faults
def test_the_rings_of_two_killed_visions(tmp_path: Path) -> None:
    (tmp_path / "vision.py").write_text(_VISION)
    trace = tmp_path / "drive.ring"
    supervisor = subprocess.run(
        [sys.executable, "-m", "watchkeeper.supervisor.main", "watchkeeper-supervisor", "--can",
         f"virtual:box-{os.getpid()}", "--trace-out", str(trace), "--duration", "4",
         "--", sys.executable, str(tmp_path / "vision.py"), "watchkeeper-vision"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert supervisor.returncode == 0, supervisor.stderr
    assert "ended with SIGKILL" in supervisor.stderr
    saved = sorted(tmp_path.glob("drive.failed-*.ring"))
    assert len(saved) >= 2, supervisor.stderr
    first, second = (read_ring(path) for path in saved[:2])
    assert [row.seq for row in first.rows if row.kind == Kind.DECIDE] == list(range(100))
    assert first.rows[0].value == first.about["pid"]
    assert second.about["pid"] != first.about["pid"]
    assert second.rows[:101] == first.rows  # both visions in one recording
    assert len(second.rows) == 202
