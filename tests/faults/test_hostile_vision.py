"""A vision process in an attacker's hands: what it tries fails, each by itself; the bus says that vision is gone."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from rig import Rig, check_sender

from watchkeeper.clock import NS_PER_S
from watchkeeper.confine import landlock, seccomp
from watchkeeper.types import Cause, SystemState

HOSTILE = str(Path(__file__).with_name("hostile_vision.py"))


def _needs_a_kernel_that_can() -> None:
    if landlock.abi() < 5 or seccomp.architecture() is None:
        pytest.skip(f"needs Landlock 5 and a known architecture; here Landlock is {landlock.abi()}")


def _secret(folder: Path) -> Path:
    secret = folder / "unit.key"
    secret.write_bytes(b"a unit's own key")
    return secret


def _all_refused(folder: Path) -> None:
    reports = [json.loads(line) for line in (folder / "report").read_text().splitlines()]
    assert reports
    for report in reports:
        assert report["missing"] == []
        assert len(report["got"]) >= 30
        assert {what: how for what, how in report["got"].items() if how.startswith("SUCCEEDED")} == {}
    assert not list((folder / "target").iterdir())
    assert not [path for where in ("/dev/shm", "/tmp") for path in Path(where).glob("watchkeeper-picture-*")]


def _attack(folder: Path, *more: str) -> tuple[str, ...]:
    return (
        sys.executable, HOSTILE, "watchkeeper-vision", "--report", str(folder / "report"),
        "--secret", str(_secret(folder)), "--write-to", str(folder / "target"), *more,
    )  # fmt: skip


def test_every_attempt_fails_by_itself(tmp_path: Path) -> None:
    _needs_a_kernel_that_can()
    (tmp_path / "target").mkdir()
    assert subprocess.run(_attack(tmp_path), check=False, timeout=60).returncode == 0
    _all_refused(tmp_path)


def test_the_same_attempts_work_without(tmp_path: Path) -> None:
    """So that the test above shows the confinement and not a machine on which nothing works."""
    socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()
    for end in socket.socketpair():
        end.close()
    assert _secret(tmp_path).read_bytes()
    (tmp_path / "picture.raw").write_bytes(b"picture")
    assert subprocess.run(["/bin/true"], check=False).returncode == 0


@pytest.mark.faults
@pytest.mark.parametrize("then", ["end", "hang"])
def test_the_supervisor_goes_on(tmp_path: Path, then: str) -> None:
    """It is neither killed nor read nor stopped, misses no frame, and the bus says that there is no vision."""
    _needs_a_kernel_that_can()
    (tmp_path / "target").mkdir()
    rig = Rig(tmp_path, (), _attack(tmp_path, "--then", then))
    try:
        first_ns = rig.first(0, lambda verdict: verdict[0] in (SystemState.UNAVAILABLE, SystemState.FAULT))
        rig.first(first_ns + 2 * NS_PER_S, lambda verdict: verdict[0] in (SystemState.UNAVAILABLE, SystemState.FAULT))
        rig.process.terminate()
        assert rig.end() == 0
        check_sender(rig)
        assert all(state is not SystemState.ACTIVE for _, (state, _) in rig.verdicts())
        _all_refused(tmp_path)
    finally:
        rig.close()


@pytest.mark.faults
def test_a_model_that_reads_expressions_is_a_fault(tmp_path: Path) -> None:
    """The production start refuses it: exit status 3, Fault / ModelInvalid on the bus, no second try."""
    program = (
        "import sys; from watchkeeper.runtime import networks; networks.LANDMARKS = 'face_blendshapes';"
        "from watchkeeper.runtime.vision import main; sys.exit(main(sys.argv[1:]))"
    )
    rig = Rig(tmp_path, ("--keep-fault",), (sys.executable, "-c", program, "watchkeeper-vision", "--board", "host"))
    try:
        rig.first(0, lambda verdict: verdict == (SystemState.FAULT, Cause.MODEL_INVALID))
    finally:
        rig.close()
