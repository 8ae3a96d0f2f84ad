"""Runs inside the virtual machine, which has an i6300esb watchdog: the board is reset, or is not, as it should be.

PYTHONPATH=tests/faults guest_watchdog.py OUT.json kept|hung

kept: vision is stopped for longer than the time-out and comes back, then the supervisor is told to end, and the guest
lives on for longer than the time-out. hung: the supervisor is stopped; what is written to OUT.json before is all that
comes of it, since the guest is reset.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from guest import PUPPET, WELL
from rig import Rig

from watchkeeper.clock import now_ns
from watchkeeper.types import Cause

TIMEOUT_S = 6


def main() -> int:
    """The exit status says whether the check held; a reset guest has none."""
    out, how = Path(sys.argv[1]), sys.argv[2]
    subprocess.run("modprobe -a i6300esb vcan can_raw", shell=True, check=True)
    subprocess.run("ip link add vcan0 type vcan && ip link set vcan0 up", shell=True, check=True)
    options = ("--watchdog", "/dev/watchdog", "--watchdog-timeout", str(TIMEOUT_S))
    rig = Rig(Path(tempfile.mkdtemp()), options, PUPPET, "socketcan:vcan0")
    rig.first(0, lambda v: v == WELL)
    time.sleep(TIMEOUT_S + 2)  # it is fed
    out.write_text(json.dumps({"fed_s": TIMEOUT_S + 2}))
    if how == "hung":
        os.kill(rig.process.pid, signal.SIGSTOP)
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
