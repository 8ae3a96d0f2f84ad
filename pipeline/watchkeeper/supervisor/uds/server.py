"""The UDS server: one request in, at most one response out, in a fixed order of checks. Pure.

    server = UdsServer(services, session)
    response = server.step(request_or_None, t_ns)

Call it also without a request: answers that wait (a write to the disk) come out then, preceded by 0x78 "response
pending" where they take longer than P2 (ISO 14229-2 clause 7.2, table 4).

Order of checks, ISO 14229-1 clause 8.7 figures 5 and 6: service 0x11, session 0x7F, security 0x33, length 0x13,
sub-function 0x12, its session 0x7E, then what the service itself refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from watchkeeper.clock import NS_PER_MS, NS_PER_S
from watchkeeper.supervisor.uds.codes import (
    NEGATIVE,
    POSITIVE_OFFSET,
    SILENT_ON_FUNCTIONAL,
    SUPPRESS_POSITIVE,
    Nrc,
    RefusedError,
    Session,
    Sid,
    need,
)

P2_NS = 50 * NS_PER_MS
P2_STAR_NS = 5 * NS_PER_S
S3_NS = 5 * NS_PER_S
PENDING_AFTER_NS = 30 * NS_PER_MS
"""0x78 goes out this long after the request: P2 less two looks at the bus, which are 10 ms apart."""
PENDING_AGAIN_NS = 2 * NS_PER_S
GIVE_UP_NS = 4 * NS_PER_S
"""A disk that takes longer than this has failed, as far as a tester is told."""

ALL_SESSIONS = frozenset((Session.DEFAULT, Session.EXTENDED))
EXTENDED_ONLY = frozenset((Session.EXTENDED,))


@dataclass(slots=True)
class Later:
    """A response that is not known yet: `poll(t_ns)` gives it, or None, or raises RefusedError."""

    poll: Callable[[int], bytes | None]


Handler = Callable[[bytes, int], "bytes | Later"]
"""(the whole request without the suppress bit, t_ns) -> what follows the response's service identifier."""


@dataclass(frozen=True, slots=True)
class Service:
    """One service. length_min: of the whole request. sub_functions: sessions of each one, None for a service without.

    unlocked: needs security access. no_response: what may be suppressed is.
    """

    handle: Handler
    sessions: frozenset[Session] = ALL_SESSIONS
    length_min: int = 1
    sub_functions: Mapping[int, frozenset[Session]] | None = None
    unlocked: bool = False


@dataclass(slots=True)
class SessionState:
    """Which session is active and whether security is unlocked. on_default: called at each way into the default one."""

    session: Session = Session.DEFAULT
    unlocked: bool = False
    on_default: list[Callable[[], None]] = field(default_factory=list)

    def enter(self, session: Session) -> None:
        """Every transition locks security (clause 10.2, table 23 ff.)."""
        self.session, self.unlocked = session, False
        if session is Session.DEFAULT:
            for call in self.on_default:
                call()


@dataclass(slots=True)
class _Waiting:
    later: Later
    sid: int
    functional: bool
    suppress: bool
    since_ns: int
    next_pending_ns: int
    said_pending: bool = False


class UdsServer:
    """Dispatch, sessions' time-out, suppression, pending. One request at a time (busyRepeatRequest to another)."""

    def __init__(self, services: Mapping[int, Service], state: SessionState) -> None:
        self.services, self._state = services, state
        self._waiting: _Waiting | None = None
        self._active_ns = 0
        self.requests = self.refusals = 0

    @property
    def busy(self) -> bool:
        """Whether an answer is owed."""
        return self._waiting is not None

    def step(self, request: bytes | None, t_ns: int, *, functional: bool = False) -> bytes | None:
        """The response to be sent now, None for none. Any bytes are a request; none makes this raise."""
        self._time_out(t_ns)
        if not request:
            return self._wait_on(t_ns)
        self.requests += 1
        if self._waiting is not None:
            return self._while_busy(request, t_ns, functional)
        self._active_ns = t_ns
        sid = request[0]
        suppress = False
        try:
            service = self._permitted(request)
            if service.sub_functions is not None:
                suppress = bool(request[1] & SUPPRESS_POSITIVE)
                request = bytes((sid, request[1] & ~SUPPRESS_POSITIVE)) + request[2:]
            answer = service.handle(request, t_ns)
        except RefusedError as refused:
            return self._negative(sid, refused.nrc, functional)
        if isinstance(answer, Later):
            self._waiting = _Waiting(answer, sid, functional, suppress, t_ns, t_ns + PENDING_AFTER_NS)
            return self._wait_on(t_ns)
        return None if suppress else bytes((sid + POSITIVE_OFFSET,)) + answer

    def _permitted(self, request: bytes) -> Service:
        service, session = self.services.get(request[0]), self._state.session
        if service is None:
            raise RefusedError(Nrc.SERVICE_NOT_SUPPORTED)
        need(session in service.sessions, Nrc.SERVICE_NOT_IN_SESSION)
        need(self._state.unlocked or not service.unlocked, Nrc.SECURITY_ACCESS_DENIED)
        if service.sub_functions is None:
            need(len(request) >= service.length_min, Nrc.WRONG_LENGTH)
            return service
        need(len(request) >= 2, Nrc.WRONG_LENGTH)
        sessions = service.sub_functions.get(request[1] & ~SUPPRESS_POSITIVE)
        if sessions is None:
            raise RefusedError(Nrc.SUB_FUNCTION_NOT_SUPPORTED)
        need(session in sessions, Nrc.SUB_FUNCTION_NOT_IN_SESSION)
        need(len(request) >= service.length_min, Nrc.WRONG_LENGTH)
        return service

    def _while_busy(self, request: bytes, t_ns: int, functional: bool) -> bytes | None:
        # A tester keeps the session alive by a functional 3E 80 whatever else it waits for.
        if request == bytes((Sid.TESTER_PRESENT, SUPPRESS_POSITIVE)):
            self._active_ns = t_ns
            return None
        return None if functional else self._negative(request[0], Nrc.BUSY_REPEAT_REQUEST, functional)

    def _wait_on(self, t_ns: int) -> bytes | None:
        waiting = self._waiting
        if waiting is None:
            return None
        self._active_ns = t_ns  # S3 does not run while a request is being worked on
        try:
            answer = waiting.later.poll(t_ns)
            if answer is None and t_ns - waiting.since_ns > GIVE_UP_NS:
                raise RefusedError(Nrc.PROGRAMMING_FAILURE)
        except RefusedError as refused:
            self._waiting = None
            return self._negative(waiting.sid, refused.nrc, waiting.functional and not waiting.said_pending)
        if answer is not None:
            self._waiting = None
            # after a 0x78 the final response is sent whatever the suppress bit says (clause 8.2.2)
            silent = waiting.suppress and not waiting.said_pending
            return None if silent else bytes((waiting.sid + POSITIVE_OFFSET,)) + answer
        if t_ns >= waiting.next_pending_ns:
            waiting.next_pending_ns = t_ns + PENDING_AGAIN_NS
            waiting.said_pending = True
            return bytes((NEGATIVE, waiting.sid, Nrc.RESPONSE_PENDING))
        return None

    def _time_out(self, t_ns: int) -> None:
        if self._state.session is not Session.DEFAULT and t_ns - self._active_ns > S3_NS:
            self._state.enter(Session.DEFAULT)

    def _negative(self, sid: int, nrc: Nrc, functional: bool) -> bytes | None:
        self.refusals += 1
        if functional and nrc in SILENT_ON_FUNCTIONAL:
            return None
        return bytes((NEGATIVE, sid, nrc))
