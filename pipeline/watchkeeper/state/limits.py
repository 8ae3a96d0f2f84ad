"""Every number the driver is judged by: value, unit, source, confidence. Nothing else in `state` holds a threshold.

Timings are *after* the documents named; conformity with none of them is claimed. The figures were read in secondary
documents that quote the primary text. Confidence: "A" several independent sources agree, "B" one careful source,
"C" weak or general knowledge, "own" chosen here, with the reason in `source`.

Numbers called "own" follow from noise and frame rates the machine must bear (10 to 60 frames/s, one frame in five
lost) and from the order of human blinks and fixations; none is fitted to single clips.
"""

from __future__ import annotations

from dataclasses import dataclass

_NS_PER_UNIT = {"s": 1_000_000_000, "ms": 1_000_000}

_NCAP_2026 = "Euro NCAP driver state monitoring 2026 v1.1/1.2"
_ADDW = "Delegated Regulation (EU) 2023/2590 (ADDW)"


@dataclass(frozen=True, slots=True)
class Limit:
    """One threshold with where it comes from."""

    value: float
    unit: str
    source: str
    confidence: str

    @property
    def ns(self) -> int:
        """The value in nanoseconds; only for limits in s or ms (KeyError otherwise)."""
        return round(self.value * _NS_PER_UNIT[self.unit])


# --- what is warned, profile euroncap-2026 ----------------------------------------------------------------------------

NCAP26_LONG_DISTRACTION = Limit(
    3.5, "s",
    f"{_NCAP_2026}: long distraction, one glance away for 3-4 s; 3.5 s is the middle of that window, which leaves the "
    f"most room on both sides of it, and the figure {_ADDW} 3.3.2.1 gives for fast driving",
    "B",
)  # fmt: skip
NCAP26_MICROSLEEP = Limit(1.0, "s", f"{_NCAP_2026}: microsleep, closure of 1-2 s", "B")
NCAP26_SLEEP = Limit(3.0, "s", f"{_NCAP_2026}: sleep, closure of 3 s or more", "B")
NCAP26_UNRESPONSIVE = Limit(6.0, "s", f"{_NCAP_2026}: unresponsive, closed for 6 s or more", "B")
NCAP26_ACTIVE_FROM = Limit(20.0, "km/h", f"{_NCAP_2026}: active from 20 km/h for these four states", "B")
NCAP26_CLEAR_DISTRACTION = Limit(
    1.0, "s", f"{_NCAP_2026}: end of warning, 1 s of gaze ahead", "B",
)  # fmt: skip
NCAP26_CLEAR_SLEEP = Limit(
    2.0, "s",
    f"{_NCAP_2026}: end of warning, 1 s of gaze ahead, '2 s after a transient state'. Read here as: a glance back "
    "reverses distraction at once, so 1 s ends it; lids that have just opened fall shut again, so the longer time is "
    "asked for after a microsleep, sleep or unresponsiveness. The stricter of the two readings for each",
    "B",
)  # fmt: skip

# --- when the profile judges ------------------------------------------------------------------------------------------

ACTIVE_HYSTERESIS = Limit(
    2.0, "km/h", "own: traffic that rolls at the threshold must not switch the system at every step of speed; "
    f"{_ADDW} lets systems be silent below 20 km/h but does not ask for it", "own",
)  # fmt: skip
VEHICLE_HOLD = Limit(500, "ms", "trace contract: vehicle signals keep their last value 500 ms, then are missing", "A")

# --- lids -------------------------------------------------------------------------------------------------------------

LID_CLOSED = Limit(
    0.25, "of the open eye",
    "after P80 (Wierwille DOT HS 808 247: lids 80 % closed or more), with 0.05 added for measurement noise", "A",
)  # fmt: skip
LID_REOPENED = Limit(0.40, "of the open eye", "own: three times the usual lid noise (0.05) above LID_CLOSED", "own")
LID_CLOSED_LOOKING_DOWN = Limit(
    0.10, "of the open eye",
    "own: the upper lid follows the gaze down and costs 0.75-0.93 % of the opening per degree, about 0.4 at 48 deg; "
    "only lids that meet are closed then", "own",
)  # fmt: skip
LID_REOPENED_LOOKING_DOWN = Limit(0.20, "of the open eye", "own: LID_CLOSED_LOOKING_DOWN plus twice the noise", "own")
MOUTH_YAWNING = Limit(
    0.5, "of the widest",
    "own: yawning squeezes the lids together for about 6 s without sleep; talking opens the mouth to 0.3 at most. From "
    "here on only lids that meet (LID_CLOSED_LOOKING_DOWN) are closed", "own",
)  # fmt: skip
EYE_VISIBLE = Limit(0.5, "probability", "own: an eye is judged when it is more likely seen than not", "own")
LID_HOLD = Limit(
    150, "ms", "own: one wrong frame at 10 frames/s must not count, and blinks last 100-400 ms (Wilkinson 2013)", "own"
)
BLINK = Limit(500, "ms", "blink 100-400 ms, drowsy above 500 ms (Wilkinson 2013); PERCLOS leaves out < 400-500 ms", "B")

# --- gaze -------------------------------------------------------------------------------------------------------------

ZONE_HYSTERESIS = Limit(2.5, "deg", "own: half the usual noise of a single gaze sample", "own")
NEAREST_ZONE = Limit(10.0, "deg", "own: how far beside a zone a look is still reported as that zone", "own")
AWAY_HOLD = Limit(
    150, "ms", "own: as LID_HOLD; shorter than the glances people make (mirror glances 0.75-1.10 s)", "own"
)
RETURN_HOLD = Limit(
    300, "ms",
    f"{_ADDW} 3.3.2.4: a short out-and-in glance must not reset the timer; no length is given. Own: 300 ms, about one "
    "fixation (ISO 15007: 100-2,000 ms), too short to have taken the road in", "own",
)  # fmt: skip
GAZE_USABLE_STD = Limit(15.0, "deg", "own: wider than the road zone itself (14 deg), so it decides nothing", "own")
HEAD_USABLE_STD = Limit(20.0, "deg", "own: as GAZE_USABLE_STD; heads turn less than the gaze they carry", "own")
GAZE_DOWN = Limit(-25.0, "deg", f"own: below the cluster, towards area 3 of {_ADDW} (30 deg down)", "own")
HEAD_DOWN = Limit(
    -20.0, "deg", "own: normal driving nods 2-8 deg, a nod of drowsiness 12-20 deg (reference table)", "C"
)
DOWN_HOLD = Limit(300, "ms", "own: longer than lids take to fall, whose shadow pulls the measured gaze down", "own")

# --- gaps in the data -------------------------------------------------------------------------------------------------

SAMPLE_SPAN_MAX = Limit(200, "ms", "own: one sample speaks for at most this long (10 frames/s, one lost)", "own")
GAP = Limit(500, "ms", "own: up to here the state before and after a gap is taken to have lasted through it", "own")
FORGET = Limit(2.0, "s", "own: what was so 2 s before and has not been seen since says nothing of now", "own")
UNSEEN_END_DISTRACTION = Limit(10.0, "s", f"{_NCAP_2026}: degraded is told within 10 s; it takes over then", "own")
UNSEEN_END_SLEEP = Limit(30.0, "s", "own: a driver who slid out of view asleep is warned longer", "own")

# --- warnings ---------------------------------------------------------------------------------------------------------

ESCALATE_UNANSWERED = Limit(3.0, "s", "Euro NCAP 2023 v10.4: no return in 3 s after the warning; ADDW 3.4: rises", "B")

# --- can the driver be seen -------------------------------------------------------------------------------------------

COVERED_SHARE = Limit(0.7, "of the picture", "own: less is a hand or a wheel rim passing through", "own")
DARK_MEAN = Limit(12.0, "grey level of 255", "own: near the black level of 8-bit video (16 in limited range)", "own")
BRIGHT_SHARE = Limit(0.5, "of the picture", "own: half the picture without any structure left", "own")
FACE_PRESENT = Limit(0.5, "probability", "own: a face more likely there than not", "own")
COVERED_AFTER = Limit(1.0, "s", f"{_NCAP_2026}: within 10 s; sooner because it is unambiguous", "own")
LIGHT_AFTER = Limit(2.0, "s", f"{_NCAP_2026}: within 10 s; longer than a shadow or a low sun at a bend", "own")
NO_FACE_AFTER = Limit(2.0, "s", f"{_NCAP_2026}: within 10 s; longer than a look over the shoulder", "own")
EYES_HIDDEN_AFTER = Limit(5.0, "s", f"{_NCAP_2026}: within 10 s; longer than a hand rubbing the eyes", "own")
UNMEASURED_AFTER = Limit(8.0, "s", f"{_NCAP_2026}: within 10 s, when frames come but say nothing of a driver", "own")
SEEN_AGAIN_AFTER = Limit(0.5, "s", "own: a condition that comes and goes is one condition", "own")

# --- bookkeeping ------------------------------------------------------------------------------------------------------

CALIBRATION_TIME = Limit(60.0, "s", f"{_ADDW}: tests start after 60 s judged attentive", "B")
GAZE_GOOD_STD = Limit(6.0, "deg", "own: up to here a single sample tells road from cluster (17 deg apart)", "own")
