"""Which parts of the face are to be seen in a frame: grey levels where the landmarks put eyes, cheeks and mouth."""

from __future__ import annotations

import numpy as np

from watchkeeper.measure.points import Points
from watchkeeper.measure.pose_offset import RegionOffset
from watchkeeper.measure.sight import Seen, Sight, sight_regions
from watchkeeper.preprocess.backends import Preprocessor
from watchkeeper.preprocess.spec import Histogram
from watchkeeper.types import Frame, Region

_PARTS = 5  # of sight_regions


class FaceParts:
    """`step` on each frame with a face, in order of time; `reset` for another driver.

    Where to look was tuned on the full network's landmarks; the quick one's are put there by what the two differed by
    last (`note`).
    """

    def __init__(self, preprocess: Preprocessor) -> None:
        self._preprocess = preprocess
        self._levels = [np.zeros(256, np.uint32) for _ in range(_PARTS)]
        self.reset()

    def reset(self) -> None:
        """Nothing is known."""
        self._sight = Sight()
        self._offsets = [RegionOffset() for _ in range(_PARTS)]
        self.looked: list[Region] = []
        """Where the last frame's own landmarks put them."""

    def step(self, frame: Frame, points: Points, p: float, *, by_quick: bool) -> Seen:
        """points: of the frame; by_quick: the quick network's. p: its probability of a face."""
        self.looked = places = sight_regions(points)
        if by_quick:
            places = [offset.placed(place) for offset, place in zip(self._offsets, places, strict=True)]
        levels = self._levels
        for place, counts in zip(places, levels, strict=True):
            self._preprocess.statistics(frame, place, 1, counts)
        return self._sight.step((levels[0], levels[1]), (levels[2], levels[3]), levels[4], p, frame.t_ns)

    def note(self, full_points: Points, looked: list[Region]) -> None:
        """The full network's landmarks of a frame whose quick ones gave `looked`."""
        for offset, full, quick in zip(self._offsets, sight_regions(full_points), looked, strict=True):
            offset.note(full, quick)

    def cheeks(self) -> Histogram:
        """Grey levels, (256,) counts, of both cheeks in the last frame."""
        counts: Histogram = np.add(self._levels[2], self._levels[3])
        return counts
