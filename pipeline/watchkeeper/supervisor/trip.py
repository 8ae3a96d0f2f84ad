"""Scripted trips: what a simulated vehicle says when. Pure.

[[step]] tables in time order. Speed (km/h) and SteeringAngle (deg, positive to the left) run straight from one step
that names them to the next; flags hold. `"unknown"` sends "not available". `send` says how frames leave from that step
on: ok, silent (none), bad_crc, stuck_counter.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

from watchkeeper.clock import NS_PER_S
from watchkeeper.settings_table import Table, read_table
from watchkeeper.supervisor.vehicle_map import MEASUREMENTS, SIGNAL_NAMES

SEND_MODES = ("ok", "silent", "bad_crc", "stuck_counter")
_RANGES = {"Speed": (0.0, 655.34), "SteeringAngle": (-819.1, 819.1)}  # of VEH_Input
_UNKNOWN = "unknown"
_LONGEST_S = 1e6


@dataclass(frozen=True, slots=True)
class Step:
    """From t_ns on. values: only what this step names; None is "not available"."""

    t_ns: int
    values: dict[str, float | None]
    send: str | None = None


class Trip:
    """A script. end_ns: time of its last step."""

    def __init__(self, name: str, steps: tuple[Step, ...]) -> None:
        self.name = name
        self.end_ns = steps[-1].t_ns
        self._times = {}
        for signal in SIGNAL_NAMES:
            named = [step for step in steps if signal in step.values]
            self._times[signal] = [step.t_ns for step in named], [step.values[signal] for step in named]
        sends = [(s.t_ns, s.send) for s in steps if s.send is not None]
        self._send_times, self._sends = [t for t, _ in sends], [send for _, send in sends]

    def values_at(self, t_ns: int) -> dict[str, float | None]:
        """Physical values of every signal of VEH_Input; None before the first step that names it."""
        return {signal: self._value(signal, t_ns) for signal in SIGNAL_NAMES}

    def send_at(self, t_ns: int) -> str:
        """One of SEND_MODES."""
        index = bisect_right(self._send_times, t_ns) - 1
        return self._sends[index] or "ok" if index >= 0 else "ok"

    def _value(self, signal: str, t_ns: int) -> float | None:
        times, values = self._times[signal]
        index = bisect_right(times, t_ns) - 1
        if index < 0:
            return None if signal in MEASUREMENTS else 0.0
        before = values[index]
        if signal not in MEASUREMENTS or before is None or index + 1 == len(times):
            return before
        after = values[index + 1]
        if after is None:
            return before
        return before + (after - before) * (t_ns - times[index]) / (times[index + 1] - times[index])


def read_trip(path: Path) -> Trip:
    """The trip of a script. Raises BadInputError naming file, line and field."""
    top = read_table(path)
    top.keys_must_be("name", "step")
    steps: list[Step] = []
    for table in top.tables("step"):
        step = _step(table)
        if steps and step.t_ns <= steps[-1].t_ns:
            raise table.fail("t_s", f"expected a later time than the step before ({steps[-1].t_ns / NS_PER_S:g} s)")
        steps.append(step)
    return Trip(top.text("name"), tuple(steps))


def _step(table: Table) -> Step:
    table.keys_must_be("t_s", "send", *SIGNAL_NAMES)
    if "t_s" not in table:
        raise table.fail("t_s", "expected a time in seconds")
    t_s = table.number("t_s", default=0.0)
    if not 0 <= t_s <= _LONGEST_S:
        raise table.fail("t_s", f"expected 0 to {_LONGEST_S:g} seconds, got {t_s:g}")
    values = {name: _read_value(table, name) for name in SIGNAL_NAMES if name in table}
    return Step(round(t_s * NS_PER_S), values, table.choice("send", SEND_MODES) if "send" in table else None)


def _read_value(table: Table, name: str) -> float | None:
    if name not in MEASUREMENTS:
        return float(table.flag(name))
    if table.is_text(name, _UNKNOWN):
        return None
    value = table.number(name, default=0.0)
    low, high = _RANGES[name]
    if not low <= value <= high:
        raise table.fail(name, f"expected {low:g} to {high:g} or {_UNKNOWN!r}, got {value:g}")
    return value
