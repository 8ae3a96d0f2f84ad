"""What happened in a `run`: warning events as they come, and the summary at the end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, Any

from watchkeeper.clock import NS_PER_S
from watchkeeper.errors import BadInputError
from watchkeeper.types import Phase, SupervisorReport, VisionReport, WarningEvent


class EventLog:
    """Collects the events that vision reports, each once, over restarts of vision; writes them as they come."""

    def __init__(self, path: Path | None) -> None:
        """Raises BadInputError when `path` cannot be written."""
        self.rows: list[tuple[float, WarningEvent]] = []  # (seconds since the first picture, event)
        self._pid = 0
        self._seen = 0
        self._origin_ns = 0
        self._file: IO[str] | None = None
        if path is not None:
            try:
                self._file = path.open("w", encoding="utf-8")
            except OSError as error:
                raise BadInputError.at(path, f"cannot be written: {error.strerror}") from None

    def take(self, report: VisionReport) -> None:
        """Add what is new in the report."""
        if report.pid != self._pid:
            self._pid, self._seen = report.pid, 0
        self._origin_ns = self._origin_ns or report.first_exposure_ns
        new = min(report.event_count - self._seen, len(report.events))
        self._seen = report.event_count
        for event in report.events[len(report.events) - new :] if new > 0 else ():
            self.rows.append(((event.t_ns - self._origin_ns) / NS_PER_S, event))
            if self._file is not None:
                print(json.dumps(event_row(event), separators=(",", ":")), file=self._file, flush=True)

    def close(self) -> None:
        """Finish the file."""
        if self._file is not None:
            self._file.close()


def event_row(event: WarningEvent) -> dict[str, Any]:
    """One row of an events file, keys as in the trace contract."""
    return {"t_ns": event.t_ns, "warning": event.warning.label, "phase": event.phase.value, "level": event.level}


def summary_lines(supervisor: SupervisorReport, vision: VisionReport, events: EventLog, seconds: float) -> list[str]:
    """The summary in plain text."""
    health = vision.health
    lines = ["", f"summary of {seconds:.1f} s", "  events (seconds since the first picture)"]
    if not events.rows:
        lines.append("    none")
    words = {Phase.ONSET: "begins", Phase.ESCALATE: "rises", Phase.END: "ends"}
    for at_s, event in events.rows:
        lines.append(f"    {at_s:7.2f}  {event.warning.label:20} {words[event.phase]:7} level {event.level}")
    lines += [
        f"  frames    {health.frames_captured} captured, {health.frames_processed} judged, "
        f"{health.frames_dropped} dropped; {health.deadline_misses} after their deadline",
        f"  latency   end of exposure to published state: p50 {health.latency_p50_ms:.1f} ms, "
        f"p99 {health.latency_p99_ms:.1f} ms (last 300 frames)",
        f"  bus       {supervisor.frames_sent} frames sent, {supervisor.send_failures} not taken, "
        f"{supervisor.slots_missed} slots missed, cycle jitter p99 {supervisor.cycle_jitter_p99_ms:.2f} ms",
        f"  restarts  {supervisor.restarts} of vision",
    ]
    return lines


def summary_json(
    supervisor: SupervisorReport | None, vision: VisionReport | None, events: EventLog, seconds: float, status: int
) -> dict[str, Any]:
    """The same as an object."""
    result: dict[str, Any] = {"seconds": round(seconds, 3), "exit_status": status}
    result["events"] = [{"at_s": round(at_s, 3), **event_row(event)} for at_s, event in events.rows]
    if vision is not None:
        health = vision.health
        result["frames"] = {
            "captured": health.frames_captured, "judged": health.frames_processed, "dropped": health.frames_dropped,
            "deadline_misses": health.deadline_misses,
        }  # fmt: skip
        result["latency_ms"] = {"p50": round(health.latency_p50_ms, 3), "p99": round(health.latency_p99_ms, 3)}
    if supervisor is not None:
        result["bus"] = {
            "frames_sent": supervisor.frames_sent, "send_failures": supervisor.send_failures,
            "slots_missed": supervisor.slots_missed, "cycle_jitter_p99_ms": round(supervisor.cycle_jitter_p99_ms, 3),
        }  # fmt: skip
        result["restarts"] = supervisor.restarts
    return result
