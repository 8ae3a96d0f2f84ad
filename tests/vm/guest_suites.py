"""Runs inside the virtual machine: what tests skip where there is no SocketCAN, with vcan0 and the kernel's ISO-TP.

guest_suites.py REPORT.xml
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from guest import make_vcan, sh

_TESTS = Path(__file__).parents[1]


def main() -> int:
    """Pytest's exit status."""
    sh("modprobe can_isotp")
    make_vcan()
    suites = [_TESTS / "conformance" / "test_bus_conformance.py", _TESTS / "faults" / "test_diagnostics_client.py"]
    options = ["-q", "--timeout", "600", "-k", "socketcan or kernel", "--junit-xml", sys.argv[1]]
    return subprocess.call([sys.executable, "-m", "pytest", *map(str, suites), *options])


if __name__ == "__main__":
    sys.exit(main())
