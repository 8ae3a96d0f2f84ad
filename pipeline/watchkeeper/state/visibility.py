"""Can the driver be seen, and if not, why. "Cannot see" is a condition of its own: it is told, and judges nobody."""

from __future__ import annotations

from watchkeeper.state import limits
from watchkeeper.types import Cause, EyeState, Measurement, Presence

_COVERED, _DARK, _BRIGHT = limits.COVERED_SHARE.value, limits.DARK_MEAN.value, limits.BRIGHT_SHARE.value
_FACE = limits.FACE_PRESENT.value
_CLEAR_NS = limits.SEEN_AGAIN_AFTER.ns
_UNMEASURED_NS = limits.UNMEASURED_AFTER.ns
_GAP_NS, _HALF_NS = limits.GAP.ns, limits.HALF_FRAME_MAX.ns
_BLIND_NS = limits.NO_FACE_AFTER.ns  # of any causes together
_KNOWN = (EyeState.OPEN, EyeState.CLOSED)

# Most certain first: of several that hold, the first is told.
_AFTER_NS = {
    Cause.CAMERA_COVERED: limits.COVERED_AFTER.ns,
    Cause.TOO_DARK: limits.LIGHT_AFTER.ns,
    Cause.TOO_BRIGHT: limits.LIGHT_AFTER.ns,
    Cause.NO_FACE: limits.NO_FACE_AFTER.ns,
    Cause.EYES_HIDDEN: limits.EYES_HIDDEN_AFTER.ns,
}


class Visibility:
    """Why the driver cannot be judged (`cause`, NONE when he can) and whether one is there (`presence`).

    Time in which no frame came is not counted: that the frames stopped is told by whoever watches for them.
    """

    __slots__ = ("_blind_ns", "_held_ns", "_last_ns", "_now", "_unmeasured_ns", "cause", "presence")

    def __init__(self) -> None:
        self.cause = Cause.NONE
        self.presence = Presence.NOT_AVAILABLE
        self._held_ns = dict.fromkeys(_AFTER_NS, 0)
        self._blind_ns = 0
        self._unmeasured_ns = 0
        self._now: Cause | None = None
        self._last_ns: int | None = None

    def step(self, m: Measurement | None, left: EyeState, right: EyeState, t_ns: int) -> None:
        """Take one frame with the eye states made of it; None when there was no frame."""
        if m is None:
            return
        dt_ns = 0 if self._last_ns is None else min(t_ns - self._last_ns, _GAP_NS)
        self._last_ns = t_ns
        now, face_seen = _condition(m, left in _KNOWN or right in _KNOWN)
        half_ns = min(dt_ns // 2, _HALF_NS)
        self._weigh_blindness(now, dt_ns)
        if now is not self._now:
            dt_ns //= 2  # it changed somewhere between the two frames
        self._now = now
        said_nothing = now is None
        self._unmeasured_ns = self._unmeasured_ns + dt_ns if said_nothing else 0
        told = Cause.NONE
        for cause, after_ns in _AFTER_NS.items():
            held_ns = self._held_ns[cause]
            if cause is now:
                # Capped, so that it is over SEEN_AGAIN_AFTER the driver is seen, however long it lasted.
                held_ns = min(held_ns + dt_ns, after_ns + _CLEAR_NS)
            elif not said_nothing:
                held_ns = max(0, held_ns - dt_ns)  # weighed, not reset: single finds in an empty seat change nothing
            self._held_ns[cause] = held_ns
            near_ns = half_ns if cause is now else -half_ns
            if told is Cause.NONE and held_ns + near_ns >= after_ns:  # told at the nearest frame
                told = cause
        if told is Cause.NONE and self._blind_ns >= _BLIND_NS:
            # Now this, now that (a fogged lens: a face in every third frame): what held longest is told.
            told = max(self._held_ns, key=lambda cause: self._held_ns[cause])
        if told is Cause.NONE and self._unmeasured_ns >= _UNMEASURED_NS:
            told = Cause.NO_FACE
        self.cause = told
        if face_seen:
            self.presence = Presence.PRESENT
        elif told is Cause.NO_FACE and now is Cause.NO_FACE:
            self.presence = Presence.ABSENT
        elif told is not Cause.NONE or self.presence is Presence.NOT_AVAILABLE:
            self.presence = Presence.UNKNOWN

    def _weigh_blindness(self, now: Cause | None, dt_ns: int) -> None:
        """Time of any causes together; half of it where sight came or went between the two frames."""
        if now is None:
            return
        if (now is Cause.NONE) is not (self._now in (None, Cause.NONE)):
            dt_ns //= 2
        if now is Cause.NONE:
            self._blind_ns = max(0, self._blind_ns - dt_ns)
        else:
            self._blind_ns = min(self._blind_ns + dt_ns, _BLIND_NS + _CLEAR_NS)


def _condition(m: Measurement, eyes_seen: bool) -> tuple[Cause | None, bool]:
    """What this frame says of itself: NONE all is seen, None it says nothing; and whether a face is there."""
    face_seen = (m.face is not None and m.face.p >= _FACE) or (m.face is None and (eyes_seen or m.head is not None))
    if eyes_seen and face_seen:
        return Cause.NONE, True
    if m.image is not None:
        if m.image.mean < _DARK:  # before covered: a black picture has no structure either, and light is what it lacks
            return Cause.TOO_DARK, face_seen
        if m.image.covered >= _COVERED:
            return Cause.CAMERA_COVERED, face_seen
        if m.image.saturated >= _BRIGHT:
            return Cause.TOO_BRIGHT, face_seen
    if not face_seen:
        return (Cause.NO_FACE if m.face_searched or m.face is not None else None), False
    return Cause.EYES_HIDDEN, True
