"""What is normal for this driver, learned while he drives attentively: numbers only, no picture and no identity."""

from __future__ import annotations

import math

from watchkeeper.errors import BadInputError
from watchkeeper.state import limits
from watchkeeper.state.histogram import TimeHistogram
from watchkeeper.state.lid_readings import LidReading, LidReadings
from watchkeeper.types import DriverBaseline, Eye, Face, Measurement

_ENOUGH_NS, _FIRST_NS = limits.CALIBRATION_TIME.ns, limits.BASELINE_FIRST.ns
_SPAN_NS, _GAP_NS = limits.SAMPLE_SPAN_MAX.ns, limits.GAP.ns
_BUCKET_NS = limits.BASELINE_REFRESH.ns
_FROM_KPH = limits.BASELINE_FROM.value
_ANGLE_DEG = limits.BASELINE_ANGLE.value
_FACE_PX = limits.BASELINE_FACE.value
_OTHER_OPEN, _OTHER_DEG, _OTHER_SIZE = (
    limits.OTHER_OPENING.value, limits.OTHER_HEAD.value, limits.OTHER_FACE_SIZE.value,
)  # fmt: skip
_SHIFT_DEG, _LEAN = limits.NEUTRAL_SHIFT_MAX.value, limits.LEAN.value
_OPEN_MAX, _VISIBLE = limits.OPEN_READING_MAX.value, limits.EYE_VISIBLE.value


_ANGLES = "head_yaw_deg", "head_pitch_deg", "gaze_yaw_deg", "gaze_pitch_deg"
_PLACE = "face_px", "face_x_px", "face_y_px"
_MEDIANS = (*_ANGLES, "opening", *_PLACE)
_BOUNDS: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("first_open", "first_closed", "second_open", "second_closed", "opening"), (0.0, _OPEN_MAX)),
    **dict.fromkeys(_ANGLES, (-_ANGLE_DEG, _ANGLE_DEG)),
    **dict.fromkeys(_PLACE, (0.0, _FACE_PX)),
    "present": (0, 1),
    "learned_ns": (0, 2 * _ENOUGH_NS),
}


class _Posture:
    """Medians over attentive time, as _MEDIANS names them."""

    __slots__ = ("_histograms", "learned_ns", "medians")

    def __init__(self) -> None:
        angles = [TimeHistogram(-_ANGLE_DEG, _ANGLE_DEG) for _ in ("head yaw", "head pitch", "gaze yaw", "gaze pitch")]
        self._histograms = [*angles, TimeHistogram(0.0, _OPEN_MAX)]
        self._histograms += [TimeHistogram(0.0, _FACE_PX) for _ in ("height", "x", "y")]
        self.medians: list[float | None] = [None] * len(self._histograms)
        self.learned_ns = 0

    def learn(self, m: Measurement, opening: float | None, dt_ns: int) -> None:
        head, gaze, face = m.head, m.gaze, m.face
        box = face.box_px if face is not None else None
        values = (
            head.yaw_deg if head is not None else None,
            head.pitch_deg if head is not None else None,
            gaze.yaw_deg if gaze is not None else None,
            gaze.pitch_deg if gaze is not None else None,
            opening,
            box[3] if box is not None else None,
            box[0] + box[2] / 2 if box is not None else None,
            box[1] + box[3] / 2 if box is not None else None,
        )
        for histogram, value in zip(self._histograms, values, strict=True):
            if value is not None and math.isfinite(value):
                histogram.add(value, dt_ns)
        before_ns = self.learned_ns
        self.learned_ns += dt_ns
        # now and then: medians of a minute do not move between frames
        if self.learned_ns // _BUCKET_NS != before_ns // _BUCKET_NS:
            self.medians = [histogram.median() for histogram in self._histograms]

    def restore(self, medians: list[float | None], learned_ns: int) -> None:
        """Go on from medians that stand for `learned_ns`."""
        self.medians, self.learned_ns = medians, learned_ns
        for histogram, value in zip(self._histograms, medians, strict=True):
            if value is not None:
                histogram.add(value, learned_ns)


class Baseline:
    """Learned in attentive driving from `limits.BASELINE_FROM` on, frozen after `limits.CALIBRATION_TIME` of it, kept
    through blinks, closures, glances and stops. lids: the readings that closures are judged by.

    When the face was gone and the next attentive time shows another posture, opening or size of the face, another
    driver sits there and everything is learned anew. A driver who only sits differently is learned anew too, which
    costs a minute of learning and nothing else.
    """

    __slots__ = ("_candidate", "_learning", "_posture", "_t_ns", "lids")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self.lids = LidReadings()
        self._posture = _Posture()
        self._candidate: _Posture | None = None
        self._learning = False
        self._t_ns: int | None = None

    @property
    def progress_pct(self) -> float:
        """Share of the attentive time that is needed, 0..100."""
        return min(100.0, 100.0 * self._posture.learned_ns / _ENOUGH_NS)

    @property
    def head_pitch_deg(self) -> float:
        """Neutral pitch of the head, 0 (straight) while not known."""
        pitch = self._posture.medians[1]
        return 0.0 if pitch is None or self._posture.learned_ns < _FIRST_NS else pitch

    @property
    def neutral_gaze(self) -> tuple[float, float]:
        """Yaw and pitch that a look straight ahead reads, degrees, at most `limits.NEUTRAL_SHIFT_MAX` each."""
        return self._neutral(2), self._neutral(3)

    @property
    def neutral_head(self) -> tuple[float, float]:
        """The same of the head."""
        return self._neutral(0), self._neutral(1)

    def _neutral(self, k: int) -> float:
        value = self._posture.medians[k]
        if value is None or self._posture.learned_ns < _FIRST_NS:
            return 0.0
        return min(max(value, -_SHIFT_DEG), _SHIFT_DEG)

    def leans(self, face: Face) -> bool | None:
        """Is the head well beside or below where this driver's usually is; None while that is not known."""
        height, usual_x, usual_y = self._posture.medians[-3:]
        if height is None or usual_x is None or usual_y is None or self._posture.learned_ns < _FIRST_NS:
            return None
        x, y, w, h = face.box_px
        beside, below = abs(x + w / 2 - usual_x), y + h / 2 - usual_y
        return max(beside, below) > _LEAN * height if math.isfinite(beside) and math.isfinite(below) else None

    @property
    def numbers(self) -> DriverBaseline:
        """What is known now, to be handed to `restore`."""
        first, second = self.lids.known
        posture = self._posture
        yaw, pitch, gaze_yaw, gaze_pitch, opening, face, x, y = posture.medians
        return DriverBaseline(
            first.open, first.closed, second.open, second.closed, self.lids.present,
            yaw, pitch, gaze_yaw, gaze_pitch, opening, face, x, y, posture.learned_ns,
        )  # fmt: skip

    def restore(self, numbers: DriverBaseline) -> None:
        """Go on from numbers learned before. Whether they are this driver's is found out in the first attentive time,
        as after the face was gone. Raises BadInputError for what cannot have been learned."""
        for name, (low, high) in _BOUNDS.items():
            value = getattr(numbers, name)
            if value is not None and not low <= value <= high:
                raise BadInputError(f"baseline: {name}: {value}; expected {low:g} to {high:g}")
        self.reset()
        first = LidReading(numbers.first_open, numbers.first_closed)
        second = LidReading(numbers.second_open, numbers.second_closed)
        self.lids = LidReadings((first, second), numbers.present)
        self._posture.restore([getattr(numbers, name) for name in _MEDIANS], numbers.learned_ns)
        self._candidate = _Posture()

    def step(self, m: Measurement | None, attentive: bool, speed_kph: float | None, face_lost: bool, t_ns: int) -> None:
        """Take one frame; None when there was none.

        attentive: by the rules, apart from a blink: gaze ahead, awake, not sleepy, nothing warned of. face_lost: no
        driver has been seen for a while.
        """
        last_ns, self._t_ns = self._t_ns, t_ns
        if face_lost and self._candidate is None:
            self._candidate = _Posture()
        if m is None:
            return
        opening = _opening(m)
        learning = attentive and speed_kph is not None and abs(speed_kph) >= _FROM_KPH
        self.lids.step(opening, learning, t_ns)
        learned, self._learning = self._learning, learning and opening is not None and not self.lids.is_blink
        if not self._learning or last_ns is None or opening is None:
            return
        # A gap with the same at both its ends counts as a whole.
        dt_ns = min(t_ns - last_ns, _GAP_NS if learned else _SPAN_NS)
        if self._candidate is not None:
            self._candidate.learn(m, opening, dt_ns)
            if self._candidate.learned_ns < _FIRST_NS:
                return
            candidate, self._candidate = self._candidate, None
            if self._is_other(candidate):
                self.lids, self._posture = LidReadings(), candidate
            return
        self.lids.learn_open(opening, dt_ns)
        if self._posture.learned_ns < _ENOUGH_NS:
            self._posture.learn(m, opening, dt_ns)

    def _is_other(self, candidate: _Posture) -> bool:
        if self._posture.learned_ns < _FIRST_NS:
            return True  # too little is known of the one before
        yaw, pitch, _, _, opening, face, _, _ = zip(self._posture.medians, candidate.medians, strict=True)
        opens = [reading.open for reading in self.lids.known if reading.open is not None]
        return (
            _differ(yaw, _OTHER_DEG)
            or _differ(pitch, _OTHER_DEG)
            or (_differ(opening, _OTHER_OPEN) and all(_differ((value, opening[1]), _OTHER_OPEN) for value in opens))
            or _differ(face, _OTHER_SIZE * (face[0] or 0.0))
        )


def _differ(pair: tuple[float | None, float | None], by: float) -> bool:
    before, now = pair
    return before is not None and now is not None and abs(before - now) > by


def _opening(m: Measurement) -> float | None:
    """Of the more open of the eyes that are seen (one eye shut is a wink), None when none is."""
    return max((value for value in (_seen(m.left_eye), _seen(m.right_eye)) if value is not None), default=None)


def _seen(eye: Eye | None) -> float | None:
    if eye is None or eye.open is None or not math.isfinite(eye.open):
        return None
    return None if eye.p_visible is not None and not eye.p_visible >= _VISIBLE else eye.open
