"""What the supervisor says at each slot of the bus. Pure: for the process in real time, for `replay` in virtual time.

    core = SupervisorCore(profile="euroncap-2026", board_id=1)
    for slot in ...:                                  # every SLOT_NS
        for out in core.step(Inputs(report), slot, t_ns):
            if bus.send(out.frame):
                core.sent(out.name)                   # only what left is counted

No clock, socket or thread is in here. Virtual time has no latency: there `report.exposure_ns` is the measurement's own
time and `t_ns` the slot's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from watchkeeper.clock import NS_PER_MS
from watchkeeper.supervisor import outputs
from watchkeeper.supervisor.frames import CanFrame, Encoder
from watchkeeper.supervisor.liveness import Liveness, VisionPhase, VisionStatus
from watchkeeper.supervisor.safe_state import SafeState
from watchkeeper.supervisor.spec import DEFAULT_BASE_ID, TRANSMITTED
from watchkeeper.types import Cause, SystemState, VisionReport

SLOT_MS = 50
SLOT_NS = SLOT_MS * NS_PER_MS
"""The shortest cycle; every other cycle is a multiple of it."""

_SLOTS_PER_CYCLE = {message.name: message.cycle_ms // SLOT_MS for message in TRANSMITTED}


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that a slot's frames follow from.

    report: the newest of the present vision process, None before its first. vision: how that process does.
    bus_recovered: sending works again after it did not. stopping: an ordered shutdown has begun: nothing is judged any
    more and nothing is wrong, which is Standby (a Fault stays a Fault). lamp_test: a tester asks for 1 the tell-tale, 2
    a visual warning, shown while there is no warning. commissioning: nobody is judged by any rule set, which is
    Calibrating for as long as vision can be trusted.
    """

    report: VisionReport | None = None
    vision: VisionStatus = field(default_factory=VisionStatus)
    restarts: int = 0
    bus_off_count: int = 0
    bus_recovered: bool = False
    box: outputs.BoxCondition = field(default_factory=outputs.BoxCondition)
    stopping: bool = False
    lamp_test: int = 0
    commissioning: bool = False


class Outgoing(NamedTuple):
    """A frame that is due now. name: what to report to `SupervisorCore.sent` once it went out."""

    name: str
    frame: CanFrame


class SupervisorCore:
    """State, cause, cyclic schedule and protected frames."""

    def __init__(self, *, profile: str, board_id: int, base_id: int = DEFAULT_BASE_ID) -> None:
        """Raises BadInputError for a base identifier that leaves the 11 bits."""
        self._profile, self._board_id = profile, board_id
        self._encoder = Encoder(base_id)
        self._liveness = Liveness()
        self._safe_state = SafeState()
        self._tally = outputs.WarningTally()
        self.state = SystemState.INIT
        self.cause = Cause.STARTING

    def step(self, inputs: Inputs, slot: int, t_ns: int) -> list[Outgoing]:
        """The frames of slot number `slot`, which leave at `t_ns`, in the contract's order.

        Slots that were missed are simply not asked for: a message whose slot passed waits for its next one.
        """
        self.state, self.cause = self._judge(inputs, t_ns)
        vision = None if inputs.stopping else inputs.report
        driver = vision.driver if vision else None
        judges = not inputs.commissioning
        values = outputs.signals(
            driver if driver is None or judges else outputs.unjudged(driver),
            self.state,
            self.cause,
            vision,
            t_ns=t_ns,
            profile=self._profile if judges else None,
            board_id=self._board_id,
            restarts=inputs.restarts,
            bus_off_count=inputs.bus_off_count,
            warning_count=self._tally.step(inputs.report if judges else None),
            box=inputs.box,
        )
        outputs.show_lamp_test(values["DMS_Warning"], inputs.lamp_test)
        due = [name for name, slots in _SLOTS_PER_CYCLE.items() if slot % slots == 0]
        return [Outgoing(name, self._encoder.encode(name, values[name])) for name in due]

    @property
    def present(self) -> frozenset[Cause]:
        """Every cause that held in the last slot; `cause` is the primary one of them."""
        return self._safe_state.present

    def sent(self, name: str) -> None:
        """The frame of message `name` went out: its counter steps."""
        self._encoder.sent(name)

    def _judge(self, inputs: Inputs, t_ns: int) -> tuple[SystemState, Cause]:
        alive = self._liveness.step(inputs.report, inputs.vision, t_ns)
        fault = inputs.vision.cause if inputs.vision.phase is VisionPhase.FAULT else Cause.NONE
        causes = []
        active = False
        if not inputs.stopping:
            causes.append(alive)
            driver = inputs.report.driver if inputs.report else None
            if driver is not None and alive is Cause.NONE:
                # What perception says holds only as long as perception is believed.
                causes.append(driver.cause)
                active = driver.active
                if inputs.commissioning:
                    causes.append(Cause.CALIBRATING)
                if inputs.report is not None and inputs.report.health.rung > 0:
                    causes.append(Cause.OVERRUN)  # work is left out to keep the deadline
        if inputs.bus_recovered:
            causes.append(Cause.BUS_RECOVERED)
        if inputs.box.under_voltage:
            causes.append(Cause.UNDER_VOLTAGE)
        elif inputs.box.throttled:
            causes.append(Cause.OVER_TEMPERATURE)  # a low supply throttles too, and is the cause then
        return self._safe_state.step(causes, fault, active, t_ns)
