"""Nothing leaves but warnings: the product under observation, and proof that the observation sees what would."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from watchkeeper.commands.privacy import judge, planted
from watchkeeper.commands.privacy.observe import observe
from watchkeeper.data import data_path
from watchkeeper.errors import CheckFailedError

DEMO = data_path("demo", "demo_drive.mp4")


def _needs_strace() -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("needs strace")
    tried = subprocess.run([strace, "-qq", "-o", "/dev/null", "/bin/true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"needs a machine on which strace may trace: {tried.stderr.strip()}")


@pytest.mark.faults
@pytest.mark.needs_models
def test_the_demo_drive_leaves_nothing(tmp_path: Path) -> None:
    _needs_strace()
    page = tmp_path / "privacy.md"
    done = subprocess.run(
        [sys.executable, "-m", "watchkeeper", "privacy-report", "--seconds", "12", "--json", "--out", str(page)],
        capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {question for question, against in told["violations"].items() if against} == set()
    assert told["seen"]["picture_in"]["memory of vision"] > 0, "the search has to find what is there"
    assert told["seen"]["picture_in"]["memory of supervisor"] == 0
    assert told["seen"]["sockets"] == ["supervisor: AF_UNIX"]
    vision = told["seen"]["confinement"]["vision"]
    assert (vision["no new privileges"], vision["core file limit"]) == ("1", "0")
    assert "memory of supervisor | 0" in page.read_text()


LEAK = """
import socket, sys, time
picture = open(sys.argv[1], "rb").read()
with socket.socket() as s:
    try:
        s.connect(("127.0.0.1", 9))
    except OSError:
        pass
open(sys.argv[2], "wb").write(picture)
time.sleep(float(sys.argv[3]))
"""


def test_a_program_that_leaks_is_seen(tmp_path: Path) -> None:
    """A copy of the bytes in a file, a socket, and the bytes in the memory of who must not have them."""
    _needs_strace()
    (tmp_path / "outside").mkdir()
    folder = tmp_path / "run"
    folder.mkdir()
    rows = planted.plant(DEMO, folder / "clip.mkv", 1, seed=3)
    (folder / "raw").write_bytes(b"".join(rows))
    leak = tmp_path / "outside" / "copy"
    command = [sys.executable, "-c", LEAK, str(folder / "raw"), str(leak), "2"]
    seen = observe(command, 20, rows, folder, [tmp_path / "outside"], folder / "raw")
    assert judge.sockets(seen) == ["run: socket AF_INET"]
    assert f"run: {leak}" in judge.files(seen, [folder])
    told = judge.pictures(seen)
    assert f"{leak}: {planted.ROWS} planted rows" in told
    assert any(line.startswith("memory of run") for line in told)


def test_a_run_that_fails_is_no_evidence(tmp_path: Path) -> None:
    _needs_strace()
    with pytest.raises(CheckFailedError, match="exit status 3: nothing on stderr"):
        observe([sys.executable, "-c", "raise SystemExit(3)"], 20, [b"x" * 64], tmp_path, [], tmp_path / "none")
