"""docs/failures.md and the README's table of failures are what the measured results in docs/failures.json give."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FILES = ("tools/failures_page.py", "tools/failures_tables.py", "docs/failures.json", "docs/failures.md", "README.md")
LINE = (  # of the issue: each of these has a measured row
    "vision killed (SIGKILL)", "vision stopped (SIGSTOP)", "vision at its memory limit", "frozen picture",
    "camera breaks (EIO)", "camera unplugged (ENODEV)", "disk of the CAN log full", "link down and up",
    "interface deleted and made again", "queue full for 10 s", "bus-off", "bus-off of a kvaser_pci",
)  # fmt: skip


def _run(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, root / FILES[0], *options], capture_output=True, text=True)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_both_texts_are_current() -> None:
    done = _run(ROOT, "--check")
    assert done.returncode == 0, done.stderr


def test_every_fault_has_a_measured_row_within_its_limit() -> None:
    machine = json.loads((ROOT / "docs/failures.json").read_text())["machine"]
    rows = {row["fault"]: row for name in ("faults", "camera") for row in machine[name]}
    assert set(LINE) <= set(rows)
    readme = (ROOT / "README.md").read_text()
    for name, row in rows.items():
        assert f"| {name} |" in readme
        assert row.get("reaction_ms", 0) <= row.get("limit_ms", 0), row
        assert len(row["causes"]) == (0 if name == "disk of the CAN log full" else 1), row


def test_another_result_makes_them_stale_until_they_are_made_anew(copy: Path) -> None:
    assert _run(copy, "--check").returncode == 0
    record = json.loads((copy / "docs/failures.json").read_text())
    record["machine"]["faults"][0]["reaction_ms"] = 4321
    (copy / "docs/failures.json").write_text(json.dumps(record))
    stale = _run(copy, "--check")
    assert (stale.returncode, "failures.md, README.md" in stale.stderr) == (1, True)
    assert _run(copy).returncode == 0
    assert _run(copy, "--check").returncode == 0
    assert "4321" in (copy / "README.md").read_text()


def test_what_is_no_result_changes_nothing(copy: Path) -> None:
    (copy / "bench.json").write_text('{"valid": true}')
    before = {name: (copy / name).read_bytes() for name in FILES}
    assert _run(copy, "--bench", str(copy / "bench.json")).returncode == 2
    (copy / "README.md").write_text("no marks")
    assert _run(copy).returncode == 2
    assert {name: (copy / name).read_bytes() for name in FILES[:-1]} == {n: before[n] for n in FILES[:-1]}
