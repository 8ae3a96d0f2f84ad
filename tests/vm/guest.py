"""What every script that runs inside the virtual machine needs: a supervisor on a bus, faults as rows.

A row holds the causes that the bus showed from the fault until all was well again, and how long it took to the first
frame that said so. Under emulation these times are upper bounds, full of noise: the machine as a whole stands still for
a tenth of a second now and then. A StaleVision that this makes is true, and no cause of the fault; it is told apart by
the puppet's diary, which says when the puppet itself was late, and counted in the row's `late_frames`.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from rig import Rig, Verdict

from watchkeeper.clock import NS_PER_MS, now_ns
from watchkeeper.types import Cause, SystemState

REACTION_MS = 250
"""From a fault to the bus that says so, docs/wiring.md. Links and queues are counted from when they work again."""
PUPPET_FILE = Path(__file__).parents[1] / "faults" / "puppet_vision.py"
PUPPET = (sys.executable, str(PUPPET_FILE), "watchkeeper-vision", "--realtime")
WELL: Verdict = (SystemState.STANDBY, Cause.NONE)  # no vehicle speaks here
_LATE_NS = 120 * NS_PER_MS
"""A puppet publishes every 33 ms; without a word for this long it was late, and its picture of 20 ms before grows too
old at the next slot or the one after."""
_SEEN_FOR_NS = 200 * NS_PER_MS


def sh(command: str) -> None:
    """Run it or fail."""
    subprocess.run(command, shell=True, check=True)


def make_vcan() -> str:
    """vcan0, up; its URI."""
    sh("modprobe -a vcan can_raw; ip link add vcan0 type vcan; ip link set vcan0 up")
    return "socketcan:vcan0"


class Diary:
    """What a puppet wrote of itself."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def lines(self) -> list[tuple[int, int, int, int]]:
        """(pid, number of the picture, exposure, published) so far."""
        text = self.path.read_text() if self.path.exists() else ""
        rows = [line.split() for line in text[: text.rfind("\n") + 1].splitlines()]
        return [(int(pid), int(seq), int(exposed), int(told)) for pid, seq, exposed, told in rows]

    def late(self) -> list[tuple[int, int]]:
        """(from, to) of every time that a puppet was late, of its own accord and not because it ended."""
        pairs = pairwise(self.lines())
        return [(a[3], b[3]) for a, b in pairs if a[0] == b[0] and b[3] - a[3] > _LATE_NS]


class Bench:
    """The rows so far, and a supervisor for each of them."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.diary = Diary(Path(tempfile.mkdtemp()) / "diary")

    @contextlib.contextmanager
    def unit(self, bus: str, *puppet: str) -> Iterator[Rig]:
        """A supervisor with a puppet on `bus`, well; the rows made with it get its exit status."""
        folder = Path(tempfile.mkdtemp())
        self.diary = Diary(folder / "diary")
        with self.watched(Rig(folder, (), (*PUPPET, "--diary", str(self.diary.path), *puppet), bus)) as rig:
            rig.first(0, lambda v: v == WELL)
            yield rig

    @contextlib.contextmanager
    def watched(self, rig: Rig) -> Iterator[Rig]:
        """Rows made meanwhile get `rig`'s exit status and whether all its frames were whole."""
        before = len(self.rows)
        try:
            yield rig
            rig.process.terminate()
            status = rig.end()
            for row in self.rows[before:]:
                row |= {"exit_status": status, "frames_ok": all(f.crc_ok for _, f in rig.frames())}
        finally:
            rig.close()

    def fault(
        self,
        rig: Rig,
        name: str,
        act: Callable[[Rig], int | None],
        shown: Cause,
        well: Callable[[Verdict], bool] = lambda v: v == WELL,
        limit_ms: float = REACTION_MS,
    ) -> None:
        """Do it, wait until `shown` was shown and all is well again. act: returns when the fault began, if not when
        it was called. limit_ms: what the reaction may take."""
        print(f"{name} ...", flush=True)
        counts = [f.values["BusOffCount"] for _, f in rig.frames() if f.name == "DMS_Health"]
        called_ns = now_ns()
        began_ns = act(rig) or called_ns
        seen_ns = rig.first(began_ns, lambda v: v[1] is shown)
        well_ns = rig.first(seen_ns, well)
        since = [(t_ns, v) for t_ns, v in rig.verdicts() if min(called_ns, began_ns) < t_ns <= well_ns and not well(v)]
        late = self.diary.late()
        true = [item for item in since if shown is not Cause.STALE_VISION and _excused(*item, late)]
        caused = [v for t_ns, v in since if (t_ns, v) not in true]
        time.sleep(1.5)  # DMS_Health comes once a second
        after = [f.values["BusOffCount"] for _, f in rig.frames() if f.name == "DMS_Health"]
        row = {
            "fault": name, "causes": list(dict.fromkeys(v[1].label for v in caused)),
            "states": list(dict.fromkeys(v[0].name for v in caused)), "late_frames": len(true),
            "reaction_ms": (seen_ns - began_ns) / NS_PER_MS, "well_ms": (well_ns - began_ns) / NS_PER_MS,
            "limit_ms": limit_ms,
            "bus_off": (after[-1] or 0) - (counts[-1] or 0 if counts else 0),
        }  # fmt: skip
        self.rows.append(row)
        print(json.dumps(row), flush=True)


def _excused(t_ns: int, verdict: Verdict, late: list[tuple[int, int]]) -> bool:
    """Whether this is a StaleVision that a puppet which was late explains."""
    return verdict[1] is Cause.STALE_VISION and any(a < t_ns < b + _SEEN_FOR_NS for a, b in late)
