"""What the vehicle says, and the simulated vehicle that says it on a PC."""

from __future__ import annotations

import os

import pytest

from watchkeeper.errors import BadInputError
from watchkeeper.supervisor.bus import open_bus
from watchkeeper.supervisor.e2e import CheckState
from watchkeeper.supervisor.frames import CanFrame, Encoder
from watchkeeper.supervisor.simulated_vehicle import SimulatedVehicle
from watchkeeper.supervisor.vehicle_input import VehicleReceiver
from watchkeeper.types import VehicleReport, VehicleSignals

_MS = 1_000_000


class Vehicle:
    """Sends VEH_Input frames, each with the next counter."""

    def __init__(self) -> None:
        self._encoder = Encoder()

    def frame(self, **values: float | None) -> CanFrame:
        frame = self._encoder.encode("VEH_Input", values)
        self._encoder.sent("VEH_Input")
        return frame


def test_before_the_first_frame_nothing_is_known() -> None:
    assert VehicleReceiver().step([], 5) == VehicleReport(0, VehicleSignals())


def test_every_signal_is_read() -> None:
    frame = Vehicle().frame(
        Speed=83.25, SteeringAngle=-12.5, TurnLeft=1, TurnRight=0, Reverse=0, Ignition=1, Acknowledge=1
    )
    assert VehicleReceiver().step([frame], 7) == VehicleReport(
        7, VehicleSignals(83.25, -12.5, True, False, False, True, True)
    )


def test_not_available_is_unknown_and_not_zero() -> None:
    signals = VehicleReceiver().step([Vehicle().frame(Speed=None, SteeringAngle=None, Ignition=1)], 7).signals
    assert signals.speed_kph is None
    assert signals.steering_deg is None
    assert signals.ignition is True


def test_the_newest_of_several_counts() -> None:
    vehicle = Vehicle()
    report = VehicleReceiver().step([vehicle.frame(Speed=10), vehicle.frame(Speed=20)], 9)
    assert report == VehicleReport(9, VehicleSignals(20.0, None, False, False, False, False, False))


def test_without_a_new_frame_the_old_report_and_its_time_stay() -> None:
    receiver = VehicleReceiver()
    first = receiver.step([Vehicle().frame(Speed=10)], 100)
    assert receiver.step([], 900) is first


def test_damaged_repeated_and_foreign_frames_are_never_read() -> None:
    vehicle, receiver = Vehicle(), VehicleReceiver()
    good = vehicle.frame(Speed=50)
    first = receiver.step([good], 1)
    next_one = vehicle.frame(Speed=200)
    damaged = CanFrame(next_one.id, next_one.data[:-1] + b"\x01")
    short = CanFrame(next_one.id, next_one.data[:5])
    foreign = CanFrame(0x3B1, next_one.data)
    assert receiver.step([good, damaged, short, foreign], 2) is first
    assert receiver.counts[CheckState.REPEATED] == 1
    assert receiver.counts[CheckState.WRONG_CRC] == 2
    assert receiver.step([next_one], 3).signals.speed_kph == 200.0


def test_a_jump_is_not_read_but_the_frame_after_it_is() -> None:
    vehicle, receiver = Vehicle(), VehicleReceiver()
    receiver.step([vehicle.frame(Speed=50)], 1)
    for _ in range(9):
        vehicle.frame()
    assert receiver.step([vehicle.frame(Speed=60)], 2).signals.speed_kph == 50.0
    assert receiver.step([vehicle.frame(Speed=70)], 3).signals.speed_kph == 70.0


def test_a_few_lost_frames_do_not_matter() -> None:
    vehicle, receiver = Vehicle(), VehicleReceiver()
    receiver.step([vehicle.frame(Speed=50)], 1)
    vehicle.frame()
    assert receiver.step([vehicle.frame(Speed=60)], 2).signals.speed_kph == 60.0


def test_base_id_is_followed() -> None:
    encoder = Encoder(0x200)
    frame = encoder.encode("VEH_Input", {"Speed": 30})
    assert frame.id == 0x210
    assert VehicleReceiver(0x200).step([frame], 1).signals.speed_kph == 30.0
    assert VehicleReceiver().step([frame], 1).t_ns == 0


def test_simulated_vehicle_is_heard_every_20_ms() -> None:
    uri = f"virtual:test-vehicle-{os.getpid()}"
    bus, vehicle, receiver = open_bus(uri), SimulatedVehicle(uri, 80.0), VehicleReceiver()
    try:
        arrivals = []
        for millisecond in range(0, 200, 5):
            vehicle.step(millisecond * _MS)
            frames = bus.receive()
            if frames:
                arrivals.append(millisecond)
                assert len(frames) == 1
            receiver.step(frames, millisecond * _MS)
        assert arrivals == list(range(0, 200, 20))
        assert receiver.report.signals.speed_kph == 80.0
        assert receiver.report.signals.ignition is True
        assert receiver.counts[CheckState.OK] == len(arrivals) - 1
    finally:
        vehicle.close()
        bus.close()


def test_simulated_vehicle_called_late_sends_one_frame_and_keeps_its_raster() -> None:
    uri = f"virtual:test-late-{os.getpid()}"
    bus, vehicle = open_bus(uri), SimulatedVehicle(uri, 80.0)
    try:
        counts = []
        for millisecond in (0, 410, 415, 420, 440):
            vehicle.step(millisecond * _MS)
            counts.append(len(bus.receive()))
        assert counts == [1, 1, 0, 1, 1]
    finally:
        vehicle.close()
        bus.close()


@pytest.mark.parametrize("uri", ["socketcan:can0", "slcan:/dev/ttyACM0"])
def test_simulated_vehicle_never_speaks_on_a_real_bus(uri: str) -> None:
    with pytest.raises(BadInputError, match="only speaks on a virtual bus"):
        SimulatedVehicle(uri, 80.0)
