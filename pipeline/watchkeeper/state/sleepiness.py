"""An estimate of sleepiness, 1 to 9, named after the Karolinska scale. It is an ESTIMATE from lids, not a KSS rating.

Mapping (numbers in limits.py): PERCLOS 0 -> 3, 0.075 -> 6, 0.15 -> 8, 0.25 -> 9, linear between. The share of
closures above 500 ms among the last 30 -> 3 at none, 6 at 0.1, 8 at 0.4; the larger of PERCLOS's level and the mean of
both counts, so blinks alone never decide. From 6 on, yawning, nodding and drooping lids each add half a point: they
support a judgement and never make one. The level shown follows with hysteresis.
"""

from __future__ import annotations

import math

from watchkeeper.state import limits
from watchkeeper.state.baseline import Baseline
from watchkeeper.state.closures import Closures
from watchkeeper.state.dwell import Dwell
from watchkeeper.state.perclos import Perclos
from watchkeeper.types import Measurement

_KSS = (limits.KSS_AWAKE.value, limits.KSS_QUESTIONABLE.value, limits.KSS_DROWSY.value, limits.KSS_FIGHTING.value)
_PERCLOS = (0.0, limits.PERCLOS_QUESTIONABLE.value, limits.PERCLOS_DROWSY.value, limits.PERCLOS_FIGHTING.value)
_LONG = (0.0, limits.LONG_SHARE_QUESTIONABLE.value, limits.LONG_SHARE_DROWSY.value, 1.0)
_QUESTIONABLE, _HYSTERESIS = limits.KSS_QUESTIONABLE.value, limits.KSS_HYSTERESIS.value
_STEP, _WINDOW_NS = limits.SUPPORT_STEP.value, limits.SUPPORT_WINDOW.ns
_YAWN, _YAWN_NS, _YAWNS = limits.YAWN_OPEN.value, limits.YAWN_TIME.ns, int(limits.YAWNS_SUPPORT.value)
_NOD_DEG, _NOD_NS = limits.NOD.value, limits.NOD_CLOSED.ns
_DROOP, _DROOP_NS, _SPAN_NS = limits.DROOP.value, limits.DROOP_TIME.ns, limits.SAMPLE_SPAN_MAX.ns


class Sleepiness:
    """perclos: 0..1, None until 60 s were seen. kss: the level, None until then. long_closure_ns: see Perclos."""

    __slots__ = (
        "_baseline", "_closures", "_nod_ns", "_opening", "_perclos", "_start_pitch", "_t_ns", "_yawn",
        "_yawn_ns", "_yawning", "kss",
    )  # fmt: skip

    def __init__(self, closures: Closures, baseline: Baseline) -> None:
        self._closures, self._baseline = closures, baseline
        self._perclos = Perclos(closures)
        self._yawn = Dwell(limits.YAWN_HOLD.ns, limits.YAWN_HOLD.ns)
        self._yawn_ns: list[int] = []  # of the newest yawns, at most as many as support
        self._yawning = False
        self._nod_ns: int | None = None
        self._start_pitch: float | None = None
        self._opening = 1.0
        self._t_ns: int | None = None
        self.kss: int | None = None

    @property
    def perclos(self) -> float | None:
        """Share of valid time."""
        return self._perclos.value

    @property
    def long_closure_ns(self) -> int | None:
        """When lids were last seen shut for longer than a blink."""
        return self._perclos.long_closure_ns

    def step(self, m: Measurement | None, t_ns: int) -> None:
        """After the closures' own step of the same time."""
        self._perclos.step(t_ns)
        if m is not None:
            self._support(m, t_ns)
        share = self._perclos.value
        if share is None:
            return
        estimate = _level(share, _PERCLOS)
        if self._perclos.long_share is not None:
            estimate = max(estimate, (estimate + _level(self._perclos.long_share, _LONG)) / 2)
        if estimate >= _QUESTIONABLE:
            estimate = min(estimate + _STEP * self._signs(t_ns), _KSS[3])
        if self.kss is None or abs(estimate - self.kss) >= _HYSTERESIS:
            self.kss = round(estimate)

    def _signs(self, t_ns: int) -> int:
        yawns = len(self._yawn_ns) == _YAWNS and t_ns - self._yawn_ns[0] <= _WINDOW_NS
        nod = self._nod_ns is not None and t_ns - self._nod_ns <= _WINDOW_NS
        return yawns + nod + (self._opening < _DROOP)

    def _support(self, m: Measurement, t_ns: int) -> None:
        dt_ns = 0 if self._t_ns is None else min(t_ns - self._t_ns, _SPAN_NS)
        self._t_ns = t_ns
        mouth = m.mouth
        self._yawn.step(mouth.open >= _YAWN if mouth is not None and math.isfinite(mouth.open) else None, t_ns)
        yawning = bool(self._yawn.value) and self._yawn.duration_ns >= _YAWN_NS
        if yawning and not self._yawning:
            self._yawn_ns = [*self._yawn_ns, t_ns][-_YAWNS:]
        self._yawning = yawning
        lids, head = self._closures.lids, m.head
        pitch = head.pitch_deg if head is not None and math.isfinite(head.pitch_deg) else None
        if not lids.value:
            if not self._closures.closed_now:  # the frames that are to become a closure may show the head fallen
                self._start_pitch = pitch
        elif lids.duration_ns >= _NOD_NS and pitch is not None and self._start_pitch is not None:
            fallen_deg = self._start_pitch - pitch
            self._nod_ns = t_ns if fallen_deg >= _NOD_DEG else self._nod_ns
        if self._closures.closed_now is False:
            for eye in (m.left_eye, m.right_eye):
                if eye is not None and eye.open is not None and math.isfinite(eye.open):
                    # of what this driver's open eyes read
                    opening = min(max(eye.open / self._baseline.lids.open, 0.0), 1.0)
                    self._opening += (opening - self._opening) * dt_ns / (2 * _DROOP_NS)


def _level(value: float, scale: tuple[float, ...]) -> float:
    """The KSS that stands for `value`, linear between the points of `scale`, and the last one beyond it."""
    for k in (1, 2, 3):
        if value < scale[k]:
            share = (value - scale[k - 1]) / (scale[k] - scale[k - 1])
            return _KSS[k - 1] + share * (_KSS[k] - _KSS[k - 1])
    return _KSS[3]
