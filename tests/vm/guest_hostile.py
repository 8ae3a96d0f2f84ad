"""Runs inside the virtual machine: a vision in an attacker's hands, which would take the machine with it if it could.

PYTHONPATH=tests/faults guest_hostile.py OUT.json

First it tries every way out and then does nothing; then, started anew by the supervisor, it takes memory that no limit
of its own counts, until the kernel kills somebody. OUT.json: what the attempts came to, what the bus showed, who was
killed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from guest import make_vcan
from rig import Rig

from watchkeeper.types import SystemState

_HOSTILE = Path(__file__).parents[1] / "faults" / "hostile_vision.py"
_AFTER_S = 5.0


def _killed() -> int:
    """Processes that the kernel has killed for their memory since it started."""
    counts = dict(line.split() for line in Path("/proc/vmstat").read_text().splitlines())
    return int(counts["oom_kill"])


def attack(bus: str, then: str) -> dict[str, Any]:
    """One supervisor with the hostile vision, which goes on with `then`; ended in order."""
    folder = Path(tempfile.mkdtemp())
    (folder / "target").mkdir()
    (folder / "unit.key").write_bytes(b"a unit's own key")
    vision = (
        sys.executable, str(_HOSTILE), "watchkeeper-vision", "--report", str(folder / "report"), "--secret",
        str(folder / "unit.key"), "--write-to", str(folder / "target"), "--then", then, "--data-limit-mib", "400",
    )  # fmt: skip
    killed = _killed()
    rig = Rig(folder, (), vision, bus)
    try:
        end = time.monotonic() + 400
        while not _told(folder):
            assert time.monotonic() < end, "it never came to its report"
            assert rig.process.poll() is None
            time.sleep(0.2)
        print(f"{then}: all has been tried", flush=True)
        if then == "fill":
            while _killed() == killed:
                assert time.monotonic() < end, "nobody was killed"
                assert rig.process.poll() is None, "it was the supervisor"
                time.sleep(0.1)
            print("the kernel has killed it", flush=True)
        since_ns = rig.first(0, lambda verdict: verdict[0] in (SystemState.UNAVAILABLE, SystemState.FAULT))
        print("the bus says that there is no vision", flush=True)
        time.sleep(_AFTER_S)
        assert rig.process.poll() is None
        after = [verdict for t_ns, verdict in rig.verdicts() if t_ns > since_ns]
        report = rig.report()
        rig.process.terminate()
        status = rig.end()
        frames = rig.frames()
        return {
            "then": then,
            "reports": _told(folder),
            "stolen": [path.name for path in (folder / "target").iterdir()],
            "killed": _killed() - killed,
            "restarts": report.restarts,
            "states": sorted({state.name for _, (state, _) in rig.verdicts()}),
            "states_after": sorted({state.name for state, _ in after}),
            "causes_after": sorted({cause.label for _, cause in after}),
            "frames_after": len(after),
            "frames_ok": all(frame.crc_ok for _, frame in frames),
            "active": any(state is SystemState.ACTIVE for _, (state, _) in rig.verdicts()),
            "exit_status": status,
        }
    finally:
        rig.close()


def _told(folder: Path) -> list[dict[str, Any]]:
    path = folder / "report"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def main() -> None:
    """Both, one after the other."""
    bus = make_vcan()
    subprocess.run(["swapoff", "-a"], check=False)
    rows = [attack(bus, then) for then in ("hang", "fill")]
    Path(sys.argv[1]).write_text(json.dumps({"kernel": os.uname().release, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
