"""What the services see of the unit and what they may ask of it: plain values, refreshed by the loop once a slot."""

from __future__ import annotations

from dataclasses import dataclass, field

from watchkeeper.clock import NS_PER_MS, NS_PER_S
from watchkeeper.supervisor.bus import BusStats
from watchkeeper.supervisor.outputs import BoxCondition
from watchkeeper.supervisor.uds.dtc import Snapshot
from watchkeeper.types import Cause, SystemState, VehicleReport, VisionReport

MOVING_KPH = 3.0
"""Above this the vehicle moves and what could disturb a driver is refused."""

VEHICLE_FRESH_NS = 500 * NS_PER_MS
"""As long as `state` holds a vehicle signal (measurement trace contract)."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What does not change in a run. serial, key: of this very unit, None where nobody provisioned them."""

    serial: str | None = None
    key: bytes | None = None
    board: str = "host"
    board_id: int = 0
    base_id: int = 0
    profile: int = 0
    frame_period_ms: float = 0.0
    budget_ms: float = 0.0


@dataclass(slots=True)
class UnitView:
    """Now. speed_kph: None unknown just now; speed_seen: it was known once in this run."""

    t_ns: int = 0
    started_ns: int = 0
    state: SystemState = SystemState.INIT
    cause: Cause = Cause.STARTING
    present: frozenset[Cause] = frozenset()
    report: VisionReport | None = None
    box: BoxCondition = field(default_factory=BoxCondition)
    speed_kph: float | None = None
    speed_seen: bool = False
    ignition: bool | None = None
    vehicle_t_ns: int = 0
    vehicle_rejected: int = 0
    frames_sent: int = 0
    send_failures: int = 0
    slots_missed: int = 0
    jitter_p99_ms: float = 0.0
    restarts: int = 0
    bus_off_count: int = 0
    overruns: int = 0
    bus: BusStats = field(default_factory=BusStats)
    transport_errors: int = 0
    requests: int = 0
    refusals: int = 0

    def vehicle(self, report: VehicleReport, rejected: int, t_ns: int) -> None:
        """Take over what the vehicle said; a speed counts for VEHICLE_FRESH_NS."""
        fresh = bool(report.t_ns) and t_ns - report.t_ns <= VEHICLE_FRESH_NS
        self.speed_kph = report.signals.speed_kph if fresh else None
        self.speed_seen = self.speed_seen or self.speed_kph is not None
        self.ignition = report.signals.ignition if fresh else None
        self.vehicle_t_ns, self.vehicle_rejected = report.t_ns, rejected

    @property
    def standing(self) -> bool | None:
        """Whether the vehicle stands. Without a vehicle on the bus (a bench) it does; None: its speed was lost."""
        if self.speed_kph is not None:
            return self.speed_kph <= MOVING_KPH
        return None if self.speed_seen else True

    @property
    def frame_age_ms(self) -> int | None:
        """Age of the newest judged picture, None before the first."""
        if self.report is None or not self.report.exposure_ns:
            return None
        return max(0, self.t_ns - self.report.exposure_ns) // NS_PER_MS

    def snapshot(self, cycle: int) -> Snapshot:
        """For a test that fails now."""
        celsius = self.box.temperature_c
        return Snapshot(
            cause=int(self.cause),
            state=int(self.state),
            frame_age_ms=None if (age := self.frame_age_ms) is None else min(age, 2**32 - 1),
            temperature_c=None if celsius is None else round(celsius),
            uptime_s=max(0, self.t_ns - self.started_ns) // NS_PER_S,
            cycle=cycle,
        )


@dataclass(slots=True)
class Wishes:
    """What services ask of the loop; the loop takes them and sets them back (the lamp test it only reads).

    restart_vision: soft reset. restart_unit: hard reset. baseline_resets: counts up once a reset of the driver's
    baseline. lamp_test: 0 none, 1 tell-tale, 2 visual warning.
    """

    restart_vision: bool = False
    restart_unit: bool = False
    baseline_resets: int = 0
    lamp_test: int = 0
