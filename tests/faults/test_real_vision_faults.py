"""The real vision process, networks and all, killed and stopped under the real supervisor.

WATCHKEEPER_FAULT_ACTS=50 is the full run of the acceptance; the default is short, for CI.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from rig import Rig, kill_and_stop

ACTS = int(os.environ.get("WATCHKEEPER_FAULT_ACTS", "4"))
SEED = 2

pytestmark = [pytest.mark.faults, pytest.mark.needs_models, pytest.mark.timeout(60 + 15 * ACTS)]


def test_real_vision_killed_and_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vision = (sys.executable, "-m", "watchkeeper.runtime.confined", "watchkeeper-vision", "--board", "host", "--repeat")
    rig = Rig(tmp_path, ("--board", "host"), vision)
    try:
        kill_and_stop(rig, ACTS, SEED, (0.3, 2.0), capsys)
    finally:
        rig.close()
