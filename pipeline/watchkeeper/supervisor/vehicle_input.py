"""What the vehicle says: VEH_Input frames, checked, then read."""

from __future__ import annotations

from collections.abc import Iterable

from watchkeeper.clock import NS_PER_MS
from watchkeeper.supervisor import e2e, layout
from watchkeeper.supervisor.frames import CanFrame
from watchkeeper.supervisor.mapped_vehicle import MappedVehicle
from watchkeeper.supervisor.spec import DEFAULT_BASE_ID, MESSAGES, check_base_id
from watchkeeper.supervisor.vehicle_map import VehicleMap
from watchkeeper.types import VehicleReport, VehicleSignals

_UNKNOWN = VehicleSignals()


def _flag(value: float | None) -> bool | None:
    return None if value is None else bool(value)


class VehicleInput:
    """VEH_Input: holds the newest valid one. A frame that fails its check changes nothing and is only counted.

    After `timeout_ms` without a valid frame everything is unknown, which is reported once.
    """

    def __init__(self, base_id: int = DEFAULT_BASE_ID) -> None:
        self._message = MESSAGES["VEH_Input"]
        self._frame_id = self._message.frame_id(check_base_id(base_id))
        self._checker = e2e.Checker(self._message.data_ids)
        self._timeout_ns = self._message.timeout_ms * NS_PER_MS
        self.report = VehicleReport()
        self.counts = dict.fromkeys(e2e.CheckState, 0)

    @property
    def frame_ids(self) -> frozenset[int]:
        """The identifiers to listen to."""
        return frozenset((self._frame_id,))

    def step(self, frames: Iterable[CanFrame], t_ns: int) -> VehicleReport:
        """Take in the frames that arrived by `t_ns`, oldest first; returns the newest valid report."""
        for frame in frames:
            if frame.id != self._frame_id:
                continue
            verdict = self._checker.check(frame.data)
            self.counts[verdict] += 1
            if verdict.accepted:
                self.report = VehicleReport(t_ns, _signals(layout.unpack(self._message, frame.data)))
        if self.report.signals != _UNKNOWN and t_ns - self.report.t_ns > self._timeout_ns:
            self.report = VehicleReport(t_ns, _UNKNOWN)
        return self.report


class VehicleReceiver:
    """What the vehicle says, from VEH_Input or, with a vehicle file's map, from the vehicle's own messages."""

    def __init__(self, base_id: int = DEFAULT_BASE_ID, vehicle: VehicleMap | None = None) -> None:
        self._input = VehicleInput(base_id) if vehicle is None else MappedVehicle(vehicle)
        self.counts = self._input.counts

    @property
    def report(self) -> VehicleReport:
        """The newest report; a new object whenever there is news."""
        return self._input.report

    @property
    def frame_ids(self) -> frozenset[int]:
        """The identifiers to listen to."""
        return self._input.frame_ids

    @property
    def rejected(self) -> int:
        """Frames that failed their check."""
        return sum(count for verdict, count in self.counts.items() if not verdict.accepted)

    def step(self, frames: Iterable[CanFrame], t_ns: int) -> VehicleReport:
        """Take in the frames that arrived by `t_ns`, oldest first; returns the newest report."""
        return self._input.step(frames, t_ns)


def _signals(values: dict[str, float | None]) -> VehicleSignals:
    return VehicleSignals(
        speed_kph=values["Speed"],
        steering_deg=values["SteeringAngle"],
        turn_left=_flag(values["TurnLeft"]),
        turn_right=_flag(values["TurnRight"]),
        reverse=_flag(values["Reverse"]),
        ignition=_flag(values["Ignition"]),
        acknowledge=_flag(values["Acknowledge"]),
    )
