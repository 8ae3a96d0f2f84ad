"""The vehicle's own messages, checked, timed out and judged for plausibility, as a VehicleReport. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from watchkeeper.clock import NS_PER_MS, NS_PER_S
from watchkeeper.supervisor.e2e import CheckState
from watchkeeper.supervisor.frames import CanFrame
from watchkeeper.supervisor.vehicle_map import MappedMessage, MappedSignal, VehicleMap
from watchkeeper.types import VehicleReport, VehicleSignals

_MIN_STEP_NS = NS_PER_MS  # two frames looked at in the same instant are at least this far apart


class _Message:
    """Checks one message's frames. newest_ns: arrival of the newest accepted one."""

    def __init__(self, message: MappedMessage) -> None:
        self.message = message
        self.newest_ns: int | None = None
        self._counter: int | None = None

    def check(self, frame: CanFrame) -> CheckState:
        message, data = self.message, frame.data
        if len(data) != message.length:
            return CheckState.WRONG_CRC
        counter = message.counter.raw(data) if message.counter is not None else 0
        if message.checksum is not None and not message.checksum.holds(frame.id, data, counter):
            return CheckState.WRONG_CRC
        if message.counter is None:
            return CheckState.OK
        last, self._counter = self._counter, counter
        if last is None:
            return CheckState.INITIAL
        delta = (counter - last) % (1 << message.counter.length)
        if delta == 0:
            return CheckState.REPEATED
        if delta == 1:
            return CheckState.OK
        return CheckState.OK_SOME_LOST if delta <= message.max_lost + 1 else CheckState.WRONG_SEQUENCE

    def is_silent(self, t_ns: int) -> bool:
        return self.newest_ns is None or t_ns - self.newest_ns > self.message.timeout_ms * NS_PER_MS


class _Signal:
    """The newest value of one signal. A value that jumped away from the sample before it is not used."""

    def __init__(self, signal: MappedSignal) -> None:
        self.signal = signal
        self.value: float | bool | None = None
        self._sample: float | None = None
        self._sample_ns = 0

    def step(self, data: bytes, t_ns: int) -> None:
        value = self.signal.value(data)
        rate = self.signal.max_rate_per_s
        jumped = False
        if rate is not None:
            if value is not None and self._sample is not None:
                seconds = max(t_ns - self._sample_ns, _MIN_STEP_NS) / NS_PER_S
                jumped = abs(value - self._sample) > rate * seconds + abs(self.signal.scale)
            self._sample, self._sample_ns = value, t_ns
        self.value = None if jumped else value


class MappedVehicle:
    """What a vehicle file maps. The report's time is that of the newest accepted frame of the message with the speed.

    While that message is silent but not yet timed out, nothing new is reported: whoever holds the speed counts its age
    from the report. From the time-out on the speed is unknown and the report goes on with the other messages.
    """

    def __init__(self, vehicle: VehicleMap) -> None:
        self.name = vehicle.name
        self.counts = dict.fromkeys(CheckState, 0)
        self.report = VehicleReport()
        self._messages = {message.id: _Message(message) for message in vehicle.messages}
        self._signals = [_Signal(signal) for signal in vehicle.signals]
        ids = {message.name: message.id for message in vehicle.messages}
        self._ids = {signal.signal.name: ids[signal.signal.message] for signal in self._signals}
        self._due = False

    @property
    def frame_ids(self) -> frozenset[int]:
        """The identifiers to listen to."""
        return frozenset(self._messages)

    def step(self, frames: Iterable[CanFrame], t_ns: int) -> VehicleReport:
        """Take in the frames that arrived by `t_ns`, oldest first; a new report object when there is news."""
        for frame in frames:
            self._take(frame, t_ns)
        for signal in self._signals:
            if signal.value is not None and self._message_of(signal).is_silent(t_ns):
                signal.value = None
                self._due = True
        if self._due and self._may_report(t_ns):
            self._due = False
            self.report = VehicleReport(t_ns, self._values())
        return self.report

    def _take(self, frame: CanFrame, t_ns: int) -> None:
        message = self._messages.get(frame.id)
        if message is None:
            return
        verdict = message.check(frame)
        self.counts[verdict] += 1
        if not verdict.accepted:
            return
        message.newest_ns = t_ns
        self._due = True
        for signal in self._signals:
            if self._ids[signal.signal.name] == frame.id:
                signal.step(frame.data, t_ns)

    def _values(self) -> VehicleSignals:
        values = {signal.signal.name: signal.value for signal in self._signals}

        def flag(name: str) -> bool | None:
            value = values.get(name)
            return None if value is None else bool(value)

        return VehicleSignals(
            speed_kph=values.get("Speed"),
            steering_deg=values.get("SteeringAngle"),
            turn_left=flag("TurnLeft"),
            turn_right=flag("TurnRight"),
            reverse=flag("Reverse"),
            ignition=flag("Ignition"),
            acknowledge=flag("Acknowledge"),
        )

    def _message_of(self, signal: _Signal) -> _Message:
        return self._messages[self._ids[signal.signal.name]]

    def _may_report(self, t_ns: int) -> bool:
        speed = self._messages[self._ids["Speed"]] if "Speed" in self._ids else None
        return speed is None or speed.newest_ns == t_ns or speed.is_silent(t_ns)
