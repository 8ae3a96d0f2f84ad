"""The supervisor's real time: one slot after the other on absolute deadlines, vision looked after in between.

Everything that judges is pure and elsewhere (core, restart, cycle, bus_watch); here are the clock and the descriptors.

An ordered end: vision is told to stop (SIGTERM, SIGKILL after STOP_WAIT_NS) while frames go on and say Standby, cause
None: nothing is judged and nothing is wrong. One full slot at least says so. A Fault stays a Fault to the last frame.
"""

from __future__ import annotations

import errno
import os
import signal
from collections import deque
from dataclasses import dataclass, replace

from watchkeeper.clock import NS_PER_MS, NS_PER_S, now_ns, sleep_until_ns
from watchkeeper.errors import BadInputError
from watchkeeper.mailbox.layout import LayoutError
from watchkeeper.mailbox.reader import Reader
from watchkeeper.mailbox.writer import Writer
from watchkeeper.supervisor.box_health import BoxHealthReader
from watchkeeper.supervisor.bus import Bus
from watchkeeper.supervisor.bus_watch import BusWatch
from watchkeeper.supervisor.candump import CanLog
from watchkeeper.supervisor.core import SLOT_NS, Inputs, SupervisorCore
from watchkeeper.supervisor.cycle import Cycle
from watchkeeper.supervisor.hw_watchdog import HardwareWatchdog
from watchkeeper.supervisor.ladder import Restarter, Rung
from watchkeeper.supervisor.liveness import VisionPhase
from watchkeeper.supervisor.outputs import BoxCondition
from watchkeeper.supervisor.realtime import become_realtime, say
from watchkeeper.supervisor.restart import EXIT_BAD_INPUT, Action, VisionKeeper
from watchkeeper.supervisor.simulated_vehicle import SimulatedVehicle
from watchkeeper.supervisor.systemd import Notifier
from watchkeeper.supervisor.uds.diagnostics import Diagnostics
from watchkeeper.supervisor.vehicle_input import VehicleReceiver
from watchkeeper.supervisor.vision_process import VisionProcess
from watchkeeper.types import SendStamp, SupervisorReport, SystemState, VehicleReport, VisionReport

LISTEN_EVERY_NS = 10 * NS_PER_MS
"""Received frames are looked at this often: half of VEH_Input's cycle."""
STOP_WAIT_NS = 2 * NS_PER_S
FAULT_SHOWN_NS = NS_PER_S // 2
"""A run that ends because of bad input says so on the bus for this long first."""
_SLOTS_PER_S = NS_PER_S // SLOT_NS
_NOT_EXECUTABLE = (errno.ENOENT, errno.EACCES, errno.ENOEXEC, errno.ENOTDIR)


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


class SupervisorLoop:
    """`run` once. duration_ns: end by itself after this long. keep_fault: stay on the bus with a Fault, do not end."""

    def __init__(self, parts: Parts, *, duration_ns: int | None = None, keep_fault: bool = False) -> None:
        self._parts = parts
        self._duration_ns, self._keep_fault = duration_ns, keep_fault
        self._keeper = VisionKeeper()
        self._bus_watch = BusWatch()
        self._box_reader = BoxHealthReader()
        self._box = BoxCondition()
        self._report: VisionReport | None = None  # the newest of any run: how old it is stays visible between runs
        self._garbage_said = False
        self._exit_status: int | None = None
        self._signalled = False
        self._stop_since_ns: int | None = None
        self._fault_since_ns: int | None = None
        self._frames_sent = self._send_failures = 0
        self._sends: deque[SendStamp] = deque(maxlen=16)
        self._jitter_ms = 0.0
        self._status = 0
        self._by_itself = True
        self._unfed_said = False
        self._baseline_resets = 0
        self.start_again = False
        """The run ended because a tester asked for a reset: the whole process is to begin anew."""

    def request_stop(self) -> None:
        """End in order, beginning with the next slot. Safe in a signal handler."""
        self._signalled = True

    def run(self) -> int:
        """Until the source ends, the duration is over, vision cannot be helped or a stop is requested; exit status."""
        start_ns = now_ns()
        cycle = Cycle(start_ns, SLOT_NS)
        while True:
            self._wait_listening(cycle.due_ns)
            t_ns = now_ns()
            if not cycle.arrive(t_ns):
                continue
            action = self._step(cycle, t_ns)
            finished = self._is_over(t_ns)
            self._publish(cycle, t_ns, finished)
            if finished:
                return self._status
            # Everything below may take its time: the slot's frames are out.
            if cycle.slot == 0 and (missing := become_realtime()):
                say(f"works with more jitter: no {' and no '.join(missing)}")
            self._act(action, t_ns)
            self._climb(t_ns)
            if cycle.slot % _SLOTS_PER_S == 0:
                self._box = self._box_reader.read()
                self._jitter_ms = cycle.deviation_p99_ns() / NS_PER_MS
            self._diagnose(cycle, t_ns)
            self._decide_on_stopping(start_ns, t_ns)
            self._listen(cycle.due_ns + SLOT_NS)
            cycle.done()
            self._feed_watchdogs(t_ns)

    def _feed_watchdogs(self, t_ns: int) -> None:
        """The hardware's after every whole cycle; systemd's while vision makes progress or its loss is handled."""
        parts = self._parts
        if parts.watchdog is not None and not parts.watchdog.feed() and not self._unfed_said:
            self._unfed_said = True
            say(f"{parts.watchdog.path} does not take its feed")
        if parts.systemd is not None:
            parts.systemd.ready()
            parts.systemd.status(f"{parts.core.state.name.capitalize()}, cause {parts.core.cause.label}")
            if self._stop_since_ns == t_ns:
                parts.systemd.stopping()
            if self._keeper.attends(t_ns):
                parts.systemd.feed(t_ns)

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
        if report is not before or resets != self._baseline_resets:
            self._baseline_resets = resets
            self._tell_vision()

    def _diagnose(self, cycle: Cycle, t_ns: int) -> None:
        """Show diagnostics what is now, do what a tester asked for."""
        parts, diagnostics = self._parts, self._parts.diagnostics
        if diagnostics is None:
            return
        view = diagnostics.view
        view.state, view.cause, view.present = parts.core.state, parts.core.cause, parts.core.present
        view.report, view.box = self._report, self._box
        view.vehicle(parts.receiver.report, parts.receiver.rejected, t_ns)
        view.frames_sent, view.send_failures = self._frames_sent, self._send_failures
        view.slots_missed, view.jitter_p99_ms = cycle.missed, self._jitter_ms
        view.restarts, view.bus_off_count = self._keeper.restarts, parts.bus.bus_off_count
        view.overruns, view.bus = parts.bus.overruns, parts.bus.stats
        diagnostics.observe(t_ns, judging=self._stop_since_ns is None)
        restart_vision, self_too = diagnostics.take_restarts()
        if restart_vision:
            say("a tester asked for vision to be started anew")
            parts.vision.terminate()
        if self_too:
            say("a tester asked for a reset of the unit")
            self.start_again = True
            self.request_stop()

    def _step(self, cycle: Cycle, t_ns: int) -> Action:
        """Look after vision, judge, send this slot's frames. Returns what is to be done about vision afterwards."""
        parts = self._parts
        pid = parts.vision.pid
        exit_status = parts.vision.poll() if self._exit_status is None else self._exit_status
        self._exit_status = None
        report = self._read(pid)
        if report is not None:
            self._report = report
        action = Action.NONE
        if self._stop_since_ns is None:
            if exit_status is not None and pid:
                say(f"vision (process {pid}) ended with {_how(exit_status)}")
            action = self._keeper.step(exit_status, parts.vision.stopped, report, t_ns)
        inputs = Inputs(
            report=self._report,
            vision=self._keeper.status,
            restarts=self._keeper.restarts,
            bus_off_count=parts.bus.bus_off_count,
            bus_recovered=self._bus_watch.recovered(t_ns),
            box=self._box,
            stopping=self._stop_since_ns is not None,
            lamp_test=parts.diagnostics.lamp_test if parts.diagnostics is not None else 0,
        )
        any_sent = False
        for name, frame in parts.core.step(inputs, cycle.slot, t_ns):
            if parts.bus.send(frame):
                parts.core.sent(name)
                any_sent = True
                self._frames_sent += 1
                if parts.can_log is not None:
                    parts.can_log.write(now_ns(), frame)
            else:
                self._send_failures += 1
        if any_sent:
            self._stamp_send()
        self._bus_watch.step(any_sent, parts.bus.bus_off_count, t_ns)
        return action

    def _stamp_send(self) -> None:
        """Tell vision when a picture's result went out, once a picture."""
        exposure_ns = self._report.exposure_ns if self._report is not None else 0
        if exposure_ns and (not self._sends or self._sends[-1].exposure_ns != exposure_ns):
            self._sends.append(SendStamp(exposure_ns, now_ns()))
            self._tell_vision()

    def _tell_vision(self) -> None:
        diagnostics = self._parts.diagnostics
        report = replace(
            self._parts.receiver.report,
            baseline_resets=self._baseline_resets,
            baseline=diagnostics.baseline if diagnostics is not None else None,
            sends=tuple(self._sends),
        )
        self._parts.vehicle_writer.write(report)

    def _read(self, pid: int) -> VisionReport | None:
        """The newest report of the present process; None for a predecessor's, for none and for garbage."""
        try:
            report = self._parts.state_reader.read()
        except LayoutError as error:
            if not self._garbage_said:
                say(f"vision's report makes no sense: {error}")
            self._garbage_said = True
            return None
        return report if report is not None and pid and report.pid == pid else None

    def _act(self, action: Action, t_ns: int) -> None:
        vision = self._parts.vision
        if action is Action.KILL:
            vision.kill()
        elif action is Action.START:
            try:
                vision.start()
            except OSError as error:
                say(f"vision cannot be started: {error}")
                self._exit_status = EXIT_BAD_INPUT if error.errno in _NOT_EXECUTABLE else 1
            self._garbage_said = False
            self._keeper.started(t_ns)

    def _climb(self, t_ns: int) -> None:
        """Restart more than vision where vision alone does not help."""
        restarter, keeper = self._parts.restarter, self._keeper
        if restarter is None or self._stop_since_ns is not None:
            return
        phase = keeper.status.phase
        fault = phase is VisionPhase.FAULT and not keeper.given_up  # a wrong setting is no better after a restart
        well = phase is VisionPhase.RUNNING and self._parts.core.state not in (
            SystemState.UNAVAILABLE,
            SystemState.INIT,
        )
        try:
            rung = restarter.step(keeper.restarts, keeper.failures, fault, well, t_ns)
        except (OSError, BadInputError) as error:  # no such command; counts that a full disk does not take
            say(f"the restart of more than vision failed: {error}")
            return
        if rung is not Rung.NONE:
            say(f"vision does not come back: restarting the {rung.value}")

    def _decide_on_stopping(self, start_ns: int, t_ns: int) -> None:
        """Whether an ordered end begins with the next slot; sends vision its signals."""
        vision = self._parts.vision
        if self._stop_since_ns is not None:
            if t_ns - self._stop_since_ns > STOP_WAIT_NS:
                vision.kill()
            return
        if self._keeper.given_up and self._fault_since_ns is None:
            self._fault_since_ns = t_ns
        beyond_help = self._fault_since_ns is not None and t_ns - self._fault_since_ns >= FAULT_SHOWN_NS
        if beyond_help and not self._keep_fault:
            self._status = EXIT_BAD_INPUT
        elif self._signalled:
            self._by_itself = False
        elif not (
            self._keeper.status.phase is VisionPhase.ENDED
            or (self._duration_ns is not None and t_ns - start_ns >= self._duration_ns)
        ):
            return
        self._stop_since_ns = t_ns
        vision.terminate()

    def _is_over(self, t_ns: int) -> bool:
        return self._stop_since_ns is not None and not self._parts.vision.pid

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
                frames_sent=self._frames_sent,
                send_failures=self._send_failures,
                slots_missed=cycle.missed,
                restarts=self._keeper.restarts,
                cycle_jitter_p99_ms=self._jitter_ms,
                finished=finished and self._by_itself,
                exit_status=self._status,
            )
        )


def _how(exit_status: int) -> str:
    if exit_status >= 0:
        return f"exit status {exit_status}"
    try:
        return signal.Signals(-exit_status).name
    except ValueError:
        return f"signal {-exit_status}"
