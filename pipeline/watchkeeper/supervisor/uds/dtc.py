"""The trouble codes' memory: status bits, counters, snapshots (ISO 14229-1 Annex D.2). Pure; `memory.py` keeps it.

Kept simple, and so documented:
- A test fails when its trouble was there without a break for `fail_ns`, and passes when it was away for `pass_ns`.
- A failed test confirms its code at once (one operation cycle is enough).
- An operation cycle lasts from a start of the supervisor, or from the ignition's switching on, to the next.
- A cycle in which the test was completed and never failed takes `pending` away and ages a confirmed code; AGED_AFTER
  such cycles in a row take it away with its snapshots.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from watchkeeper.supervisor.uds.troubles import BY_CODE, BY_NAME, TROUBLES, Trouble
from watchkeeper.types import Cause

TEST_FAILED, FAILED_THIS_CYCLE, PENDING, CONFIRMED = 0x01, 0x02, 0x04, 0x08
NOT_COMPLETED_SINCE_CLEAR, FAILED_SINCE_CLEAR, NOT_COMPLETED_THIS_CYCLE, TELL_TALE = 0x10, 0x20, 0x40, 0x80
AVAILABILITY_MASK = 0xFF
_FRESH = NOT_COMPLETED_SINCE_CLEAR | NOT_COMPLETED_THIS_CYCLE
_FORGOTTEN_AT_POWER_OFF = TEST_FAILED | TELL_TALE
AGED_AFTER = 40
_COUNTER_MAX = 255


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was when a test failed: numbers about the unit, never a picture or anything about the driver.

    cause, state: as on the bus. frame_age_ms, temperature_c: None where not known. uptime_s: since the supervisor's
    start. cycle: number of the operation cycle.
    """

    cause: int = 0
    state: int = 0
    frame_age_ms: int | None = None
    temperature_c: int | None = None
    uptime_s: int = 0
    cycle: int = 0


@dataclass(slots=True)
class Record:
    """Memory of one code. first, latest: snapshots of the first and of the newest failure since it was cleared."""

    status: int = _FRESH
    occurrences: int = 0
    aging: int = 0
    first: Snapshot | None = None
    latest: Snapshot | None = None


@dataclass(slots=True)
class _Debounce:
    """Since when the trouble has been there, or away; None before the first report."""

    there: bool | None = None
    since_ns: int = 0


@dataclass(slots=True)
class DtcStore:
    """All records. revision: steps with every change worth keeping."""

    records: dict[int, Record] = field(default_factory=lambda: {trouble.code: Record() for trouble in TROUBLES})
    cycle: int = 0
    revision: int = 0
    enabled: bool = True  # service 0x85
    _debounce: dict[int, _Debounce] = field(default_factory=dict)

    def report(self, name: Cause | str, there: bool, t_ns: int, snapshot: Snapshot) -> None:
        """The trouble is there or is not, as of now. One that cannot be told just now is not reported at all."""
        trouble = BY_NAME.get(name)
        if trouble is None or not self.enabled:
            return
        state = self._debounce.setdefault(trouble.code, _Debounce())
        if state.there is not there:
            state.there, state.since_ns = there, t_ns
        record = self.records[trouble.code]
        if t_ns - state.since_ns < (trouble.fail_ns if there else trouble.pass_ns):
            return
        if there:
            self._failed(trouble, record, snapshot)
        else:
            self._passed(record)

    def begin_cycle(self) -> None:
        """A new operation cycle: what the last one showed counts for pending and aging."""
        self.cycle += 1
        self.revision += 1
        self._debounce.clear()
        for record in self.records.values():
            completed = not record.status & NOT_COMPLETED_THIS_CYCLE
            if completed and not record.status & FAILED_THIS_CYCLE:
                record.status &= ~PENDING
                self._age(record)
            record.status &= ~(FAILED_THIS_CYCLE | _FORGOTTEN_AT_POWER_OFF)
            record.status |= NOT_COMPLETED_THIS_CYCLE

    def clear(self, code: int | None = None) -> None:
        """Forget one code, or all (0x14). A trouble that is still there fails its test anew."""
        for known in self.records if code is None else (code,):
            if self.records[known] != (fresh := Record()):
                self.records[known] = fresh
                self.revision += 1
            self._debounce.pop(known, None)

    def matching(self, mask: int) -> list[tuple[int, int]]:
        """(code, status) of every code with a bit of `mask` set."""
        return [(code, record.status) for code, record in self.records.items() if record.status & mask]

    def to_plain(self) -> dict[str, Any]:
        """For a file: only what differs from a fresh memory."""
        kept = {f"{code:06X}": asdict(record) for code, record in self.records.items() if record != Record()}
        return {"cycle": self.cycle, "records": kept}

    def load(self, plain: Mapping[str, Any]) -> None:
        """Take over what `to_plain` gave. Raises ValueError, KeyError or TypeError for anything else; nothing is taken
        over then. Codes that this version does not know are left out."""
        cycle = _whole(plain["cycle"], 2**32 - 1)
        records = {int(code, 16): _record(value) for code, value in plain["records"].items()}
        self.records.update((code, record) for code, record in records.items() if code in BY_CODE)
        self.cycle = cycle

    def _failed(self, trouble: Trouble, record: Record, snapshot: Snapshot) -> None:
        before = record.status
        record.status &= ~_FRESH
        record.status |= TEST_FAILED | FAILED_THIS_CYCLE | PENDING | CONFIRMED | FAILED_SINCE_CLEAR
        if trouble.tell_tale:
            record.status |= TELL_TALE
        if not before & TEST_FAILED:
            record.aging = 0
            record.occurrences = min(record.occurrences + 1, _COUNTER_MAX)
            record.first = record.first or snapshot
            record.latest = snapshot
            self.revision += 1

    def _passed(self, record: Record) -> None:
        before = record.status
        record.status &= ~(_FRESH | TEST_FAILED | TELL_TALE)
        if record.status != before:
            self.revision += 1

    def _age(self, record: Record) -> None:
        if not record.status & CONFIRMED:
            return
        record.aging += 1
        if record.aging >= AGED_AFTER:
            record.status &= ~CONFIRMED
            record.aging, record.first, record.latest = 0, None, None


def _whole(value: object, high: int, low: int = 0) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"expected a whole number from {low} to {high}, got {value!r}")
    return value


def _record(plain: Mapping[str, Any]) -> Record:
    return Record(
        status=_whole(plain["status"], 0xFF),
        occurrences=_whole(plain["occurrences"], _COUNTER_MAX),
        aging=_whole(plain["aging"], AGED_AFTER),
        first=_snapshot(plain["first"]),
        latest=_snapshot(plain["latest"]),
    )


def _snapshot(plain: Mapping[str, Any] | None) -> Snapshot | None:
    if plain is None:
        return None
    values = {f.name: plain[f.name] for f in fields(Snapshot)}
    optional = ("frame_age_ms", "temperature_c")
    for name, value in values.items():
        if value is not None or name not in optional:
            _whole(value, 2**32 - 1, -1000 if name == "temperature_c" else 0)
    return Snapshot(**values)
