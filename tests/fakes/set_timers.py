"""Timers of the driver's state whose time is set by hand: a rule is asked about one edge, not played up to it."""

from __future__ import annotations

from watchkeeper.board import load_board
from watchkeeper.state.baseline import Baseline
from watchkeeper.state.closures import Closures
from watchkeeper.state.dwell import Dwell
from watchkeeper.state.glances import Glances
from watchkeeper.state.rules import Demand, Rule
from watchkeeper.types import Cabin, Measurement

S, MS = 1_000_000_000, 1_000_000
NOW_NS = 100 * S


class SetDwell(Dwell):
    """A timer that shows what `set` was told. reach_ns: how much further it counts as reached than it was seen."""

    def __init__(self) -> None:
        super().__init__(0, 0)
        self.lasted_ns = self.reach_ns = 0

    @property
    def duration_ns(self) -> int:
        return self.lasted_ns

    def beyond_ns(self, limit_ns: int) -> int:
        return self.lasted_ns + self.reach_ns - limit_ns if self.value is not None else -limit_ns

    def set(
        self,
        value: bool | None,
        lasted_ns: int = 0,
        *,
        known_ns: int | None = None,
        opposed: bool = False,
        reach_ns: int = 0,
    ) -> None:
        """known_ns: time of the newest sample, None when there never was one."""
        self.value, self.lasted_ns, self.known_ns, self.opposed = value, lasted_ns, known_ns, opposed
        self.reach_ns = reach_ns


class SetClosures(Closures):
    """Lids as `show` says."""

    def __init__(self) -> None:
        super().__init__()
        self.set_lids, self.set_asleep = SetDwell(), SetDwell()
        self.lids, self.asleep = self.set_lids, self.set_asleep

    def step(self, measurement: Measurement | None, t_ns: int) -> None:
        """Nothing: it is set."""

    def show(self, closed_now: bool | None, closed_ns: int | None = None) -> None:
        """The newest frame, and for how long the timer has the lids closed; None: it has them open."""
        self.closed_now = closed_now
        self.set_lids.set(closed_ns is not None, closed_ns or 0)


class SetGlances(Glances):
    """Glances whose timers are set."""

    def __init__(self, cabin: Cabin | None = None) -> None:
        super().__init__(cabin if cabin is not None else load_board("host").cabin, S, Baseline())
        self.set_away, self.set_area3, self.set_phone, self.set_hidden = SetDwell(), SetDwell(), SetDwell(), SetDwell()
        self.away, self.area3, self.phone, self.hidden = self.set_away, self.set_area3, self.set_phone, self.set_hidden


def asked(rule: Rule, dwell: SetDwell, value: bool | None, lasted_ns: int, *, silent_ns: int = 0) -> Demand:
    """What the rule asks for at NOW_NS when its timer says this, with its newest sample so long ago."""
    dwell.set(value, lasted_ns, known_ns=NOW_NS - silent_ns)
    return rule.demand(NOW_NS)
