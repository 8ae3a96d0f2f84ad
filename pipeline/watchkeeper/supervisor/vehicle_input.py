"""What the vehicle says: VEH_Input frames, checked, then read."""

from __future__ import annotations

from collections.abc import Iterable

from watchkeeper.supervisor import e2e, layout
from watchkeeper.supervisor.frames import CanFrame
from watchkeeper.supervisor.spec import DEFAULT_BASE_ID, MESSAGES, check_base_id
from watchkeeper.types import VehicleReport, VehicleSignals


def _flag(value: float | None) -> bool | None:
    return None if value is None else bool(value)


class VehicleReceiver:
    """Holds the newest valid VEH_Input. A frame that fails its check changes nothing and is only counted.

    There is no time-out here: `report.t_ns` says when the newest valid frame came, and `state` judges its age.
    """

    def __init__(self, base_id: int = DEFAULT_BASE_ID) -> None:
        self._message = MESSAGES["VEH_Input"]
        self._frame_id = self._message.frame_id(check_base_id(base_id))
        self._checker = e2e.Checker(self._message.data_ids)
        self.report = VehicleReport()
        self.counts = dict.fromkeys(e2e.CheckState, 0)

    @property
    def rejected(self) -> int:
        """Frames that failed their check."""
        return sum(count for verdict, count in self.counts.items() if not verdict.accepted)

    def step(self, frames: Iterable[CanFrame], t_ns: int) -> VehicleReport:
        """Take in the frames that arrived by `t_ns`, oldest first; returns the newest valid report."""
        for frame in frames:
            if frame.id != self._frame_id:
                continue
            verdict = self._checker.check(frame.data)
            self.counts[verdict] += 1
            if verdict.accepted:
                self.report = VehicleReport(t_ns, _signals(layout.unpack(self._message, frame.data)))
        return self.report


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
