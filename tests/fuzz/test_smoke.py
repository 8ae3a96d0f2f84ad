"""Every target runs under its fuzzer, for a second: the long runs are tools/fuzz's."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import native_build
import pytest
from fuzz_table import TARGETS

FUZZ = Path(__file__).with_name("sessions.py")


@pytest.mark.parametrize("name", TARGETS)
def test_it_runs_and_finds_nothing(name: str) -> None:
    if reason := native_build.takes_too_long(name):
        pytest.skip(reason)
    if TARGETS[name].function is None and native_build.fuzzing_compiler() is None:
        pytest.skip("needs clang with libFuzzer")
    if TARGETS[name].function is not None and importlib.util.find_spec("atheris") is None:
        pytest.skip("needs atheris, which has no wheel for this Python")
    command = [sys.executable, str(FUZZ), name, "--seconds", "1", "--smoke"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " executions in " in done.stdout


def test_a_target_that_breaks_is_found(tmp_path: Path) -> None:
    """The guide works: an input nobody would hit by chance, behind three comparisons."""
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("needs atheris, which has no wheel for this Python")
    program = tmp_path / "broken.py"
    program.write_text(
        "import sys, atheris\n"
        "@atheris.instrument_func\n"
        "def one(data):\n"
        "    if len(data) > 2 and data[0] == 87:\n"
        "        if data[1] == 75:\n"
        "            if data[2] == 33:\n"
        "                raise RuntimeError('found')\n"
        "atheris.Setup(sys.argv, one)\natheris.Fuzz()\n"
    )
    command = [sys.executable, str(program), "-max_total_time=60", f"-artifact_prefix={tmp_path}/"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert [path.read_bytes()[:3] for path in tmp_path.glob("crash-*")] == [b"WK!"]
