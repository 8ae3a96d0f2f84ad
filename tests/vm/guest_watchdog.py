"""Runs inside the virtual machine, which has an i6300esb watchdog: the board is reset, or is not, as it should be.

PYTHONPATH=tests/faults guest_watchdog.py OUT.json kept|hung

kept: vision is stopped for longer than the time-out and comes back, then the supervisor is told to end, and the guest
lives on for longer than the time-out. hung: the supervisor is stopped, its frames stop with it; what is written to
OUT.json before is all that comes of it, since the guest is reset.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from guest import PUPPET, WELL, make_vcan, sh
from rig import CYCLE_NS, Rig

from watchkeeper.clock import NS_PER_S, now_ns
from watchkeeper.supervisor.bus import open_listener
from watchkeeper.types import Cause

TIMEOUT_S = 6


def frames_after_stop(rig: Rig, uri: str) -> dict[str, int]:
    """Stop the supervisor; frames heard later than one cycle after that, within half the watchdog's time-out."""
    bus = open_listener(uri)
    time.sleep(0.5)
    before = len(bus.receive())
    os.kill(rig.process.pid, signal.SIGSTOP)
    time.sleep(CYCLE_NS / NS_PER_S)
    bus.receive()
    after, end = 0, time.monotonic() + TIMEOUT_S / 2
    while time.monotonic() < end:
        after += len(bus.receive())
        time.sleep(0.01)
    return {"frames_before_stop": before, "frames_after_stop": after}


def main() -> int:
    """The exit status says whether the check held; a reset guest has none."""
    out, how = Path(sys.argv[1]), sys.argv[2]
    sh("modprobe i6300esb")
    vcan = make_vcan()
    options = ("--watchdog", "/dev/watchdog", "--watchdog-timeout", str(TIMEOUT_S))
    rig = Rig(Path(tempfile.mkdtemp()), options, PUPPET, vcan)
    rig.first(0, lambda v: v == WELL)
    time.sleep(TIMEOUT_S + 2)  # it is fed
    out.write_text(json.dumps({"fed_s": TIMEOUT_S + 2}))
    if how == "hung":
        out.write_text(json.dumps({"fed_s": TIMEOUT_S + 2, **frames_after_stop(rig, vcan)}))
        time.sleep(10 * TIMEOUT_S)
        print("not reset", flush=True)
        return 1
    stopped_ns = now_ns()
    os.kill(rig.report().vision_pid, signal.SIGSTOP)
    lost_ns = rig.first(stopped_ns, lambda v: v[1] is Cause.STALE_VISION)
    back_ns = rig.first(lost_ns, lambda v: v == WELL)
    time.sleep(TIMEOUT_S + 2)
    restarts = rig.report().restarts
    rig.process.terminate()
    ended = rig.end()
    time.sleep(TIMEOUT_S + 3)
    result = {"back_ms": (back_ns - stopped_ns) / 1e6, "restarts": restarts, "exit_status": ended}
    out.write_text(json.dumps(result))
    rig.close()
    return 0 if (restarts, ended) == (1, 0) else 1


if __name__ == "__main__":
    sys.exit(main())
