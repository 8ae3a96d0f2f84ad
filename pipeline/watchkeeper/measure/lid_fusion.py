"""Lids of one eye from two witnesses: the lid contour of the landmarks, and the eye network's picture of the eye.

The network is there on every frame, the contour only on those the full landmark network ran on. In between the network
is corrected by what the two differed by last. Where they contradict each other, or an undecided network has no contour
near it for longer than lids take to pass the middle, the opening is not known.
"""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.measure.baseline import OpenLid
from watchkeeper.measure.eye_patch import EyeReading
from watchkeeper.measure.eyes import EyeShape
from watchkeeper.measure.lids import LidJudge, gaze_fall
from watchkeeper.types import Eye

# One standard deviation where the eye is seen well, of the driver's own opening.
_NETWORK_STD, _CONTOUR_STD = 0.10, 0.10
_TORN_STD = 0.30  # more, in the middle between open and closed
_TURNED_STD = 0.30  # more of the contour on an eye seen from the side: the landmarks' lids are guesses there

SURE_OPEN, SURE_CLOSED = 0.3, 0.7  # of p(closed): between them the network does not say
_OPEN_AT_LEAST, _CLOSED_AT_MOST = 0.30, 0.15  # no opening goes further against a network that is sure
_CONTRADICTION = 0.55  # of the opening: two witnesses so far apart say nothing
_TORN_FOR_NS = 300_000_000
_AGREE = 0.25  # of the opening: a contour this near says what an undecided network cannot
_CARRIED = 0.15  # a correction holds while the network's own opening has moved by less than this

_OWN_GAP_MM = 7.5  # lid gap of an alert eye: the rendered people's mean, 4 to 11
_LEAST_OWN_MM = 3.0
_HIDDEN, _SEEN = 0.05, 0.25  # of the network's p(visible): below, something is before the eye


@dataclass(frozen=True, slots=True)
class Opening:
    """How far open, 0..1 of the driver's own, and one standard deviation."""

    value: float
    std: float


def network_opening(reading: EyeReading, own_gap_mm: float, down_deg: float) -> Opening:
    """What the network alone says. own_gap_mm: the gap of this driver's alert eye; down_deg: his look down, or 0."""
    share = reading.gap_mm / own_gap_mm
    value = max(0.0, min(1.0, share / (1.0 - gaze_fall(share, down_deg))))
    if reading.p_closed >= SURE_CLOSED:
        value = min(value, _CLOSED_AT_MOST)
    elif reading.p_closed <= SURE_OPEN:
        value = max(value, _OPEN_AT_LEAST)
    return Opening(value, _NETWORK_STD + _TORN_STD * 4.0 * reading.p_closed * (1.0 - reading.p_closed))


def fused(network: Opening, contour: Opening) -> Opening:
    """Both, each by its inverse variance; the result is no surer than the two agree."""
    a, b = 1.0 / network.std**2, 1.0 / contour.std**2
    value = (a * network.value + b * contour.value) / (a + b)
    return Opening(value, max((1.0 / (a + b)) ** 0.5, abs(network.value - contour.value) / 2.0))


class LidFusion:
    """One eye over time: `full` on frames with a lid contour, `between` on those without."""

    def __init__(self) -> None:
        self.judge = LidJudge()
        self.own_gap = OpenLid(_OWN_GAP_MM, _LEAST_OWN_MM)
        self._correction = 0.0
        self._corrected_at = 0.0
        self._unknown_from_above = False
        self._supported = False
        self._torn_since_ns: int | None = None

    def lost(self) -> None:
        """The eye is out of sight: what was believed of it is over."""
        self.judge.lost()
        self._correction, self._unknown_from_above, self._torn_since_ns = 0.0, False, None
        self._supported = False

    def teach(self, reading: EyeReading, dt_s: float) -> None:
        """The eye is seen well from near its front: its gap belongs to this driver's baseline, if it is open."""
        if reading.p_closed <= SURE_OPEN:
            self.own_gap.step(reading.gap_mm, dt_s)

    def full(
        self,
        shape: EyeShape,
        baseline_mm: float,
        down_deg: float,
        turn_deg: float,
        reading: EyeReading | None,
        t_ns: int,
    ) -> Eye:
        """The eye on a frame with landmarks of its lids. turn_deg: angle between the face and the way to the camera."""
        contour = self.judge.step(shape, baseline_mm, down_deg, t_ns)
        contour_std = _CONTOUR_STD + _TURNED_STD * min(abs(turn_deg) / 45.0, 1.0)
        if reading is None:
            return Eye(contour.open, contour.aperture_mm, contour.p_visible, contour_std)
        network = network_opening(reading, self.own_gap.value_mm, down_deg)
        self._unknown_from_above = contour.open is None
        self._supported = contour.open is not None and abs(network.value - contour.open) < _AGREE
        if contour.open is None:
            self._correction = 0.0
            return self._between(shape, reading, network, t_ns)
        if abs(network.value - contour.open) > _CONTRADICTION:
            self._correction = 0.0
            return Eye(None, reading.gap_mm, _visible(shape.p_visible, reading))
        both = fused(network, Opening(contour.open, contour_std))
        self._correction, self._corrected_at = both.value - network.value, network.value
        return self._told(both, shape, reading, t_ns)

    def between(self, shape: EyeShape, down_deg: float, reading: EyeReading, t_ns: int) -> Eye:
        """The eye on a frame without: the network alone. shape: of the last frame with landmarks."""
        return self._between(shape, reading, network_opening(reading, self.own_gap.value_mm, down_deg), t_ns)

    def _between(self, shape: EyeShape, reading: EyeReading, network: Opening, t_ns: int) -> Eye:
        if self._unknown_from_above and reading.p_closed > SURE_OPEN:
            return Eye(None, reading.gap_mm, min(_visible(shape.p_visible, reading), 0.4))
        value = network.value
        if abs(value - self._corrected_at) < _CARRIED:
            value = max(0.0, min(1.0, value + self._correction))
        return self._told(Opening(value, network.std), shape, reading, t_ns)

    def _told(self, opening: Opening, shape: EyeShape, reading: EyeReading, t_ns: int) -> Eye:
        torn = SURE_OPEN < reading.p_closed < SURE_CLOSED and not self._supported
        if not torn:
            self._torn_since_ns = None
        elif self._torn_since_ns is None:
            self._torn_since_ns = t_ns
        visible = _visible(shape.p_visible, reading)
        if self._torn_since_ns is not None and t_ns - self._torn_since_ns > _TORN_FOR_NS:
            return Eye(None, reading.gap_mm, visible)
        return Eye(opening.value, reading.gap_mm, visible, opening.std)


def _visible(from_pose: float, reading: EyeReading) -> float:
    return min(from_pose, max(0.0, min(1.0, (reading.p_visible - _HIDDEN) / (_SEEN - _HIDDEN))))
