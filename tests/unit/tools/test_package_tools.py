"""What tools/package asks of its targets, and the comparison of traces that tools/package_check rests on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PACKAGING = Path(__file__).resolve().parents[3] / "tools/packaging"


def _tool(name: str, *arguments: str) -> tuple[int, str]:
    done = subprocess.run([sys.executable, str(PACKAGING / name), *arguments], capture_output=True, text=True)
    return done.returncode, done.stdout.rstrip("\n") + done.stderr.rstrip("\n")


@pytest.mark.parametrize(
    ("target", "suite", "python"),
    [("bookworm", "bookworm", "3.11"), ("trixie", "trixie", "3.13"), ("jetpack6", "jammy", "3.10"),
     ("jetpack7", "noble", "3.12")],
)  # fmt: skip
def test_a_targets_fields(target: str, suite: str, python: str) -> None:
    assert _tool("target_field.py", target, "suite") == (0, suite)
    assert _tool("target_field.py", target, "python") == (0, python)
    needed = _tool("target_field.py", target, "dependencies")[1].splitlines()
    own_numpy = [line for line in needed if line.startswith("numpy")]
    assert ("tomli>=2.0" in needed) == (python == "3.10")
    assert {"ai-edge-litert>=2.0", "python-can>=4.3", "av>=15"} <= set(needed)
    assert not [line for line in needed if ";" in line]
    # JetPack 6's numpy is too old for LiteRT, and its TensorRT was built against numpy 1; elsewhere it is the system's
    assert own_numpy == (["numpy>=1.23.5,<2"] if target == "jetpack6" else [])
    depends = _tool("target_field.py", target, "depends")[1]
    assert ("python3-numpy" in depends) != bool(own_numpy)


def test_an_unknown_target_lists_the_known() -> None:
    status, text = _tool("target_field.py", "slink", "suite")
    assert (status, text) == (2, "tools/package: slink: unknown target; known are bookworm, trixie, jetpack6, jetpack7")


def _trace(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


ROWS = [{"t_ns": n, "head": {"yaw_deg": 3.0}, "eyes": {"left": {"open": 0.9}}} for n in range(100)]


@pytest.mark.parametrize(
    ("change", "status", "told"),
    [
        ({}, 0, "100 lines, seen in one only: nothing"),
        ({"t_ns": 5}, 0, "nothing"),  # another machine's clock
        ({"head": {"yaw_deg": 3.9}}, 0, "head.yaw_deg"),
        ({"head": {"yaw_deg": 4.1}}, 1, "BEYOND 1.0"),
        ({"eyes": {"left": {"open": 0.84}}}, 1, "BEYOND 0.05"),
        ({"head": None}, 0, "'head.yaw_deg': 1"),  # one frame in a hundred
    ],
)
def test_traces_are_held_against_each_other(tmp_path: Path, change: dict[str, Any], status: int, told: str) -> None:
    ours = _trace(tmp_path / "a.jsonl", ROWS)
    theirs = _trace(tmp_path / "b.jsonl", [*ROWS[:50], {**ROWS[50], **change}, *ROWS[51:]])
    found, text = _tool("same_trace.py", ours, theirs)
    assert found == status, text
    assert told in text


def test_a_shorter_trace_is_not_the_same(tmp_path: Path) -> None:
    status, text = _tool("same_trace.py", _trace(tmp_path / "a", ROWS), _trace(tmp_path / "b", ROWS[:99]))
    assert status == 1
    assert "100 lines in" in text
