"""The order of giving up, and what is said where a kernel or a service manager refuses a part of it."""

from __future__ import annotations

import errno
import json
import subprocess
import sys

import pytest

from watchkeeper.confine import kernel, landlock, process, seccomp

PROGRAM = """
import json, os, socket, sys
from pathlib import Path
from watchkeeper.confine import kernel, landlock, process
def refuse(*_):
    raise OSError(1, "Operation not permitted")
for name in sys.argv[1].split(","):
    if name:
        setattr(kernel, name, refuse)
if sys.argv[2] == "none":
    kernel.has_capabilities = lambda: False
missing = process.confine([landlock.Rule(Path("/proc/self"), landlock.READ)], data_limit_bytes=1 << 30)
try:
    socket.socket()
    told = "a socket"
except OSError as error:
    told = error.strerror
os.write(1, json.dumps([missing, told, kernel.has_capabilities()]).encode())
"""


def _confined(refused: str, capabilities: str = "real") -> tuple[list[str], str, bool]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, refused, capabilities], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    missing, told, capable = json.loads(done.stdout)
    return missing, told, capable


def _needs_a_filter() -> None:
    if seccomp.architecture() is None:
        pytest.skip("needs an architecture with a filter")


def test_all_of_it() -> None:
    _needs_a_filter()
    missing, told, capable = _confined("")
    assert told == "Operation not permitted"
    assert not capable
    if landlock.abi() >= 6:
        assert not [line for line in missing if line.startswith("Landlock")]


def test_a_refused_namespace_is_said_and_sockets_stay_refused() -> None:
    _needs_a_filter()
    missing, told, _ = _confined("unshare")
    assert any(line.startswith("network namespace: Operation not permitted") for line in missing)
    assert told == "Operation not permitted"


def test_under_a_service_manager_that_left_none_to_drop() -> None:
    _needs_a_filter()
    _, told, _ = _confined("drop_capabilities", "none")
    assert told == "Operation not permitted"


def test_capabilities_that_cannot_be_dropped_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_keep: frozenset[int]) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(kernel, "drop_capabilities", refuse)
    monkeypatch.setattr(kernel, "has_capabilities", lambda: True)
    with pytest.raises(OSError, match="not permitted"):
        process._drop_capabilities(frozenset())
