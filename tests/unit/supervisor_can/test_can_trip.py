"""Scripted trips and the vehicle that drives them."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from watchkeeper.cli import main
from watchkeeper.commands.can_drive import Vehicle
from watchkeeper.errors import BadInputError
from watchkeeper.supervisor.bus import open_bus, open_node
from watchkeeper.supervisor.e2e import CheckState
from watchkeeper.supervisor.trip import read_trip
from watchkeeper.supervisor.vehicle_input import VehicleReceiver

ROOT = Path(__file__).resolve().parents[3]
_S = 1_000_000_000
_TRIP = """name = "test"
[[step]]
t_s = 1
Speed = 0
Ignition = true
[[step]]
t_s = 2
TurnLeft = true
send = "bad_crc"
[[step]]
t_s = 3
Speed = 50
SteeringAngle = "unknown"
send = "stuck_counter"
[[step]]
t_s = 4
Speed = "unknown"
send = "silent"
[[step]]
t_s = 5
Speed = 10
send = "ok"
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "trip.toml"
    path.write_text(_TRIP)
    return path


def test_speed_runs_straight_and_flags_hold(script: Path) -> None:
    trip = read_trip(script)
    assert trip.end_ns == 5 * _S
    speeds = [trip.values_at(round(t * _S))["Speed"] for t in (0, 1, 1.5, 2, 3, 3.5, 4, 4.5, 5, 99)]
    assert speeds == [None, 0, 12.5, 25, 50, 50, None, None, 10, 10]
    assert [trip.values_at(t * _S)["TurnLeft"] for t in (0, 1, 2, 9)] == [0, 0, 1, 1]
    assert trip.values_at(0)["SteeringAngle"] is None
    assert [trip.send_at(t * _S) for t in (0, 1, 2, 3, 4, 5)] == [
        "ok", "ok", "bad_crc", "stuck_counter", "silent", "ok",
    ]  # fmt: skip


def test_the_receiver_hears_it_and_its_faults(script: Path) -> None:
    uri = f"virtual:test-trip-{os.getpid()}"
    bus, node, receiver = open_bus(uri), open_node(uri, receive=(), transmit={0x3B0}), VehicleReceiver()
    try:
        vehicle = Vehicle(node, read_trip(script))
        heard: list[float | None] = []
        for t_ns in range(_S, 6 * _S, _S // 2):
            vehicle.step(t_ns)
            heard.append(receiver.step(bus.receive(), t_ns).signals.speed_kph)
    finally:
        bus.close()
        node.close()
    # damaged at 2 and 2.5 s, repeated at 3.5 s, silent from 4 s on; gone 500 ms after the last good one
    assert heard == [0.0, 12.5, 12.5, None, 50.0, 50.0, None, None, 10.0, 10.0]
    assert receiver.counts[CheckState.WRONG_CRC] == 2
    assert receiver.counts[CheckState.REPEATED] == 1
    assert (vehicle.sent, vehicle.failed) == (8, 0)


def test_the_command_drives_the_packaged_trip(capsys: pytest.CaptureFixture[str]) -> None:
    uri = f"virtual:test-drive-{os.getpid()}"
    bus, receiver, stop = open_bus(uri), VehicleReceiver(), threading.Event()

    def hear() -> None:
        while not stop.wait(0.01):
            receiver.step(bus.receive(), 1)

    listener = threading.Thread(target=hear)
    listener.start()
    try:
        assert main(["can", "drive", "town", "--can", uri, "--duration", "0.5", "--json"]) == 0
    finally:
        stop.set()
        listener.join()
        receiver.step(bus.receive(), 2)
        bus.close()
    result = json.loads(capsys.readouterr().out)
    assert result["sent"] + result["slots_missed"] == 26
    assert result["failed"] == 0
    assert receiver.report.signals.speed_kph == 0.0
    assert receiver.report.signals.ignition is True
    assert receiver.counts[CheckState.WRONG_CRC] == 0


def test_packaged_trips_are_sound() -> None:
    for path in (ROOT / "vehicles" / "trips").glob("*.toml"):
        assert read_trip(path).name == path.stem


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("t_s = 2", "t_s = 1", ":7: step.t_s: expected a later time than the step before (1 s)"),
        ("t_s = 2", "t = 2", ":7: step.t: unknown field"),
        ("Speed = 50", "Speed = 900", ":12: step.Speed: expected 0 to 655.34 or 'unknown', got 900"),
        ("TurnLeft = true", "TurnLeft = 1", ":8: step.TurnLeft: expected true or false"),
        ('send = "silent"', 'send = "quiet"', ":18: step.send: expected one of ok, silent"),
        ('name = "test"', "", ": name: expected a text"),
    ],
)
def test_a_bad_script_is_told_by_line_and_field(script: Path, old: str, new: str, said: str) -> None:
    script.write_text(script.read_text().replace(old, new, 1))
    with pytest.raises(BadInputError) as error:
        read_trip(script)
    assert said in str(error.value)


def test_bad_use_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["can", "drive", "nowhere"]) == 2
    assert "nowhere: cannot be read" in capsys.readouterr().err
    assert main(["can", "drive", "town", "--can", "foo:x"]) == 2
    assert main(["can", "drive", "town", "--duration", "nan"]) == 2
