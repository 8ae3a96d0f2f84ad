"""What each stage of a frame may take, what it is expected to take, and which of them took too much."""

from __future__ import annotations

from watchkeeper.board_budget import FrameBudget
from watchkeeper.trace.rows import STAGES, Kind, Task

_DECAY = 64  # an estimate loses this part of itself at each shorter run
_UNLIMITED_NS = 1 << 62

_TRACK = (Kind.PREPROCESS, Kind.INFER)
_REST = (Kind.MEASURE, Kind.DECIDE, Kind.PUBLISH)
_FOLLOWS: dict[Task, tuple[Kind, ...]] = {
    Task.QUALITY: (*_TRACK, *_REST),
    Task.DETECT: _REST,  # its own time has the landmarks of the face it finds in it
    Task.REFINE: _REST,
    Task.LANDMARKS: _REST,
}


class StageShares:
    """`budget`: the board's; None: no stage is limited. Durations are ns; a stage is a Kind of STAGES."""

    def __init__(self, budget: FrameBudget | None = None) -> None:
        self.share_ns = [_UNLIMITED_NS] * (Kind.PUBLISH + 1)
        for kind in STAGES if budget is not None else ():
            self.share_ns[kind] = budget.share_ns(kind.name.lower()) if budget is not None else _UNLIMITED_NS
        self._peak_ns = [0] * (Kind.PUBLISH + 1)

    def add(self, kind: int, took_ns: int) -> None:
        """A stage ran once."""
        peak_ns = self._peak_ns[kind]
        self._peak_ns[kind] = max(took_ns, peak_ns - peak_ns // _DECAY)

    def reserve_ns(self, task: Task) -> int:
        """To be kept free for the mandatory stages that follow `task`: what they are expected to take, each at most its
        share. A stage that takes more than its share so costs the frame its deadline, and not others their work."""
        total_ns = 0
        for kind in _FOLLOWS[task]:
            total_ns += min(self._peak_ns[kind], self.share_ns[kind])
        return total_ns
