"""0x14 ClearDiagnosticInformation, 0x19 ReadDTCInformation, 0x85 ControlDTCSetting.

ISO 14229-1 clauses 12.2, 12.3 and 10.8.
"""

from __future__ import annotations

from collections.abc import Callable

from watchkeeper.supervisor.uds.codes import Nrc, RefusedError, Sid, need
from watchkeeper.supervisor.uds.dtc import AVAILABILITY_MASK, Record, Snapshot
from watchkeeper.supervisor.uds.memory import DiagnosticMemory
from watchkeeper.supervisor.uds.server import ALL_SESSIONS, EXTENDED_ONLY, Later, Service, SessionState

ALL_GROUPS = 0xFFFFFF
FORMAT_ISO_14229 = 0x01
FIRST, LATEST, EVERY = 0x01, 0x02, 0xFF
"""Snapshot record numbers: of the first failure and of the newest since the code was cleared; 0xFF asks for both."""
OCCURRENCES, AGING = 0x01, 0x02
"""Extended data record numbers: one byte each."""

COUNT, BY_MASK, SNAPSHOT_LIST, SNAPSHOT, EXTENDED_DATA, SUPPORTED = 0x01, 0x02, 0x03, 0x04, 0x06, 0x0A
SNAPSHOT_DATA: tuple[tuple[int, str, int, Callable[[Snapshot], int | None]], ...] = (
    (0xFD20, "Cause, as on the bus", 1, lambda s: s.cause),
    (0xFD21, "SystemState, as on the bus", 1, lambda s: s.state),
    (0xFD22, "age of the newest judged picture, ms; all ones: not known", 4, lambda s: s.frame_age_ms),
    (
        0xFD23,
        "temperature of the hottest sensor, degC + 40; all ones: not known",
        1,
        lambda s: None if s.temperature_c is None else min(max(s.temperature_c + 40, 0), 0xFE),
    ),
    (0xFD24, "seconds since the supervisor's start", 4, lambda s: s.uptime_s),
    (0xFD25, "number of the operation cycle", 4, lambda s: s.cycle),
)
"""(data identifier, meaning, bytes, value) of each snapshot record, in order."""


class DtcServices:
    """Reading is free; clearing too, as a garage expects it. Switching the memory off needs the extended session."""

    def __init__(self, state: SessionState, memory: DiagnosticMemory) -> None:
        self._memory = memory
        state.on_default.append(self._switch_on)

    def services(self) -> dict[int, Service]:
        """The table's part."""
        reports = dict.fromkeys((COUNT, BY_MASK, SNAPSHOT_LIST, SNAPSHOT, EXTENDED_DATA, SUPPORTED), ALL_SESSIONS)
        return {
            Sid.CLEAR_DTC: Service(self.clear, length_min=4),
            Sid.READ_DTC: Service(self.read, length_min=2, sub_functions=reports),
            Sid.CONTROL_DTC_SETTING: Service(
                self.control,
                sessions=EXTENDED_ONLY,
                length_min=2,
                sub_functions={0x01: EXTENDED_ONLY, 0x02: EXTENDED_ONLY},
            ),
        }

    def clear(self, request: bytes, t_ns: int) -> Later:
        """All (0xFFFFFF) or one code. The answer waits until it is kept, else 0x72."""
        need(len(request) == 4, Nrc.WRONG_LENGTH)
        group = int.from_bytes(request[1:4], "big")
        need(group == ALL_GROUPS or group in self._memory.dtcs.records, Nrc.OUT_OF_RANGE)
        self._memory.dtcs.clear(None if group == ALL_GROUPS else group)
        return Later(kept(self._memory.settle(t_ns), b""))

    def read(self, request: bytes, t_ns: int) -> bytes:
        """One report; lengths as in tables 303 to 316."""
        report, records = request[1], self._memory.dtcs.records
        head = request[1:2]
        if report == SUPPORTED:
            need(len(request) == 2, Nrc.WRONG_LENGTH)
            return head + bytes((AVAILABILITY_MASK,)) + b"".join(map(_entry, records, records.values()))
        if report in (COUNT, BY_MASK):
            need(len(request) == 3, Nrc.WRONG_LENGTH)
            found = self._memory.dtcs.matching(request[2])
            if report == COUNT:
                return head + bytes((AVAILABILITY_MASK, FORMAT_ISO_14229)) + len(found).to_bytes(2, "big")
            return head + bytes((AVAILABILITY_MASK,)) + b"".join(_entry(code, records[code]) for code, _ in found)
        if report == SNAPSHOT_LIST:
            need(len(request) == 2, Nrc.WRONG_LENGTH)
            held = [(code, number) for code, record in records.items() for number, _ in _snapshots(record, EVERY)]
            return head + b"".join(code.to_bytes(3, "big") + bytes((number,)) for code, number in held)
        need(len(request) == 6, Nrc.WRONG_LENGTH)
        code, number = int.from_bytes(request[2:5], "big"), request[5]
        if code not in records:
            raise RefusedError(Nrc.OUT_OF_RANGE)
        head += _entry(code, records[code])
        return head + (_snapshot_records if report == SNAPSHOT else _extended_records)(records[code], number)

    def control(self, request: bytes, t_ns: int) -> bytes:
        """1 on, 2 off; an option record may name all codes and nothing else (table 132)."""
        need(request[2:] in (b"", b"\xff\xff\xff"), Nrc.OUT_OF_RANGE)
        self._memory.dtcs.enabled = request[1] == 0x01
        return request[1:2]

    def _switch_on(self) -> None:
        self._memory.dtcs.enabled = True


def kept(ask: Callable[[int], bool | None], answer: bytes) -> Callable[[int], bytes | None]:
    """`Later.poll`: the answer once the change is on the disk, 0x72 when it cannot be."""

    def poll(t_ns: int) -> bytes | None:
        done = ask(t_ns)
        need(done is not False, Nrc.PROGRAMMING_FAILURE)
        return answer if done else None

    return poll


def _entry(code: int, record: Record) -> bytes:
    return code.to_bytes(3, "big") + bytes((record.status,))


def _snapshots(record: Record, number: int) -> list[tuple[int, Snapshot]]:
    both = ((FIRST, record.first), (LATEST, record.latest))
    return [(n, snapshot) for n, snapshot in both if snapshot is not None and number in (n, EVERY)]


def _snapshot_records(record: Record, number: int) -> bytes:
    need(number in (FIRST, LATEST, EVERY), Nrc.OUT_OF_RANGE)
    data = b""
    for n, snapshot in _snapshots(record, number):
        data += bytes((n, len(SNAPSHOT_DATA)))
        for did, _, size, read in SNAPSHOT_DATA:
            value = read(snapshot)
            data += did.to_bytes(2, "big") + ((1 << 8 * size) - 1 if value is None else value).to_bytes(size, "big")
    return data


def _extended_records(record: Record, number: int) -> bytes:
    values = {OCCURRENCES: record.occurrences, AGING: record.aging}
    need(number in (*values, EVERY), Nrc.OUT_OF_RANGE)
    return b"".join(bytes((n, value)) for n, value in values.items() if number in (n, EVERY))
