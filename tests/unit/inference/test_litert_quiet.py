"""What LiteRT writes to file descriptor 2 while a model is opened: INFO is held back, everything else comes through."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from watchkeeper.inference.litert import _without_info_lines


def test_only_info_lines_are_dropped(capfd: pytest.CaptureFixture[str]) -> None:
    with _without_info_lines():
        os.write(2, b"INFO: Created a delegate.\nERROR: something real\nWARNING: and this")
    os.write(2, b"\nafter\n")
    assert capfd.readouterr().err == "ERROR: something real\nWARNING: and this\nafter\n"


def test_errors_inside_leave_stderr_as_it_was(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(IsADirectoryError), _without_info_lines():
        os.open("/", os.O_WRONLY)
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_a_process_without_stderr_can_open_models() -> None:
    program = (
        "import os; os.close(2)\n"
        "from watchkeeper.inference.litert import _without_info_lines\n"
        "with _without_info_lines(): print('opened')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=False, timeout=60)
    assert done.stdout == b"opened\n"
