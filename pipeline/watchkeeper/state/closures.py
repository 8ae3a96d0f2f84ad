"""Are the lids closed, and for how long: per eye with hysteresis, then both together over time."""

from __future__ import annotations

import math

from watchkeeper.state import limits
from watchkeeper.state.dwell import Dwell
from watchkeeper.types import Eye, EyeState, Measurement

_CLOSED, _REOPENED = limits.LID_CLOSED.value, limits.LID_REOPENED.value
_CLOSED_DOWN, _REOPENED_DOWN = limits.LID_CLOSED_LOOKING_DOWN.value, limits.LID_REOPENED_LOOKING_DOWN.value
_YAWNING = limits.MOUTH_YAWNING.value
_VISIBLE = limits.EYE_VISIBLE.value
_GAZE_DOWN_DEG, _HEAD_DOWN_DEG = limits.GAZE_DOWN.value, limits.HEAD_DOWN.value


class Closures:
    """Lids over time.

    left, right: state of each eye now. closed_now: both eyes closed, or the only visible one; None when no lid is
    seen. A wink is not a closure. `lids`: the same over time (value True = closed), which is what rules judge.
    `asleep`: the same without blinks (value False = awake, blinking or not), by which warnings end.

    A look far down lowers the lids without closing them: then only lids that meet count as closed. That look has to
    come first; lids that were closed before the head sank stay closed. A yawn squeezes the lids: the same holds then.
    """

    __slots__ = ("_down", "_left_shut", "_right_shut", "asleep", "closed_now", "left", "lids", "right")

    def __init__(self) -> None:
        self.left = self.right = EyeState.NOT_AVAILABLE
        self.closed_now: bool | None = None
        self.lids = Dwell(limits.LID_HOLD.ns, limits.LID_HOLD.ns)
        self.asleep = Dwell(limits.BLINK.ns, limits.LID_HOLD.ns)
        self._down = Dwell(limits.DOWN_HOLD.ns, limits.DOWN_HOLD.ns)
        self._left_shut = self._right_shut = False

    def step(self, measurement: Measurement | None, t_ns: int) -> None:
        """Take one frame's lids; None when there was no frame."""
        if measurement is None:
            self.closed_now = None
            self.lids.step(None, t_ns)
            self.asleep.step(None, t_ns)
            self._down.step(None, t_ns)
            return
        gaze, head = measurement.gaze, measurement.head
        gaze_down = gaze is not None and gaze.pitch_deg < _GAZE_DOWN_DEG
        yawning = measurement.mouth is not None and measurement.mouth.open >= _YAWNING
        close_at = _CLOSED_DOWN if self._down.value or yawning else _CLOSED
        open_at = _REOPENED_DOWN if gaze_down or yawning else _REOPENED
        self.left = _state(measurement.left_eye, self._left_shut, close_at, open_at)
        self.right = _state(measurement.right_eye, self._right_shut, close_at, open_at)
        self._left_shut = self.left is EyeState.CLOSED
        self._right_shut = self.right is EyeState.CLOSED
        if EyeState.OPEN in (self.left, self.right):
            self.closed_now = False
        elif self._left_shut or self._right_shut:
            self.closed_now = True
        else:
            self.closed_now = None
        self.lids.step(self.closed_now, t_ns)
        self.asleep.step(self.closed_now, t_ns)
        down: bool | None = None
        if not self.closed_now:  # behind closed lids the direction of the eyes is not known
            down = gaze_down if gaze is not None else head.pitch_deg < _HEAD_DOWN_DEG if head is not None else None
        self._down.step(down, t_ns)


def _state(eye: Eye | None, shut: bool, close_at: float, open_at: float) -> EyeState:
    if eye is None:
        return EyeState.NOT_AVAILABLE
    opening, p_visible = eye.open, eye.p_visible
    if opening is None or not math.isfinite(opening) or (p_visible is not None and not p_visible >= _VISIBLE):
        return EyeState.UNKNOWN
    return EyeState.CLOSED if opening <= close_at or (shut and opening < open_at) else EyeState.OPEN
