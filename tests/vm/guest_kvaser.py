"""Runs inside the virtual machine: bus-off of a controller with a real driver (kvaser_pci, SJA1000).

PYTHONPATH=tests/faults guest_kvaser.py OUT.json BUSOFF.KO

QEMU's CAN bus makes no errors, so the module busoff.c reports bus-off as the driver would. What follows is the kernel's
and ours: error frame, link message, the restart asked for by netlink, the driver's own start of the controller.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from guest import Bench, sh
from rig import Rig

from watchkeeper.types import Cause


def main() -> None:
    """One bus-off, and a second one while the first one's back-off still grows."""
    module = Path(sys.argv[2])
    sh("modprobe -a can_raw kvaser_pci")
    for number in (0, 1):
        sh(f"ip link set can{number} type can bitrate 500000 restart-ms 0 && ip link set can{number} up")

    def bus_off(_rig: Rig) -> None:
        sh(f"insmod {module} interface=can0 && rmmod busoff")

    bench = Bench()
    with bench.unit("socketcan:can0") as rig:
        bench.fault(rig, "bus-off of a kvaser_pci", bus_off, Cause.BUS_RECOVERED)
        bench.fault(rig, "bus-off of a kvaser_pci, again", bus_off, Cause.BUS_RECOVERED)
    Path(sys.argv[1]).write_text(json.dumps(bench.rows, indent=1))


if __name__ == "__main__":
    main()
