"""On a real Linux kernel in a virtual machine: SocketCAN in every distress, the hardware watchdog. See tools/vm.

Skipped, with the reason, where QEMU or the kernel cannot be had. WATCHKEEPER_VM=full runs the long forms (10^5 frames,
10 s of a full queue) and the watchdog that resets the guest; by default one boot. Times in there are noise and are
not asserted, only that each fault shows its one cause and heals.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FULL = os.environ.get("WATCHKEEPER_VM") == "full"
WATCHDOG = "-device i6300esb -watchdog-action reset"
PAIR = "-object can-bus,id=cb0 -device kvaser_pci,canbus=cb0 -device kvaser_pci,canbus=cb0"
STATUS_RESET = 125

pytestmark = [pytest.mark.vm, pytest.mark.timeout(4000 if FULL else 500)]


@pytest.fixture(scope="session", autouse=True)
def _prepared() -> None:
    if Path("/tmp") in ROOT.parents:
        pytest.skip("the guest has a /tmp of its own and cannot see this checkout: put it elsewhere")
    try:
        got = subprocess.run([ROOT / "tools" / "vm", "--prepare"], capture_output=True, text=True, timeout=240)
    except subprocess.TimeoutExpired:
        pytest.skip("the virtual machine's parts could not be fetched in 240 s")
    if got.returncode:
        pytest.skip(f"no virtual machine here: {got.stderr.strip().splitlines()[-1:]}")


def _vm(command: str, keep: Path, device: str, seconds: float) -> int:
    run = [str(ROOT / "tools" / "vm"), "--keep", str(keep), "--timeout", str(seconds), "--device", device]
    prefix = f"cd {ROOT} && PYTHONPATH={ROOT}/tests/faults {sys.executable} "
    done = subprocess.run([*run, prefix + command], capture_output=True, text=True, cwd=ROOT)
    print(done.stdout[-6000:], done.stderr[-2000:])
    return done.returncode


@pytest.fixture
def keep(tmp_path: Path) -> Path:
    return tmp_path


CAUSES = {
    "vision killed (SIGKILL)": ["VisionRestarting"],
    "vision stopped (SIGSTOP)": ["StaleVision", "VisionRestarting"],  # the second when the ladder kills it, after 1 s
    "vision at its memory limit": ["VisionRestarting"],
    "frozen picture": ["CameraFrozen"],
    "link down and up": ["BusRecovered"],
    "interface deleted and made again": ["BusRecovered"],
    "disk of the CAN log full": [],
    "bus-off": ["BusRecovered"],
}


def test_can_faults_show_their_cause_and_heal(keep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames, full_s = (100_000, 10) if FULL else (300, 3)
    out = keep / "faults.json"
    command = f"{ROOT}/tests/vm/guest_faults.py {out} --frames {frames} --queue-full-s {full_s}"
    assert _vm(command, keep, PAIR, 3600 if FULL else 420) == 0
    found: dict[str, Any] = json.loads(out.read_text())
    with capsys.disabled():
        for row in found["faults"]:
            print(f"\n  {row['fault']:<34} {row.get('reaction_ms', 0):8.0f} ms  {', '.join(row['causes'])}", end="")
    rows = {row["fault"]: row for row in found["faults"]}
    expected = {**CAUSES, f"queue full for {full_s} s": ["BusRecovered"]}
    # under emulation a picture may well be late by itself: StaleVision is the truth then, and not the fault's cause
    noise = {"StaleVision"}
    shown = {name: [c for c in row["causes"] if c in expected[name] or c not in noise] for name, row in rows.items()}
    assert shown == expected
    assert all(row["frames_ok"] and row["exit_status"] == 0 for row in rows.values())
    assert rows["bus-off"]["bus_off"] == 1
    assert {name for name, row in rows.items() if row["bus_off"]} == {"bus-off"}
    for pair in found["pairs"]:
        assert pair["frames"] >= frames
        assert (pair["bad_crc"], pair["wrong_counter"]) == (0, 0), pair


@pytest.mark.skipif(not FULL, reason="WATCHKEEPER_VM=full runs the watchdog's two boots")
@pytest.mark.parametrize(("how", "status"), [("kept", 0), ("hung", STATUS_RESET)])
def test_watchdog(keep: Path, how: str, status: int) -> None:
    out = keep / "watchdog.json"
    assert _vm(f"{ROOT}/tests/vm/guest_watchdog.py {out} {how}", keep, WATCHDOG, 240) == status
    assert out.exists()  # it had been fed for longer than its time-out before
