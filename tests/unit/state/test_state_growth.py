"""Memory of the driver's state does not grow; tools/measure_step.py tries 10^6 steps, this a few thousand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).resolve().parents[3] / "tools" / "measure_step.py"


def test_memory_does_not_grow() -> None:
    done = subprocess.run([sys.executable, str(TOOL), "--steps", "9000"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "blocks against the first tenth" in done.stdout
