"""A vehicle at constant speed on a virtual bus, so that a PC without a car shows warnings. Never for another bus."""

from __future__ import annotations

from watchkeeper.clock import NS_PER_MS
from watchkeeper.errors import BadInputError
from watchkeeper.supervisor.bus import open_node
from watchkeeper.supervisor.frames import Encoder
from watchkeeper.supervisor.spec import DEFAULT_BASE_ID, MESSAGES

_NAME = "VEH_Input"


class SimulatedVehicle:
    """A node of its own on the bus, sending protected VEH_Input frames every 20 ms.

    Driven from the caller's loop: a call that comes late sends one frame, never a burst. Raises BadInputError when the
    bus is not a virtual one.
    """

    def __init__(self, uri: str, speed_kph: float, base_id: int = DEFAULT_BASE_ID) -> None:
        if not uri.startswith("virtual:"):
            raise BadInputError.at(uri, "a simulated vehicle only speaks on a virtual bus", field="bus")
        self._encoder = Encoder(base_id)
        self._bus = open_node(uri, receive=(), transmit={MESSAGES[_NAME].frame_id(base_id)})
        self._values: dict[str, float | None] = {"Speed": speed_kph, "Ignition": 1, "SteeringAngle": 0.0}
        self._period_ns = MESSAGES[_NAME].cycle_ms * NS_PER_MS
        self._due_ns: int | None = None

    def step(self, t_ns: int) -> None:
        """Send the frame that is due at `t_ns`, if one is."""
        if self._due_ns is None:
            self._due_ns = t_ns
        if t_ns < self._due_ns:
            return
        self._due_ns += ((t_ns - self._due_ns) // self._period_ns + 1) * self._period_ns
        if self._bus.send(self._encoder.encode(_NAME, self._values)):
            self._encoder.sent(_NAME)

    def close(self) -> None:
        """Leave the bus."""
        self._bus.close()
