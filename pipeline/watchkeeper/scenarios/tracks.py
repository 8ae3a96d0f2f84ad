"""The value of every track at a time that only moves forward."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from watchkeeper.scenarios.model import Action, Track, Value

_NEVER_NS = 1 << 62


class Tracks:
    """`move_to(t_ns)`, then `tracks[Track.GAZE]`. See `Action` for which of several actions holds."""

    def __init__(self, actions: Iterable[Action]) -> None:
        numbered = sorted(enumerate(actions), key=lambda pair: (pair[1].start_ns, pair[0]), reverse=True)
        self._waiting = [(order, action) for order, action in numbered]
        # Newest first: (-start, -order, end, value). What has run out is dropped when it comes to the top.
        self._running: dict[Track, list[tuple[int, int, int, Value]]] = {track: [] for track in Track}
        self._now: dict[Track, Value] = {track: track.default for track in Track}
        self._next_end_ns = _NEVER_NS

    def __getitem__(self, track: Track) -> Value:
        return self._now[track]

    def move_to(self, t_ns: int) -> None:
        """Go to `t_ns`, which is not before the last."""
        touched = t_ns >= self._next_end_ns
        while self._waiting and self._waiting[-1][1].start_ns <= t_ns:
            order, action = self._waiting.pop()
            end_ns = _NEVER_NS if action.end_ns is None else action.end_ns
            heapq.heappush(self._running[action.track], (-action.start_ns, -order, end_ns, action.value))
            touched = True
        if touched:
            self._settle(t_ns)

    def _settle(self, t_ns: int) -> None:
        self._next_end_ns = _NEVER_NS
        for track, running in self._running.items():
            while running and running[0][2] <= t_ns:
                heapq.heappop(running)
            if running:
                self._now[track] = running[0][3]
                self._next_end_ns = min(self._next_end_ns, running[0][2])
            else:
                self._now[track] = track.default
