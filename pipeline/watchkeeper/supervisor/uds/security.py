"""0x27 SecurityAccess (ISO 14229-1 clause 10.4): a challenge that only the holder of this unit's key can answer.

seed: 16 random bytes. key: the first 16 bytes of HMAC-SHA256(unit key, b"watchkeeper security access 1" + seed). There
is no default key: without a provisioned one the service is refused with 0x22. A wrong guess is counted, and kept,
before it is known to be one, so that cutting the power gives no free tries.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

from watchkeeper.clock import NS_PER_S
from watchkeeper.supervisor.uds.codes import Nrc, RefusedError, Sid, need
from watchkeeper.supervisor.uds.memory import DiagnosticMemory
from watchkeeper.supervisor.uds.server import EXTENDED_ONLY, Later, Service, SessionState

REQUEST_SEED, SEND_KEY = 0x01, 0x02
SEED_BYTES = KEY_BYTES = 16
UNIT_KEY_BYTES = 32
ATTEMPTS = 3
"""Wrong keys before the lock-out."""
DELAY_NS = 10 * NS_PER_S
"""Lock-out after each wrong key from the third on; after a start too if the last one ended locked out."""
_CONTEXT = b"watchkeeper security access 1"


def expected_key(unit_key: bytes, seed: bytes) -> bytes:
    """What a tester has to send for `seed`."""
    return hmac.new(unit_key, _CONTEXT + seed, hashlib.sha256).digest()[:KEY_BYTES]


class SecurityServices:
    """random: gives so many unpredictable bytes (os.urandom). started_ns: when this run began."""

    def __init__(
        self,
        unit_key: bytes | None,
        state: SessionState,
        memory: DiagnosticMemory,
        random: Callable[[int], bytes],
        started_ns: int,
    ) -> None:
        self._unit_key, self._state, self._memory, self._random = unit_key, state, memory, random
        self._seed: bytes | None = None
        self._locked_until_ns = started_ns + DELAY_NS if memory.failed_attempts >= ATTEMPTS else started_ns
        state.on_default.append(self._forget)

    def services(self) -> dict[int, Service]:
        """The table's part."""
        subs = {REQUEST_SEED: EXTENDED_ONLY, SEND_KEY: EXTENDED_ONLY}
        return {Sid.SECURITY_ACCESS: Service(self.access, sessions=EXTENDED_ONLY, length_min=2, sub_functions=subs)}

    def access(self, request: bytes, t_ns: int) -> bytes | Later:
        """Seed, or verdict about a key."""
        if request[1] == REQUEST_SEED:
            need(len(request) == 2, Nrc.WRONG_LENGTH)
        else:
            need(len(request) == 2 + KEY_BYTES, Nrc.WRONG_LENGTH)
        need(self._unit_key is not None, Nrc.CONDITIONS_NOT_CORRECT)
        if request[1] == SEND_KEY:
            return self._verdict(request[2:], t_ns)
        need(t_ns >= self._locked_until_ns, Nrc.TIME_DELAY_NOT_EXPIRED)
        if self._state.unlocked:
            return bytes((REQUEST_SEED,)) + bytes(SEED_BYTES)  # all zero: unlocked already (10.4.1)
        # the same seed until a key was tried for it (10.4.1 allows it)
        self._seed = self._seed or self._random(SEED_BYTES)
        return bytes((REQUEST_SEED,)) + self._seed

    def _verdict(self, key: bytes, t_ns: int) -> Later:
        seed, self._seed = self._seed, None
        if seed is None:
            raise RefusedError(Nrc.SEQUENCE_ERROR)
        assert self._unit_key is not None
        right = hmac.compare_digest(key, expected_key(self._unit_key, seed))
        self._memory.failed_attempts = min(self._memory.failed_attempts + 1, 255)
        self._memory.changed()
        ask = self._memory.settle(t_ns)

        def poll(now_ns: int) -> bytes | None:
            done = ask(now_ns)
            if done is None:
                return None
            need(done, Nrc.PROGRAMMING_FAILURE)  # an attempt that cannot be counted is none
            if right:
                self._memory.failed_attempts = 0
                self._memory.changed()
                self._state.unlocked = True
                return bytes((SEND_KEY,))
            if self._memory.failed_attempts < ATTEMPTS:
                raise RefusedError(Nrc.INVALID_KEY)
            self._locked_until_ns = now_ns + DELAY_NS
            raise RefusedError(Nrc.TOO_MANY_ATTEMPTS)

        return Later(poll)

    def _forget(self) -> None:
        self._seed = None
