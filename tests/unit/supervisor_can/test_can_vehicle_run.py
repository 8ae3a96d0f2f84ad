"""A real supervisor told by `--vehicle` what the speed is: from the vehicle's frame on the bus to vision and back."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from watchkeeper.supervisor.bus import open_node
from watchkeeper.supervisor.candump import read_log
from watchkeeper.supervisor.e2e import protect
from watchkeeper.supervisor.frames import CanFrame, decode
from watchkeeper.supervisor.vehicle_file import read_vehicle_file
from watchkeeper.types import SystemState

ROOT = Path(__file__).resolve().parents[3]
_FILE = ROOT / "vehicles" / "volkswagen_mqb.toml"


def test_the_vehicles_own_speed_reaches_vision(tmp_path: Path) -> None:
    uri, log = f"virtual:vehicle-run-{os.getpid()}", tmp_path / "can.log"
    checksum = next(m.checksum for m in read_vehicle_file(_FILE).messages if m.name == "ESP_21")
    assert checksum is not None
    command = [
        sys.executable, "-m", "watchkeeper.supervisor.main", "watchkeeper-supervisor", "--can", uri, "--can-log",
        str(log), "--vehicle", str(_FILE), "--duration", "3", "--",
        # its judgement is active from 20 km/h on
        sys.executable, str(ROOT / "tests" / "faults" / "puppet_vision.py"), "watchkeeper-vision",
    ]  # fmt: skip
    node = open_node(uri, receive=(), transmit={0xFD})
    counter = 0
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            payload = (5000 << 32).to_bytes(8, "little")  # 50 km/h
            node.send(CanFrame(0xFD, protect(payload, checksum.data_ids, counter)))
            counter += 1
            time.sleep(0.02)
    node.close()
    assert process.returncode == 0
    states = [f.values["SystemState"] for line in read_log(log) if (f := decode(line.frame)) and f.name == "DMS_Status"]
    assert SystemState.ACTIVE in states
