"""How far one eye is open, 0 to 1 of this driver's alert eye, and when that cannot be said."""

from __future__ import annotations

from watchkeeper.measure.eyes import EyeShape
from watchkeeper.types import Eye

# What the network leaves between lids that meet, as a share of the open gap: 0 to 0.1 from the front, up to 0.28 on the
# far eye of a head turned by 40 degrees.
_CLOSED_SHARE = 0.12

# A look down lowers the lids by about one percent a degree; that is taken out again.
_FALL_PER_DEG = 0.008
_FALL_LIMIT = 0.30
_FALL_FROM, _FALL_WHOLE = 0.45, 0.70  # of the open gap: below, the iris behind the lids says nothing of the gaze

# Seen from above the face's own level, lids lowered to look down cover the eye as closed lids do. From there only an
# open eye is believed; a closed one only if it was seen to close, and stayed so for longer than a blink, before.
_FROM_ABOVE_DEG = 13.0
_OPEN_AGAIN, _NEARLY_CLOSED = 0.50, 0.40
_BELIEVED_AFTER_NS = 450_000_000


def gaze_fall(share: float, down_deg: float) -> float:
    """The part of an open gap that a look `down_deg` down has taken from it, by what is left of it (`share`)."""
    seen = max(0.0, min(1.0, (share - _FALL_FROM) / (_FALL_WHOLE - _FALL_FROM)))
    return seen * min(_FALL_PER_DEG * max(down_deg, 0.0), _FALL_LIMIT)


class LidJudge:
    """Opening of one eye over time."""

    def __init__(self) -> None:
        self._closed_since_ns: int | None = None
        self._believed = False

    def step(self, shape: EyeShape, baseline_mm: float, down_deg: float, t_ns: int) -> Eye:
        """The eye at t_ns. down_deg: how far this eye looks down in the head, 0 when not or not known."""
        share = shape.aperture_mm / baseline_mm
        opening = (share / (1.0 - gaze_fall(share, down_deg)) - _CLOSED_SHARE) / (1.0 - _CLOSED_SHARE)
        opening = max(0.0, min(1.0, opening))
        aperture_mm = max(0.0, shape.aperture_mm)
        from_above = shape.camera_up_deg > _FROM_ABOVE_DEG
        if opening >= _OPEN_AGAIN:
            self._closed_since_ns, self._believed = None, False
        elif opening < _NEARLY_CLOSED and not from_above and shape.p_visible >= 0.5:
            if self._closed_since_ns is None:
                self._closed_since_ns = t_ns
            self._believed = self._believed or t_ns - self._closed_since_ns >= _BELIEVED_AFTER_NS
        elif from_above and not self._believed:
            self._closed_since_ns = None
        if from_above and opening < _OPEN_AGAIN and not self._believed:
            return Eye(None, aperture_mm, min(shape.p_visible, 0.4))
        return Eye(opening, aperture_mm, shape.p_visible)

    def lost(self) -> None:
        """The eye is out of sight: what was believed of it is over."""
        self._closed_since_ns, self._believed = None, False
