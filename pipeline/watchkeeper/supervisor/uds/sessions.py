"""0x10 DiagnosticSessionControl, 0x11 ECUReset, 0x3E TesterPresent (ISO 14229-1 clauses 10.2, 10.3, 10.7)."""

from __future__ import annotations

from watchkeeper.clock import NS_PER_MS
from watchkeeper.supervisor.uds.codes import Nrc, Session, Sid, need
from watchkeeper.supervisor.uds.server import (
    ALL_SESSIONS,
    EXTENDED_ONLY,
    P2_NS,
    P2_STAR_NS,
    Service,
    SessionState,
)
from watchkeeper.supervisor.uds.unit import UnitView, Wishes

HARD_RESET, SOFT_RESET = 0x01, 0x03
_P2_MS, _P2_STAR_10MS = P2_NS // NS_PER_MS, P2_STAR_NS // (10 * NS_PER_MS)


def need_standing(view: UnitView) -> None:
    """Raise RefusedError while the vehicle moves (0x88) or its speed was lost (0x22)."""
    need(view.standing is not False, Nrc.SPEED_TOO_HIGH)
    need(view.standing is not None, Nrc.CONDITIONS_NOT_CORRECT)


class SessionServices:
    """programmingSession is not among the sub-functions: this unit is never programmed over UDS (0x12)."""

    def __init__(self, state: SessionState, view: UnitView, wishes: Wishes) -> None:
        self._state, self._view, self._wishes = state, view, wishes

    def services(self) -> dict[int, Service]:
        """The table's part."""
        return {
            Sid.SESSION_CONTROL: Service(
                self.session_control,
                length_min=2,
                sub_functions={Session.DEFAULT: ALL_SESSIONS, Session.EXTENDED: ALL_SESSIONS},
            ),
            Sid.ECU_RESET: Service(
                self.reset,
                sessions=EXTENDED_ONLY,
                length_min=2,
                sub_functions={HARD_RESET: EXTENDED_ONLY, SOFT_RESET: EXTENDED_ONLY},
            ),
            Sid.TESTER_PRESENT: Service(self.tester_present, length_min=2, sub_functions={0x00: ALL_SESSIONS}),
        }

    def session_control(self, request: bytes, t_ns: int) -> bytes:
        """The response carries P2 in ms and P2* in 10 ms (table 29)."""
        need(len(request) == 2, Nrc.WRONG_LENGTH)
        self._state.enter(Session(request[1]))
        return bytes((request[1],)) + _P2_MS.to_bytes(2, "big") + _P2_STAR_10MS.to_bytes(2, "big")

    def reset(self, request: bytes, t_ns: int) -> bytes:
        """Hard: the supervisor ends in order and starts anew. Soft: vision does. The answer leaves first."""
        need(len(request) == 2, Nrc.WRONG_LENGTH)
        need_standing(self._view)
        if request[1] == HARD_RESET:
            self._wishes.restart_unit = True
        else:
            self._wishes.restart_vision = True
        self._state.enter(Session.DEFAULT)
        return request[1:2]

    def tester_present(self, request: bytes, t_ns: int) -> bytes:
        """Having been asked is all of it: S3 starts again."""
        need(len(request) == 2, Nrc.WRONG_LENGTH)
        return request[1:2]
