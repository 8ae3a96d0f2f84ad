"""A unit on the bench for the tests of its diagnostics: everything real but the bus, the clock and the dice."""

from __future__ import annotations

from watchkeeper.clock import NS_PER_MS, NS_PER_S
from watchkeeper.supervisor.frames import CanFrame
from watchkeeper.supervisor.uds.diagnostics import Diagnostics
from watchkeeper.supervisor.uds.keeper import Keeper, MemoryKeeper
from watchkeeper.supervisor.uds.security import expected_key
from watchkeeper.supervisor.uds.transport import FrameTransport
from watchkeeper.supervisor.uds.unit import Identity
from watchkeeper.types import Cause, DriverBaseline, DriverState, SystemState, VisionHealth, VisionReport

START_NS = 1000 * NS_PER_S
KEY = bytes(range(32))
IDENTITY = Identity(
    serial="WK-0001", key=KEY, board="host", board_id=1, base_id=0x3A0, profile=0, frame_period_ms=33.3, budget_ms=33.0
)


class SlowKeeper(MemoryKeeper):
    """Kept when the test says so."""

    def __init__(self) -> None:
        self.contents: list[bytes] = []
        self.answer: bool | None = None

    def put(self, content: bytes, t_ns: int) -> int | None:
        self.contents.append(content)
        return len(self.contents)

    def settled(self, number: int) -> bool | None:
        return self.answer


class Garage:
    """`ask("22 F1 89")` gives the response as hex, None for none. Time passes only by `wait`."""

    def __init__(self, identity: Identity = IDENTITY, keeper: Keeper | None = None) -> None:
        self.t_ns = START_NS
        self.sent: list[CanFrame] = []
        self.taken = True
        self.seeds = 0
        self.diagnostics = Diagnostics(
            FrameTransport(self._put), identity, keeper or MemoryKeeper(),
            started_ns=START_NS, random=self._random, clock=lambda: self.t_ns,
        )  # fmt: skip
        self.view = self.diagnostics.view
        self.dtcs = self.diagnostics.memory.dtcs

    def _put(self, frame: CanFrame) -> bool:
        if self.taken:
            self.sent.append(frame)
        return self.taken

    def _random(self, count: int) -> bytes:
        self.seeds += 1
        return bytes((self.seeds + i) & 0xFF for i in range(count))

    def ask(self, request: str, *, functional: bool = False) -> str | None:
        """The server's response to this request, at once."""
        response = self.diagnostics.server.step(bytes.fromhex(request), self.t_ns, functional=functional)
        return None if response is None else response.hex(" ").upper()

    def later(self) -> str | None:
        """What the server says by itself now."""
        response = self.diagnostics.server.step(None, self.t_ns)
        return None if response is None else response.hex(" ").upper()

    def wait(self, seconds: float, step_ms: int = 50) -> None:
        """Let time pass in slots."""
        end_ns = self.t_ns + round(seconds * NS_PER_S)
        while self.t_ns < end_ns:
            self.t_ns = min(self.t_ns + step_ms * NS_PER_MS, end_ns)
            self.view.frames_sent += 3
            self.diagnostics.observe(self.t_ns, judging=True)

    def extended(self) -> Garage:
        """Into the extended session."""
        assert self.ask("10 03") == "50 03 00 32 01 F4"
        return self

    def unlocked(self) -> Garage:
        """Extended and unlocked."""
        self.extended()
        assert self.ask(self.key_request()) == "67 02"
        return self

    def key_request(self, key: bytes = KEY) -> str:
        """Ask for a seed; the request that answers it."""
        seed = self.ask("27 01")
        assert seed is not None
        assert seed.startswith("67 01")
        return "27 02" + expected_key(key, bytes.fromhex(seed)[2:]).hex()

    def show(self, state: SystemState, *causes: Cause) -> None:
        """What the bus shows from now on."""
        self.view.state, self.view.cause = state, causes[0] if causes else Cause.NONE
        self.view.present = frozenset(causes)

    def picture(self, seq: int, *, pid: int = 7, resets: int = 0, baseline: DriverBaseline | None = None) -> None:
        """Vision's newest report: `seq` pictures judged."""
        self.view.t_ns = self.t_ns
        self.view.report = VisionReport(
            self.t_ns, pid, self.t_ns - 20 * NS_PER_MS, Cause.NONE, driver=DriverState(self.t_ns, seq),
            health=VisionHealth(seq + 2, seq, 2, 1, 29.5, 21.0, 30.5, 55.5), baseline_resets=resets,
            baseline=baseline,
        )  # fmt: skip
