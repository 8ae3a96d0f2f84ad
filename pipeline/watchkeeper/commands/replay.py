"""`replay`: the state machine and the CAN encoder on a measurement trace, in virtual time.

The same input gives the same bytes: no clock is read, and every number on the bus follows from the trace.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from watchkeeper.board import Board, load_board
from watchkeeper.clock import NS_PER_S
from watchkeeper.errors import BadInputError
from watchkeeper.measurement_trace import AtomicTextFile, read_trace
from watchkeeper.state.machine import DriverStateMachine
from watchkeeper.state.profile_file import resolve_profile
from watchkeeper.state.profiles import Profile
from watchkeeper.supervisor.candump import format_line
from watchkeeper.supervisor.core import SLOT_NS, Inputs, SupervisorCore
from watchkeeper.supervisor.frames import CanFrame
from watchkeeper.types import Cause, Measurement, Phase, VehicleSignals, VisionHealth, VisionReport, WarningEvent

CHANNEL = "can0"
_LONGEST_GAP_NS = 3600 * NS_PER_S  # beyond it the time stamps are wrong; every 50 ms of a gap is a line of the log
_PID = 1  # of the vision process that a trace stands for

Step = tuple[int, CanFrame] | WarningEvent


@dataclass
class Summary:
    """What a replay came to."""

    measurements: int = 0
    can_frames: int = 0
    first_ns: int = 0
    last_ns: int = 0
    events: list[WarningEvent] = field(default_factory=list)

    def as_json(self, trace: Path, profile: str) -> dict[str, Any]:
        """The result as `--json` prints it."""
        return {
            "trace": str(trace),
            "profile": profile,
            "measurements": self.measurements,
            "duration_s": round((self.last_ns - self.first_ns) / NS_PER_S, 3),
            "can_frames": self.can_frames,
            "warnings": dict(sorted(Counter(e.warning.label for e in self.events if e.phase is Phase.ONSET).items())),
            "events": [event_row(event) for event in self.events],
        }


def run(args: argparse.Namespace) -> int:
    """Replay `args.trace` and write the logs: both or, on any error, neither. Raises BadInputError."""
    profile, board = resolve_profile(args.profile), load_board(args.board)
    paths = [("TRACE", args.trace), ("--can-log", args.can_log), ("--events", args.events)]
    seen: dict[Path, str] = {}
    for name, path in paths:
        if path is not None and (not path.exists() or path.is_file()):
            other = seen.setdefault(path.resolve(), name)
            if other != name:
                raise BadInputError.at(path, f"expected a file of its own, it is {other} too", field=name)
    if not args.trace.is_file():
        problem = "expected a file, it is a folder" if args.trace.is_dir() else "no such file"
        raise BadInputError.at(args.trace, problem)
    outputs: list[AtomicTextFile] = []
    try:
        outputs.append(log := AtomicTextFile(args.can_log))
        if args.events is not None:
            outputs.append(AtomicTextFile(args.events))
        summary = _replay(args.trace, profile, board, log, outputs[1] if args.events is not None else None)
        for output in outputs:
            output.finish()
        for output in outputs:
            output.commit()
    except BaseException:
        for output in outputs:
            output.discard()
        raise
    _print(summary, args)
    return 0


def _replay(path: Path, profile: Profile, board: Board, log: AtomicTextFile, events: AtomicTextFile | None) -> Summary:
    summary = Summary()
    for step in steps(path, read_trace(path), profile, board, summary):
        if isinstance(step, WarningEvent):
            summary.events.append(step)
            if events is not None:
                events.write(json.dumps(event_row(step), separators=(",", ":")) + "\n")
        else:
            t_ns, frame = step
            summary.can_frames += 1
            log.write(format_line(t_ns, CHANNEL, frame) + "\n")
    return summary


def steps(
    path: Path,
    trace: Iterable[tuple[Measurement, VehicleSignals | None]],
    profile: Profile,
    board: Board,
    summary: Summary,
) -> Iterator[Step]:
    """Warning events and frames of a trace in the order of their times.

    Slot k of the bus is at t0 + k * 50 ms, t0 the first `t_ns`; it shows the newest measurement up to its own time. The
    last slot is the last one up to the last measurement. `summary` gets counts and times. Raises BadInputError for a
    gap of more than an hour, which `path` is named for.
    """
    machine = DriverStateMachine(profile, board.cabin)
    core = SupervisorCore(profile=profile.bus_name, board_id=board.board_id)
    arrivals: deque[int] = deque()
    report: VisionReport | None = None
    slot = event_count = 0
    for measurement, vehicle in trace:
        t_ns = measurement.t_ns
        if report is None:
            summary.first_ns = t_ns
        elif t_ns - summary.last_ns > _LONGEST_GAP_NS:
            gap_s = (t_ns - summary.last_ns) / NS_PER_S
            raise BadInputError.at(
                path, f"expected at most 3600 s between two frames, got {gap_s:g} s",
                field="t_ns", line=summary.measurements + 1,
            )  # fmt: skip
        while (slot_ns := summary.first_ns + slot * SLOT_NS) < t_ns:
            yield from _slot(core, report, slot, slot_ns)
            slot += 1
        driver = machine.step(measurement, vehicle, t_ns)
        yield from driver.events
        event_count += len(driver.events)
        summary.measurements += 1
        summary.last_ns = t_ns
        report = VisionReport(
            published_ns=t_ns, pid=_PID, exposure_ns=t_ns, condition=Cause.NONE, driver=driver,
            health=_health(arrivals, t_ns, summary.measurements), event_count=event_count, events=driver.events,
            first_exposure_ns=summary.first_ns,
        )  # fmt: skip
    if summary.first_ns + slot * SLOT_NS == summary.last_ns:
        yield from _slot(core, report, slot, summary.last_ns)


def _slot(core: SupervisorCore, report: VisionReport | None, slot: int, t_ns: int) -> Iterator[tuple[int, CanFrame]]:
    for out in core.step(Inputs(report), slot, t_ns):
        yield t_ns, out.frame
        core.sent(out.name)


def _health(arrivals: deque[int], t_ns: int, count: int) -> VisionHealth:
    """Counters as vision would have them; a trace says nothing of drops, deadlines and load."""
    arrivals.append(t_ns)
    while t_ns - arrivals[0] > NS_PER_S:
        arrivals.popleft()
    span_ns = t_ns - arrivals[0]
    rate_hz = (len(arrivals) - 1) * NS_PER_S / span_ns if span_ns else 0.0
    return VisionHealth(frames_captured=count, frames_processed=count, frame_rate_hz=rate_hz)


def event_row(event: WarningEvent) -> dict[str, Any]:
    """An event as `--events` writes it (trace contract)."""
    return {"t_ns": event.t_ns, "warning": event.warning.label, "phase": event.phase.value, "level": event.level}


def _print(summary: Summary, args: argparse.Namespace) -> None:
    result = summary.as_json(args.trace, args.profile)
    if args.json:
        print(json.dumps(result, indent=2))
        return
    print(
        f"{args.trace}: {summary.measurements} measurements over {result['duration_s']:.3f} s, profile {args.profile}"
    )
    for event in summary.events:
        seconds = (event.t_ns - summary.first_ns) / NS_PER_S
        print(f"  {seconds:9.3f} s  {event.warning.label:<16} {event.phase.value:<8} level {event.level}")
    if not summary.events:
        print("  no warnings")
    print(f"{args.can_log}: {summary.can_frames} CAN frames")
