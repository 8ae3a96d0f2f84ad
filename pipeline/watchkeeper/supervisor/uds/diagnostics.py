"""Diagnostics as the supervisor's loop holds it: one object, two calls.

diagnostics.listen(frames, t_ns, until_ns)   # whenever the bus was read, between the slots
diagnostics.observe(t_ns, judging=True)      # once a slot, after its frames, with `diagnostics.view` renewed
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable

from watchkeeper.clock import NS_PER_MS, now_ns
from watchkeeper.supervisor.bus_watch import AWAY_AFTER_NS
from watchkeeper.supervisor.frames import CanFrame
from watchkeeper.supervisor.uds import troubles
from watchkeeper.supervisor.uds.data import DataServices, identifiers
from watchkeeper.supervisor.uds.dtc import Snapshot
from watchkeeper.supervisor.uds.dtc_services import DtcServices
from watchkeeper.supervisor.uds.keeper import Keeper
from watchkeeper.supervisor.uds.memory import DiagnosticMemory
from watchkeeper.supervisor.uds.routines import RoutineServices
from watchkeeper.supervisor.uds.security import SecurityServices
from watchkeeper.supervisor.uds.server import SessionState, UdsServer
from watchkeeper.supervisor.uds.sessions import SessionServices
from watchkeeper.supervisor.uds.transport import Transport
from watchkeeper.supervisor.uds.unit import Identity, UnitView, Wishes
from watchkeeper.types import Cause, DriverBaseline, SystemState

_QUEUE_MAX = 16
"""Requests that wait for their turn; a tester sends one at a time, a flood loses the newest."""
_MARGIN_NS = 2 * NS_PER_MS
"""No request is begun this short before a slot; the dearest takes a fraction of it."""
_MEASURING = (SystemState.STANDBY, SystemState.ACTIVE)
_OWN_CAUSES = frozenset(
    (
        Cause.CAMERA_LOST,
        Cause.STALE_VISION,
        Cause.VISION_RESTARTING,
        Cause.MODEL_INVALID,
        Cause.CONFIG_INVALID,
        Cause.INTERNAL_ERROR,
        Cause.OVER_TEMPERATURE,
        Cause.UNDER_VOLTAGE,
    )
)
"""Judged by the supervisor at every slot, whatever perception shows; of perception's own only one shows at a time."""


class Diagnostics:
    """Server, memory, transport and routines of one unit."""

    def __init__(
        self,
        transport: Transport,
        identity: Identity,
        keeper: Keeper,
        *,
        started_ns: int,
        say: Callable[[str], None] = lambda _text: None,
        random: Callable[[int], bytes] = os.urandom,
        clock: Callable[[], int] = now_ns,
    ) -> None:
        self._transport, self._clock = transport, clock
        self.view, self._wishes = UnitView(t_ns=started_ns, started_ns=started_ns), Wishes()
        self.memory = DiagnosticMemory(keeper, say)
        state = SessionState()
        self._routines = RoutineServices(state, self.view, self._wishes, identity)
        table = identifiers(identity, self.view, self.memory, state)
        self.server = UdsServer(
            {
                **SessionServices(state, self.view, self._wishes).services(),
                **DtcServices(state, self.memory).services(),
                **DataServices(table, self.memory).services(),
                **SecurityServices(identity.key, state, self.memory, random, started_ns).services(),
                **self._routines.services(),
            },
            state,
        )
        self._queue: deque[tuple[bytes, bool]] = deque()
        self._response: bytes | None = None
        self._bus_off_seen = 0
        self._sent_seen, self._sent_ns = 0, started_ns
        self._ignition: bool | None = None
        self._damage_told = False
        self._resets_seen = 0
        self._erase_left = 0
        self._erased: Callable[[int], bool | None] = lambda _t_ns: True
        self._snapshot = Snapshot()

    @property
    def baseline_resets(self) -> int:
        """For VehicleReport."""
        return self._wishes.baseline_resets

    @property
    def baseline(self) -> DriverBaseline | None:
        """For VehicleReport."""
        return self.memory.baseline

    @property
    def lamp_test(self) -> int:
        """For Inputs."""
        return self._wishes.lamp_test

    def take_restarts(self) -> tuple[bool, bool]:
        """(vision, the whole unit) to be started anew, once each, after the answer has left."""
        if self._transport.sending or self._response is not None:
            return False, False
        wanted = self._wishes.restart_vision, self._wishes.restart_unit
        self._wishes.restart_vision = self._wishes.restart_unit = False
        return wanted

    def listen(self, frames: Iterable[CanFrame], t_ns: int, until_ns: int) -> None:
        """Take in frames, answer what can be answered before `until_ns` (the next slot), put due frames on the bus."""
        for item in self._transport.receive(frames, t_ns):
            if len(self._queue) < _QUEUE_MAX:
                self._queue.append(item)
        self._transport.step(t_ns)
        while self._clock() < until_ns - _MARGIN_NS:
            if self._response is not None:
                if not self._transport.send(self._response, t_ns):
                    break  # the last one is still on its way: everything else waits for it
                self._response = None
                self._transport.step(t_ns)
            elif self._queue:
                request, functional = self._queue.popleft()
                self._response = self.server.step(request, t_ns, functional=functional)
            else:
                self._response = self.server.step(None, t_ns)
                if self._response is None:
                    break
        self.view.requests, self.view.refusals = self.server.requests, self.server.refusals

    def observe(self, t_ns: int, *, judging: bool) -> None:
        """Once a slot, with `view` renewed: trouble codes, routines, what is to be kept. judging: no ordered end."""
        view = self.view
        view.t_ns = t_ns
        view.transport_errors = self._transport.errors
        self._routines.step(t_ns)
        if view.ignition is not None:
            if view.ignition and self._ignition is False:
                self.memory.dtcs.begin_cycle()
            self._ignition = view.ignition
        if judging:
            self._judge(t_ns)
        self._keep_baseline(t_ns)
        self.memory.step(t_ns)

    def _keep_baseline(self, t_ns: int) -> None:
        """What vision has learned; a reset takes it off the disk at once, the last good copy included."""
        resets, report, memory = self._wishes.baseline_resets, self.view.report, self.memory
        if resets != self._resets_seen:
            self._resets_seen, memory.baseline, self._erase_left = resets, None, 2
        if self._erase_left and self._erased(t_ns) is not None:
            self._erase_left -= 1
            memory.changed()
            self._erased = memory.settle(t_ns)
        known = report is not None and report.baseline_resets == resets
        if known and report is not None and report.baseline not in (None, memory.baseline):
            memory.baseline = report.baseline
            memory.changed()

    def close(self) -> None:
        """Bring what is to be kept to the disk; may wait for it."""
        self.memory.close(self._clock())
        self._transport.close()

    def _judge(self, t_ns: int) -> None:
        view = self.view
        self._snapshot = view.snapshot(self.memory.dtcs.cycle)
        measuring = view.state in _MEASURING or view.state is SystemState.DEGRADED
        for trouble in troubles.TROUBLES:
            cause = trouble.name
            if isinstance(cause, Cause):
                there = cause in view.present
                tested = view.state in _MEASURING or (measuring and cause in _OWN_CAUSES)
                if there or tested:
                    self._report(cause, there, t_ns)
        if view.bus_off_count != self._bus_off_seen:
            self._bus_off_seen = view.bus_off_count
            self._report(troubles.BUS_OFF, True, t_ns)
        sent = view.frames_sent != self._sent_seen
        if sent:
            self._sent_seen, self._sent_ns = view.frames_sent, t_ns
            self._report(troubles.BUS_OFF, False, t_ns)
        if sent or t_ns - self._sent_ns > AWAY_AFTER_NS:
            self._report(troubles.BUS_STUCK, not sent, t_ns)
        if not (self.memory.damaged and self._damage_told):
            self._report(troubles.STATE_LOST, self.memory.damaged, t_ns)
            self._damage_told = True

    def _report(self, name: Cause | str, there: bool, t_ns: int) -> None:
        self.memory.dtcs.report(name, there, t_ns, self._snapshot)
