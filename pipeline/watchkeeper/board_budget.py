"""A board's `[budget]` and `[cpus]`: how long a frame may take, what each stage of it may take, and on which cores.

[budget]
frame_period_ms = 33.3
exposure_to_state_ms = 33.0   # end of exposure to published state: a frame beyond it missed its deadline
exposure_to_bus_ms = 95.0     # end of exposure to the slot on the bus; left out: one slot and 10 ms more
[budget.share_pct]            # of exposure_to_state_ms; all stages or none, 100 together at most
dequeue = 40                  # ... queue, quality, preprocess, infer, measure, decide, publish
[cpus]                        # left out: the scheduler's choice
vision = [2, 3]
supervisor = [1]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from watchkeeper.settings_table import Table

STAGES = ("dequeue", "queue", "quality", "preprocess", "infer", "measure", "decide", "publish")
"""The recorder's stages, in their order."""
DEFAULT_SHARES_PCT: Mapping[str, float] = dict(zip(STAGES, (30, 5, 4, 8, 38, 5, 5, 5), strict=True))
_BUS_AFTER_STATE_MS = 60.0  # one 50 ms slot and the wire
_CPU_MOST = 1023  # CPU_SETSIZE of the C library


@dataclass(frozen=True, slots=True)
class FrameBudget:
    """Limits of one frame, ms. share_pct: of exposure_to_state_ms, by stage."""

    frame_period_ms: float
    exposure_to_state_ms: float
    exposure_to_bus_ms: float
    share_pct: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULT_SHARES_PCT))

    def share_ns(self, stage: str) -> int:
        """What one stage may take. Raises KeyError for a stage that is none."""
        return round(self.exposure_to_state_ms * 10_000 * self.share_pct[stage])


@dataclass(frozen=True, slots=True)
class Cpus:
    """Cores for each process by number; empty: the scheduler's choice."""

    vision: tuple[int, ...] = ()
    supervisor: tuple[int, ...] = ()


def read_budget(table: Table) -> FrameBudget:
    """Check `[budget]`. Raises BadInputError naming file and field."""
    table.keys_must_be("frame_period_ms", "exposure_to_state_ms", "exposure_to_bus_ms", "share_pct")
    state_ms = table.number("exposure_to_state_ms", 1, 1000)
    bus_ms = state_ms + _BUS_AFTER_STATE_MS
    if "exposure_to_bus_ms" in table:
        bus_ms = table.number("exposure_to_bus_ms", 1, 2000)
        if bus_ms < state_ms:
            raise table.fail("exposure_to_bus_ms", f"expected at least exposure_to_state_ms, {state_ms:g}")
    shares = dict(DEFAULT_SHARES_PCT)
    if "share_pct" in table:
        own = table.table("share_pct")
        own.keys_must_be(*STAGES)
        shares = {stage: own.number(stage, 0, 100) for stage in STAGES}
        if (total := sum(shares.values())) > 100:
            raise table.fail("share_pct", f"expected shares that add up to 100 at most, got {total:g}")
    return FrameBudget(table.number("frame_period_ms", 1, 1000), state_ms, bus_ms, shares)


def read_cpus(table: Table) -> Cpus:
    """Check `[cpus]`. Raises BadInputError naming file and field."""
    table.keys_must_be("vision", "supervisor")
    return Cpus(_cpus(table, "vision"), _cpus(table, "supervisor"))


def _cpus(table: Table, key: str) -> tuple[int, ...]:
    if key not in table:
        return ()
    value = table.raw(key)
    whole = isinstance(value, list) and all(isinstance(v, int) and not isinstance(v, bool) for v in value)
    if not whole or not value or len(set(value)) != len(value) or not all(0 <= v <= _CPU_MOST for v in value):
        raise table.fail(key, f"expected a list of different core numbers from 0 to {_CPU_MOST}, got {value!r}")
    return tuple(value)
