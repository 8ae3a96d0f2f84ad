"""0x22 ReadDataByIdentifier, 0x2E WriteDataByIdentifier (ISO 14229-1 clauses 11.2, 11.7) and every data identifier.

Numbers are big endian and saturate; all ones say "not known". Identifiers 0xFD00-0xFEFF are the system supplier's
(Annex C.1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from watchkeeper import __version__
from watchkeeper.supervisor.core import SLOT_MS
from watchkeeper.supervisor.liveness import STALE_AFTER_NS
from watchkeeper.supervisor.spec import dbc_hash
from watchkeeper.supervisor.uds.codes import Nrc, RefusedError, Sid, need
from watchkeeper.supervisor.uds.dtc_services import kept
from watchkeeper.supervisor.uds.memory import VIN, DiagnosticMemory
from watchkeeper.supervisor.uds.server import EXTENDED_ONLY, Later, Service, SessionState
from watchkeeper.supervisor.uds.unit import Identity, UnitView
from watchkeeper.types import VisionHealth

VIN_DID = 0xF190
SYSTEM_NAME = b"watchkeeper"
MOST_IDENTIFIERS = 16
"""In one request; more is 0x13."""
_RESPONSE_MAX = 4095


def _uint(value: float | None, size: int) -> bytes:
    highest = (1 << 8 * size) - 1
    return (highest if value is None else min(max(round(value), 0), highest - 1)).to_bytes(size, "big")


@dataclass(frozen=True, slots=True)
class DataIdentifier:
    """read: None where the unit does not know it now (answered by 0x22)."""

    did: int
    name: str
    layout: str
    read: Callable[[], bytes | None]
    writable: bool = False


def identifiers(
    identity: Identity, view: UnitView, memory: DiagnosticMemory, state: SessionState
) -> dict[int, DataIdentifier]:
    """Every data identifier, in order of number."""

    def health() -> VisionHealth:
        return view.report.health if view.report is not None else VisionHealth()

    def age_ms(t_ns: int) -> float | None:
        return (view.t_ns - t_ns) / 1e6 if t_ns else None

    table = (
        DataIdentifier(0xF186, "active diagnostic session", "1 byte: 1 default, 3 extended",
                       lambda: bytes((state.session,))),
        DataIdentifier(0xF189, "software version", "text", __version__.encode),
        DataIdentifier(0xF18C, "serial number", "text, of the provisioned unit",
                       lambda: identity.serial.encode() if identity.serial else None),
        DataIdentifier(VIN_DID, "vehicle identification number", "17 letters and digits (ISO 3779)",
                       lambda: memory.vin.encode() if memory.vin else None, writable=True),
        DataIdentifier(0xF191, "hardware", "text, the board's name", identity.board.encode),
        DataIdentifier(0xF197, "system name", "text", lambda: SYSTEM_NAME),
        DataIdentifier(0xFD00, "state", "SystemState 1 byte, Cause 1 byte, frame age 2 bytes ms",
                       lambda: bytes((view.state, view.cause)) + _uint(view.frame_age_ms, 2)),
        DataIdentifier(0xFD01, "frame counters of vision", "captured, judged, dropped, judged too late: 4 bytes each",
                       lambda: b"".join(_uint(n, 4) for n in (
                           health().frames_captured, health().frames_processed, health().frames_dropped,
                           health().deadline_misses))),
        DataIdentifier(0xFD02, "timing of vision",
                       "latency p50 and p99 0.1 ms, frame rate 0.1 /s, load 0.1 %: 2 bytes each",
                       lambda: b"".join(_uint(10 * x, 2) for x in (
                           health().latency_p50_ms, health().latency_p99_ms, health().frame_rate_hz,
                           health().load_pct))),
        DataIdentifier(0xFD03, "budgets",
                       "frame period 0.1 ms, exposure to state 0.1 ms, stale after ms, cycle ms: 2 bytes each",
                       lambda: b"".join(_uint(x, 2) for x in (
                           10 * identity.frame_period_ms, 10 * identity.budget_ms, STALE_AFTER_NS / 1e6, SLOT_MS))),
        DataIdentifier(0xFD04, "sender",
                       "frames sent, not sent, slots missed: 4 bytes each; cycle jitter p99 us 2 bytes",
                       lambda: b"".join(_uint(n, 4) for n in (
                           view.frames_sent, view.send_failures, view.slots_missed))
                       + _uint(view.jitter_p99_ms * 1000, 2)),
        DataIdentifier(0xFD05, "bus and restarts",
                       "restarts of vision, bus-off events, frames refused by the whitelist, device reopened, "
                       "received frames lost: 2 bytes each",
                       lambda: b"".join(_uint(n, 2) for n in (
                           view.restarts, view.bus_off_count, view.bus.refused, view.bus.reopened, view.overruns))),
        DataIdentifier(0xFD06, "box", "hottest sensor degC + 40 1 byte; flags 1 byte: bit 0 throttled, 1 under-voltage",
                       lambda: _uint(None if view.box.temperature_c is None else view.box.temperature_c + 40, 1)
                       + bytes((view.box.throttled | view.box.under_voltage << 1,))),
        DataIdentifier(0xFD07, "contract", "hash of the DBC 3 bytes, base identifier 2, profile 1, board id 1",
                       lambda: dbc_hash().to_bytes(3, "big") + identity.base_id.to_bytes(2, "big")
                       + bytes((identity.profile, identity.board_id))),
        DataIdentifier(0xFD08, "vehicle input", "speed 0.01 km/h 2 bytes, age ms 4 bytes, rejected frames 4 bytes",
                       lambda: _uint(None if view.speed_kph is None else 100 * view.speed_kph, 2)
                       + _uint(age_ms(view.vehicle_t_ns), 4) + _uint(view.vehicle_rejected, 4)),
        DataIdentifier(0xFD09, "diagnostics", "requests, refusals, transport messages given up: 4 bytes each",
                       lambda: b"".join(_uint(n, 4) for n in (view.requests, view.refusals, view.transport_errors))),
        DataIdentifier(0xFD0A, "uptime", "seconds since the supervisor's start 4 bytes, operation cycles 4 bytes",
                       lambda: _uint((view.t_ns - view.started_ns) / 1e9, 4) + _uint(memory.dtcs.cycle, 4)),
    )  # fmt: skip
    return {entry.did: entry for entry in table}


class DataServices:
    """Reading in every session; writing in the extended one, unlocked, what is writable."""

    def __init__(self, table: dict[int, DataIdentifier], memory: DiagnosticMemory) -> None:
        self._table, self._memory = table, memory

    def services(self) -> dict[int, Service]:
        """The table's part."""
        return {
            Sid.READ_DATA: Service(self.read, length_min=3),
            Sid.WRITE_DATA: Service(self.write, sessions=EXTENDED_ONLY, length_min=4, unlocked=True),
        }

    def read(self, request: bytes, t_ns: int) -> bytes:
        """One or more. Identifiers not known here are left out unless none is left (0x31, clause 11.2.3)."""
        need(len(request) % 2 == 1 and len(request) <= 1 + 2 * MOST_IDENTIFIERS, Nrc.WRONG_LENGTH)
        dids = [int.from_bytes(request[i : i + 2], "big") for i in range(1, len(request), 2)]
        entries = [self._table[did] for did in dids if did in self._table]
        need(bool(entries), Nrc.OUT_OF_RANGE)
        response = b""
        for entry in entries:
            value = entry.read()
            if value is None:
                raise RefusedError(Nrc.CONDITIONS_NOT_CORRECT)
            response += entry.did.to_bytes(2, "big") + value
        need(len(response) < _RESPONSE_MAX, Nrc.RESPONSE_TOO_LONG)
        return response

    def write(self, request: bytes, t_ns: int) -> Later:
        """The VIN. The answer waits until it is kept, else 0x72."""
        entry = self._table.get(int.from_bytes(request[1:3], "big"))
        if entry is None or not entry.writable:
            raise RefusedError(Nrc.OUT_OF_RANGE)
        need(len(request) == 3 + 17, Nrc.WRONG_LENGTH)
        try:
            vin = request[3:].decode("ascii")
        except UnicodeDecodeError:
            raise RefusedError(Nrc.OUT_OF_RANGE) from None
        need(VIN.fullmatch(vin) is not None, Nrc.OUT_OF_RANGE)
        if vin != self._memory.vin:
            self._memory.vin = vin
            self._memory.changed()
        return Later(kept(self._memory.settle(t_ns), request[1:3]))
