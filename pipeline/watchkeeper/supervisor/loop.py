"""The supervisor's real time: one slot after the other on absolute deadlines, everything else in between.

What judges is pure and elsewhere (core, restart, cycle, bus_watch); what does has a file of its own (vision_care,
slot_sender, ordered_end, feeder). Here are the clock and the order.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass, replace

from watchkeeper.clock import NS_PER_MS, NS_PER_S, now_ns, sleep_until_ns
from watchkeeper.mailbox.reader import Reader
from watchkeeper.mailbox.writer import Writer
from watchkeeper.supervisor.black_box import BlackBox
from watchkeeper.supervisor.box_health import BoxHealthReader
from watchkeeper.supervisor.bus import Bus
from watchkeeper.supervisor.bus_watch import BusWatch
from watchkeeper.supervisor.candump import CanLog
from watchkeeper.supervisor.commissioning import Commissioning
from watchkeeper.supervisor.core import SLOT_NS, Inputs, SupervisorCore
from watchkeeper.supervisor.cycle import Cycle
from watchkeeper.supervisor.feeder import Feeder
from watchkeeper.supervisor.hw_watchdog import HardwareWatchdog
from watchkeeper.supervisor.ladder import Restarter
from watchkeeper.supervisor.ordered_end import OrderedEnd
from watchkeeper.supervisor.outputs import BoxCondition
from watchkeeper.supervisor.realtime import become_realtime, say
from watchkeeper.supervisor.restart import Action
from watchkeeper.supervisor.simulated_vehicle import SimulatedVehicle
from watchkeeper.supervisor.slot_sender import SlotSender
from watchkeeper.supervisor.systemd import Notifier
from watchkeeper.supervisor.uds.diagnostics import Diagnostics
from watchkeeper.supervisor.vehicle_input import VehicleReceiver
from watchkeeper.supervisor.vision_care import VisionCare
from watchkeeper.supervisor.vision_process import VisionProcess
from watchkeeper.types import SupervisorReport, VehicleReport, VisionReport

LISTEN_EVERY_NS = 10 * NS_PER_MS
"""Received frames are looked at this often: half of VEH_Input's cycle."""
_SLOTS_PER_S = NS_PER_S // SLOT_NS


@dataclass(slots=True)
class Parts:
    """What the loop works with; `main` makes and closes them."""

    core: SupervisorCore
    bus: Bus
    receiver: VehicleReceiver
    vision: VisionProcess
    state_reader: Reader[VisionReport]
    vehicle_writer: Writer[VehicleReport]
    status_writer: Writer[SupervisorReport] | None = None
    can_log: CanLog | None = None
    vehicle: SimulatedVehicle | None = None
    watchdog: HardwareWatchdog | None = None
    systemd: Notifier | None = None
    restarter: Restarter | None = None
    diagnostics: Diagnostics | None = None
    black_box: BlackBox | None = None
    commissioning: Commissioning | None = None
    cpus: Collection[int] = ()


class SupervisorLoop:
    """`run` once. duration_ns: end by itself after this long. keep_fault: stay on the bus with a Fault, do not end."""

    def __init__(self, parts: Parts, *, duration_ns: int | None = None, keep_fault: bool = False) -> None:
        self._parts = parts
        self._care = VisionCare(
            parts.vision, parts.state_reader, parts.restarter, patient=keep_fault, black_box=parts.black_box
        )
        self._sender = SlotSender(parts.core, parts.bus, parts.can_log)
        self._end = OrderedEnd(parts.vision, duration_ns, keep_fault)
        self._feeder = Feeder(parts.watchdog, parts.systemd)
        self._bus_watch = BusWatch()
        self._box_reader = BoxHealthReader()
        self._box = BoxCondition()
        self._jitter_ms = 0.0
        self._baseline_resets = 0
        self.start_again = False
        """The run ended because a tester asked for a reset: the whole process is to begin anew."""

    def request_stop(self) -> None:
        """End in order, beginning with the next slot. Safe in a signal handler."""
        self._end.request()

    def run(self) -> int:
        """Until the source ends, the duration is over, vision cannot be helped or a stop is requested; exit status."""
        start_ns = now_ns()
        cycle = Cycle(start_ns, SLOT_NS)
        while True:
            self._wait_listening(cycle.due_ns)
            t_ns = now_ns()
            if not cycle.arrive(t_ns):
                continue
            action = self._slot(cycle, t_ns)
            finished = self._end.over
            self._publish(cycle, t_ns, finished)
            if finished:
                return self._end.exit_status
            self._between(cycle, action, start_ns, t_ns)
            self._listen(cycle.due_ns + SLOT_NS)
            cycle.done()
            core, since_ns = self._parts.core, self._end.since_ns
            status = f"{core.state.name.capitalize()}, cause {core.cause.label}"
            self._feeder.step(status, t_ns, attends=self._care.keeper.attends(t_ns), stopping=since_ns == t_ns)

    def _slot(self, cycle: Cycle, t_ns: int) -> Action:
        """Look after vision, judge, send this slot's frames. Returns what is to be done about vision afterwards."""
        parts, care = self._parts, self._care
        action = care.look(t_ns, judging=not self._end.begun and self._may_look(t_ns))
        inputs = Inputs(
            report=care.report,
            vision=care.keeper.status,
            restarts=care.keeper.restarts,
            bus_off_count=parts.bus.bus_off_count,
            bus_recovered=self._bus_watch.recovered(t_ns),
            box=self._box,
            stopping=self._end.begun,
            lamp_test=parts.diagnostics.lamp_test if parts.diagnostics is not None else 0,
            commissioning=parts.commissioning is not None,
        )
        any_sent = self._sender.send(parts.core.step(inputs, cycle.slot, t_ns))
        if any_sent and self._sender.stamp(care.report.exposure_ns if care.report is not None else 0):
            self._tell_vision(parts.receiver.report)
        self._bus_watch.step(any_sent, parts.bus.bus_off_count, t_ns)
        return action

    def _may_look(self, t_ns: int) -> bool:
        """Always, but in commissioning, where the vehicle has to stand."""
        commissioning = self._parts.commissioning
        if commissioning is None:
            return True
        ended = commissioning.step(self._parts.receiver.report.signals.speed_kph, t_ns)
        if ended is not None:
            say(f"commissioning has ended: {ended.value}")
            self._end.finish(ended.exit_status)
        return commissioning.standing

    def _between(self, cycle: Cycle, action: Action, start_ns: int, t_ns: int) -> None:
        """What may take its time: the slot's frames are out."""
        if cycle.slot == 0 and (missing := become_realtime(self._parts.cpus)):
            say(f"works with more jitter: no {' and no '.join(missing)}")
        self._care.act(action, t_ns)
        if not self._end.begun:
            self._care.climb(self._parts.core.state, t_ns)
        if cycle.slot % _SLOTS_PER_S == 0:
            self._box = self._box_reader.read()
            self._jitter_ms = cycle.deviation_p99_ns() / NS_PER_MS
        self._diagnose(cycle, t_ns)
        self._end.decide(self._care.keeper, t_ns - start_ns, t_ns)

    def _wait_listening(self, due_ns: int) -> None:
        while (left_ns := due_ns - now_ns()) > 0:
            # on the grid of whole listening periods before the slot, so that the slot itself finds nothing left to do
            sleep_until_ns(due_ns - (left_ns - 1) // LISTEN_EVERY_NS * LISTEN_EVERY_NS)
            if due_ns - now_ns() > 0:
                self._listen(due_ns)

    def _listen(self, until_ns: int) -> None:
        parts, t_ns = self._parts, now_ns()
        if parts.vehicle is not None:
            parts.vehicle.step(t_ns)
        before, resets = parts.receiver.report, 0
        frames = parts.bus.receive()
        report = parts.receiver.step(frames, t_ns)
        if parts.diagnostics is not None:
            parts.diagnostics.listen(frames, t_ns, until_ns)
            resets = parts.diagnostics.baseline_resets
        echoed = self._sender.heard()
        if report is not before or resets != self._baseline_resets or echoed:
            self._baseline_resets = resets
            self._tell_vision(report)

    def _tell_vision(self, report: VehicleReport) -> None:
        diagnostics = self._parts.diagnostics
        told = replace(
            report,
            baseline_resets=self._baseline_resets,
            baseline=diagnostics.baseline if diagnostics is not None else None,
            sends=self._sender.stamps,
        )
        self._parts.vehicle_writer.write(told)

    def _diagnose(self, cycle: Cycle, t_ns: int) -> None:
        """Show diagnostics what is now, do what a tester asked for."""
        parts, diagnostics, sender = self._parts, self._parts.diagnostics, self._sender
        if diagnostics is None:
            return
        view = diagnostics.view
        view.state, view.cause, view.present = parts.core.state, parts.core.cause, parts.core.present
        view.report, view.box = self._care.report, self._box
        view.vehicle(parts.receiver.report, parts.receiver.rejected, t_ns)
        view.frames_sent, view.send_failures = sender.frames_sent, sender.send_failures
        view.slots_missed, view.jitter_p99_ms = cycle.missed, self._jitter_ms
        view.restarts, view.bus_off_count = self._care.keeper.restarts, parts.bus.bus_off_count
        view.overruns, view.bus = parts.bus.overruns, parts.bus.stats
        diagnostics.observe(t_ns, judging=not self._end.begun)
        restart_vision, self_too = diagnostics.take_restarts()
        if restart_vision:
            say("a tester asked for vision to be started anew")
            parts.vision.terminate()
        if self_too:
            say("a tester asked for a reset of the unit")
            self.start_again = True
            self.request_stop()

    def _publish(self, cycle: Cycle, t_ns: int, finished: bool) -> None:
        writer = self._parts.status_writer
        if writer is None:
            return
        core = self._parts.core
        writer.write(
            SupervisorReport(
                t_ns=t_ns,
                pid=os.getpid(),
                vision_pid=self._parts.vision.pid,
                state=core.state,
                cause=core.cause,
                frames_sent=self._sender.frames_sent,
                send_failures=self._sender.send_failures,
                slots_missed=cycle.missed,
                restarts=self._care.keeper.restarts,
                cycle_jitter_p99_ms=self._jitter_ms,
                finished=finished and self._end.by_itself,
                exit_status=self._end.exit_status,
            )
        )
