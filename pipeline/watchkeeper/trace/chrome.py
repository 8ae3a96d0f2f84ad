"""A recording as Chrome's trace event format, which Perfetto's UI and chrome://tracing open.

Format: "Trace Event Format", Google, 2016 (phases X, C, i, s/f, M; ts and dur in microseconds). Both processes lie on
CLOCK_MONOTONIC, so their times need no shifting against each other.
"""

from __future__ import annotations

from typing import Any

from watchkeeper.trace.frames import frames_of
from watchkeeper.trace.ring import Recording
from watchkeeper.trace.rows import STAGES, Counter, Drop, Kind, Network, Task

_VISION, _SUPERVISOR = 1, 2
_UNITS = {Counter.TEMPERATURE: ("temperature degC", 1000.0), Counter.FREQUENCY: ("frequency MHz", 1000.0)}


def chrome_trace(recording: Recording) -> dict[str, Any]:
    """The JSON object. Flow arrows lead from a frame's publication to the slot of the bus that carried it."""
    events: list[dict[str, Any]] = [
        _named("process_name", _VISION, 0, "watchkeeper-vision"),
        _named("process_name", _SUPERVISOR, 0, "watchkeeper-supervisor"),
        _named("thread_name", _VISION, 1, "camera"),
        _named("thread_name", _VISION, 2, "loop"),
        _named("thread_name", _VISION, 3, "waiting"),
        _named("thread_name", _SUPERVISOR, 1, "bus"),
        _named("thread_name", _SUPERVISOR, 2, "heard back"),
    ]
    for row in recording.rows:
        ts = row.begin_ns / 1000
        if row.kind == Kind.COUNTER:
            name, by = _UNITS.get(Counter(row.detail), (Counter(row.detail).name.lower(), 1.0))
            events.append(_counter(name, row.begin_ns, row.value / by))
        elif row.kind in (Kind.DROP, Kind.SKIP):
            what = f"drop {Drop(row.detail).name}" if row.kind == Kind.DROP else f"skip {Task(row.detail).name}"
            events.append({"ph": "i", "s": "t", "name": what.lower(), "pid": _VISION, "tid": 2, "ts": ts,
                           "args": {"seq": row.seq, "count": row.value}})  # fmt: skip
    for frame in frames_of(recording).judged:
        for row in frame.stages:
            track = {Kind.DEQUEUE: 1, Kind.QUEUE: 3}.get(Kind(row.kind), 2)
            name = Kind(row.kind).name.lower()
            if row.kind == Kind.QUEUE:
                events += [_counter("queue frames", at, depth) for at, depth in ((row.begin_ns, 1), (row.end_ns, 0))]
            if row.detail and row.kind in STAGES:
                name += f" {Network(row.detail).name.lower()}"
            events.append(_slice(name, _VISION, track, row.begin_ns, row.end_ns, {"seq": frame.seq}))
        if frame.sent_ns is not None:
            events.append(_slice("send", _SUPERVISOR, 1, frame.sent_ns - 1000, frame.sent_ns, {"seq": frame.seq}))
            if frame.echo_ns is not None:
                events.append(_slice("echo", _SUPERVISOR, 2, frame.sent_ns, frame.echo_ns, {"seq": frame.seq}))
            flow = {"name": "frame", "cat": "frame", "id": frame.seq}
            events.append({"ph": "s", "pid": _VISION, "tid": 2, "ts": (frame.published_ns - 1) / 1000, **flow})
            events.append(
                {"ph": "f", "bp": "e", "pid": _SUPERVISOR, "tid": 1, "ts": frame.sent_ns / 1000 - 0.5, **flow}
            )
        events.append(_counter("latency ms", frame.published_ns, frame.took_ns / 1e6))
        events.append(_counter("rung", frame.published_ns, frame.rung))
        for kind, by_ns in frame.over_ns.items():
            what = f"{kind.name.lower()} over its share"
            events.append({"ph": "i", "s": "t", "name": what, "pid": _VISION, "tid": 2, "ts": frame.published_ns / 1000,
                           "args": {"seq": frame.seq, "us": by_ns / 1000}})  # fmt: skip
    return {"traceEvents": events, "displayTimeUnit": "ms", "otherData": _flat(recording.about)}


def _slice(name: str, pid: int, tid: int, begin_ns: int, end_ns: int, args: dict[str, Any]) -> dict[str, Any]:
    return {
        "ph": "X", "cat": "stage", "name": name, "pid": pid, "tid": tid,
        "ts": begin_ns / 1000, "dur": (end_ns - begin_ns) / 1000, "args": args,
    }  # fmt: skip


def _counter(name: str, t_ns: int, value: float) -> dict[str, Any]:
    return {"ph": "C", "name": name, "pid": _VISION, "ts": t_ns / 1000, "args": {"value": value}}


def _named(kind: str, pid: int, tid: int, name: str) -> dict[str, Any]:
    return {"ph": "M", "name": kind, "pid": pid, "tid": tid, "args": {"name": name}}


def _flat(about: dict[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in about.items()}
