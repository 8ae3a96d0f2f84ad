"""Are the lids closed, and for how long: per eye with hysteresis, then both together over time."""

from __future__ import annotations

import math

from watchkeeper.state import limits
from watchkeeper.state.baseline import Baseline
from watchkeeper.state.dwell import Dwell
from watchkeeper.types import Eye, EyeState, Measurement

_CLOSED, _REOPENED = limits.LID_CLOSED.value, limits.LID_REOPENED.value
_CLOSED_DOWN, _REOPENED_DOWN = limits.LID_CLOSED_LOOKING_DOWN.value, limits.LID_REOPENED_LOOKING_DOWN.value
_YAWNING = limits.MOUTH_YAWNING.value
_VISIBLE = limits.EYE_VISIBLE.value
_GLANCE_DEG, _GLANCE_NS = limits.GLANCE_DOWN_HEAD.value, limits.GLANCE_DOWN_LOOK.ns
_ANGLE_DEG = limits.GLANCE_DOWN_RANGE.value
_PITCH_NS, _SPAN_NS = limits.BASELINE_REFRESH.ns, limits.SAMPLE_SPAN_MAX.ns
_GAZE_DOWN_DEG, _HEAD_DOWN_DEG = limits.GAZE_DOWN.value, limits.HEAD_DOWN.value


class Closures:
    """Lids over time.

    left, right: state of each eye now. closed_now: both eyes closed, or the only visible one; None when no lid is
    seen. A wink is not a closure. `lids`: the same over time (value True = closed), which is what rules judge.
    `asleep`: the same without blinks (value False = awake, blinking or not), by which warnings end.

    A look far down lowers the lids without closing them: then only lids that meet count as closed. That look has to
    come first; lids that were closed before the head sank stay closed. A yawn squeezes the lids: the same holds then.

    squeezed: by a yawn in this frame.

    glance_down: as the present closure began the head pitched down, which is what a look down does and also a nod: the
    lids count as closed all the same, and rules may wait a little longer (`limits.GLANCE_DOWN_LONGEST`).

    baseline: how this driver's lids read, by which the thresholds are moved.
    """

    __slots__ = (
        "_baseline", "_down", "_fall", "_fall_ns", "_left_shut", "_pitch", "_right_shut", "_shut_ns", "_t_ns", "asleep",
        "closed_now", "glance_down", "left", "lids", "right", "squeezed",
    )  # fmt: skip

    def __init__(self, baseline: Baseline | None = None) -> None:
        self._baseline = baseline if baseline is not None else Baseline()
        self.glance_down = self.squeezed = False
        self._pitch: float | None = None  # of the head while the lids were open, degrees
        self._fall, self._fall_ns = 0.0, 0  # of the head in the first part of this closure, degrees times ns, and ns
        self._shut_ns: int | None = None
        self._t_ns: int | None = None
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
        self.squeezed = yawning
        reads = self._baseline.lids.threshold
        close_at = reads(_CLOSED_DOWN if self._down.value or yawning else _CLOSED)
        open_at = reads(_REOPENED_DOWN if gaze_down or yawning else _REOPENED)
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
            if gaze is not None:
                down = gaze_down
            elif head is not None:
                down = head.pitch_deg - self._baseline.head_pitch_deg < _HEAD_DOWN_DEG
        self._down.step(down, t_ns)
        if head is not None and math.isfinite(head.pitch_deg):
            self._nod(min(max(head.pitch_deg, -_ANGLE_DEG), _ANGLE_DEG), t_ns)

    def _nod(self, pitch_deg: float, t_ns: int) -> None:
        dt_ns = 0 if self._t_ns is None else min(t_ns - self._t_ns, _SPAN_NS)
        self._t_ns = t_ns
        if self.closed_now is False:
            before = self._pitch
            self._pitch = pitch_deg if before is None else before + (pitch_deg - before) * dt_ns / (_PITCH_NS + dt_ns)
            if not self.lids.value:
                self._shut_ns, self._fall, self._fall_ns, self.glance_down = None, 0.0, 0, False
        elif self.closed_now and self._pitch is not None:
            if self._shut_ns is None:
                self._shut_ns = t_ns
            if t_ns - self._shut_ns <= _GLANCE_NS:
                self._fall += (self._pitch - pitch_deg) * max(dt_ns, 1)
                self._fall_ns += max(dt_ns, 1)
                self.glance_down = self._fall > _GLANCE_DEG * self._fall_ns


def _state(eye: Eye | None, shut: bool, close_at: float, open_at: float) -> EyeState:
    if eye is None:
        return EyeState.NOT_AVAILABLE
    opening, p_visible = eye.open, eye.p_visible
    if opening is None or not math.isfinite(opening) or (p_visible is not None and not p_visible >= _VISIBLE):
        return EyeState.UNKNOWN
    return EyeState.CLOSED if opening <= close_at or (shut and opening < open_at) else EyeState.OPEN
