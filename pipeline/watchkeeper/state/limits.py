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
_NCAP_2023 = "Euro NCAP driver state monitoring 2023 v10.4"
_ADDW = "Delegated Regulation (EU) 2023/2590 (ADDW)"
_DDAW = "Delegated Regulation (EU) 2021/1341 (DDAW)"
_R171 = "UN Regulation 171 (driver control assistance)"


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


# --- profile euroncap-2026 --------------------------------------------------------------------------------------------

NCAP26_LONG_DISTRACTION = Limit(
    3.5, "s",
    f"{_NCAP_2026}: long distraction, one glance away for 3-4 s; 3.5 s is the middle of that window, which leaves the "
    f"most room on both sides of it, and the figure {_ADDW} 3.3.2.1 gives for fast driving",
    "B",
)  # fmt: skip
NCAP26_SHORT_DISTRACTION = Limit(10.0, "s", f"{_NCAP_2026}: repeated glances (VATS), 10 s away in 30 s", "B")
NCAP26_SHORT_WINDOW = Limit(30.0, "s", f"{_NCAP_2026}: repeated glances (VATS), 10 s away in 30 s", "B")
NCAP26_CLEAR_SHORT = Limit(
    2.0, "s", f"{_NCAP_2023}: VATS is cleared by 2 s or more ahead; not given anew for 2026, so kept", "B",
)  # fmt: skip
NCAP26_PHONE_USE = Limit(
    3.5, "s",
    f"own: {_NCAP_2026} lists phone positions without a time of their own and times the looks at a phone as other "
    "distraction; handling one is given the time of one long glance", "own",
)  # fmt: skip
NCAP26_MICROSLEEP = Limit(1.0, "s", f"{_NCAP_2026}: microsleep, closure of 1-2 s", "B")
NCAP26_SLEEP = Limit(3.0, "s", f"{_NCAP_2026}: sleep, closure of 3 s or more", "B")
NCAP26_UNRESPONSIVE = Limit(6.0, "s", f"{_NCAP_2026}: unresponsive, closed for 6 s or more", "B")
NCAP26_DROWSY = Limit(8.0, "KSS", f"{_NCAP_2026}: drowsy, KSS above 7 at the latest", "B")
NCAP26_ACTIVE_FROM = Limit(20.0, "km/h", f"{_NCAP_2026}: active from 20 km/h for these four states", "B")
NCAP26_DROWSY_FROM = Limit(50.0, "km/h", f"{_NCAP_2026}: drowsiness is warned of from 50 km/h", "B")
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

# --- profile euroncap-2023 --------------------------------------------------------------------------------------------

NCAP23_LONG_DISTRACTION = Limit(3.0, "s", f"{_NCAP_2023}: long distraction, one glance away for 3 s or more", "B")
NCAP23_SHORT_DISTRACTION = Limit(10.0, "s", f"{_NCAP_2023}: VATS, 10 s away in any 30 s", "B")
NCAP23_SHORT_WINDOW = Limit(30.0, "s", f"{_NCAP_2023}: VATS, 10 s away in any 30 s", "B")
NCAP23_CLEAR_SHORT = Limit(2.0, "s", f"{_NCAP_2023}: VATS is cleared by 2 s or more ahead", "B")
NCAP23_PHONE_USE = Limit(3.0, "s", "own: as NCAP26_PHONE_USE, the time of one long glance of this protocol", "own")
NCAP23_MICROSLEEP = Limit(
    1.5, "s",
    f"{_NCAP_2023}: a closure shorter than 3 s, no lower bound given; warned near 1.5 s as the reference advises for "
    "microsleeps (clinically 1-15 s)", "C",
)  # fmt: skip
NCAP23_SLEEP = Limit(3.0, "s", f"{_NCAP_2023}: sleep, closure above 3 s", "B")
NCAP23_UNRESPONSIVE = Limit(6.0, "s", f"{_NCAP_2023}: unresponsive, closed for 6 s or more", "B")
NCAP23_UNRESPONSIVE_AWAY = Limit(6.0, "s", f"{_NCAP_2023}: unresponsive, gaze away for 6 s or more", "B")
NCAP23_UNANSWERED = Limit(3.0, "s", f"{_NCAP_2023}: unresponsive, no return within 3 s after the warning", "B")
NCAP23_DROWSY = Limit(8.0, "KSS", f"{_NCAP_2023}: drowsy, KSS above 7", "B")
NCAP23_ACTIVE_FROM = Limit(20.0, "km/h", "not given for 2023: the 20 km/h of the 2026 protocol", "C")
NCAP23_DROWSY_FROM = Limit(50.0, "km/h", "not given for 2023: the 50 km/h of the 2026 protocol", "C")

# --- profile eu-gsr ---------------------------------------------------------------------------------------------------

GSR_AREA3_FAST = Limit(3.5, "s", f"{_ADDW} 3.3.2.1: gaze in area 3 for 3.5 s at 50 km/h or more", "A")
GSR_AREA3_SLOW = Limit(6.0, "s", f"{_ADDW} 3.3.2.2: gaze in area 3 for 6 s at 20 to 50 km/h", "A")
GSR_FAST_FROM = Limit(50.0, "km/h", f"{_ADDW} 3.3.2.1: 50 km/h or more", "A")
GSR_ACTIVE_FROM = Limit(20.0, "km/h", f"{_ADDW}: below 20 km/h the system may be silent", "A")
GSR_HIDDEN_ALLOWANCE = Limit(
    1.5, "s",
    f"{_ADDW}: up to 1.5 s more with glasses, bad light or occlusion. Used where the eyes are hidden and only the head "
    "tells the direction; not for glasses through which the eyes are seen", "B",
)  # fmt: skip
GSR_CLEAR_DISTRACTION = Limit(
    1.0, "s", f"{_ADDW} 3.4: warned until the gaze returns; {_NCAP_2026} asks for 1 s of it, which is kept here", "B",
)  # fmt: skip
GSR_DROWSY = Limit(8.0, "KSS", f"{_DDAW}: warn at KSS 8 at the latest, may at 7", "A")
GSR_DROWSY_FROM = Limit(70.0, "km/h", f"{_DDAW}: active above 70 km/h (one source: 70 km/h is the scope only)", "B")
GSR_MICROSLEEP = Limit(
    1.5, "s", f"{_DDAW} times no closure: eyes shut at the wheel are KSS 9. Warned near 1.5 s (reference table)", "C",
)  # fmt: skip
GSR_SLEEP = Limit(3.0, "s", f"{_DDAW} times no closure; kept from {_NCAP_2026}: nobody may sleep unwarned", "C")
GSR_UNRESPONSIVE = Limit(6.0, "s", f"{_DDAW} times no closure; kept from {_NCAP_2026}", "C")

# --- profile r171 -----------------------------------------------------------------------------------------------------

R171_EYES_OFF = Limit(5.0, "s", f"{_R171}: eyes off for 5 s, request", "B")
R171_ESCALATION = Limit(3.0, "s", f"{_R171}: escalation 3 s after the request", "B")
R171_DIRECT_ALERT = Limit(
    5.0, "s",
    f"{_R171}: direct alert after 5 s more. Read as a chain, each step counted from the one before (5, 8, 13, 23 s)",
    "B",
)  # fmt: skip
R171_UNAVAILABLE = Limit(10.0, "s", f"{_R171}: driver unavailable after 10 s more; the chain of R171_DIRECT_ALERT", "B")
R171_RE_ENGAGED = Limit(0.2, "s", f"{_R171}: re-engaged after 200 ms or more", "B")
R171_ACTIVE_FROM = Limit(10.0, "km/h", f"{_R171}: above 10 km/h", "B")
R171_MICROSLEEP = Limit(1.5, "s", f"{_R171} times no closure; warned near 1.5 s (reference table)", "C")
R171_SLEEP = Limit(3.0, "s", f"{_R171} times no closure; kept from {_NCAP_2026}: nobody may sleep unwarned", "C")
R171_UNRESPONSIVE = Limit(6.0, "s", f"{_R171} times no closure; kept from {_NCAP_2026}", "C")

# --- what a profile file may say --------------------------------------------------------------------------------------

FILE_TIME_MIN = Limit(0.2, "s", "own: LID_HOLD and AWAY_HOLD are 150 ms; nothing shorter can be told from noise", "own")
FILE_TIME_MAX = Limit(120.0, "s", "own: a warning two minutes late warns of nothing", "own")
FILE_SPEED_MAX = Limit(130.0, "km/h", "own: a system that judges only above this judges nowhere", "own")
FILE_KSS_MIN = Limit(1.0, "KSS", "the Karolinska sleepiness scale begins at 1", "A")
FILE_KSS_MAX = Limit(9.0, "KSS", "the Karolinska sleepiness scale ends at 9", "A")

# --- when the profile judges ------------------------------------------------------------------------------------------

ACTIVE_HYSTERESIS = Limit(
    2.0, "km/h", "own: traffic that rolls at the threshold must not switch the system at every step of speed; "
    f"{_ADDW} lets systems be silent below 20 km/h but does not ask for it", "own",
)  # fmt: skip
VEHICLE_HOLD = Limit(500, "ms", "trace contract: vehicle signals keep their last value 500 ms, then are missing", "A")

INDICATOR_HOLD = Limit(
    1.0, "s", "own: indicator lamps flash 60-120 times a minute (UN R48); one that is dark for this long is off", "own"
)
CHECK_LONGEST = Limit(
    4.0, "s",
    "own: a mirror glance lasts 0.75-1.10 s (reference table), a check of mirror and shoulder together some seconds; a "
    "forgotten indicator must not excuse looking away for ever", "own",
)  # fmt: skip

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
AREA1_SIDE = Limit(55.0, "deg", f"{_ADDW} Annex I Part 1: area 1 begins at +-55 deg from straight ahead", "B")
AREA2_MARGIN = Limit(10.0, "deg", f"{_ADDW}: area 2 is the windscreen and side windows plus a 10 deg margin", "B")
AREA3_BELOW = Limit(-30.0, "deg", f"{_ADDW}: area 3 lies below a plane 30 deg down from the eyes", "B")
AREA3_BELOW_HEAD = Limit(
    -20.0, "deg",
    "own: the head carries about two thirds of a look down (owl), so this much of it stands for AREA3_BELOW when the "
    "eyes are hidden", "C",
)  # fmt: skip
FREE_TASK_GLANCE = Limit(
    1.0, "s", "AttenD: the first second in a mirror or on the speedometer is free; used for repeated glances only", "B"
)
PHONE_SEEN = Limit(0.5, "probability", "own: a phone more likely handled than not", "own")
PHONE_HOLD = Limit(300, "ms", "own: a detector that flickers for some frames neither starts nor ends a use", "own")
GAZE_USABLE_STD = Limit(15.0, "deg", "own: wider than the road zone itself (14 deg), so it decides nothing", "own")
HEAD_USABLE_STD = Limit(20.0, "deg", "own: as GAZE_USABLE_STD; heads turn less than the gaze they carry", "own")
GAZE_DOWN = Limit(-25.0, "deg", f"own: below the cluster, towards area 3 of {_ADDW} (30 deg down)", "own")
HEAD_DOWN = Limit(
    -20.0, "deg", "own: normal driving nods 2-8 deg, a nod of drowsiness 12-20 deg (reference table)", "C"
)
DOWN_HOLD = Limit(300, "ms", "own: longer than lids take to fall, whose shadow pulls the measured gaze down", "own")

# --- drowsiness -------------------------------------------------------------------------------------------------------

PERCLOS_WINDOW = Limit(60.0, "s", "PERCLOS P80 over 60 s of valid time (Wierwille DOT HS 808 247)", "A")
PERCLOS_BUCKET = Limit(1.0, "s", "own: the window moves in steps of one second of valid time", "own")
CLOSURES_KEPT = Limit(30.0, "closures", "own: a minute or two of blinks at 15-20 a minute", "own")
CLOSURES_NEEDED = Limit(10.0, "closures", "own: fewer say nothing of a mean or a share", "own")
LONG_SHARE_QUESTIONABLE = Limit(0.1, "of closures", "own: one closure in ten above 500 ms (Wilkinson 2013)", "own")
LONG_SHARE_DROWSY = Limit(0.4, "of closures", "own: closures above 500 ms nearly as common as blinks", "own")
PERCLOS_QUESTIONABLE = Limit(0.075, "of time", "PERCLOS bands of DOT HS 811 117: 0.075-0.15 questionable", "B")
PERCLOS_DROWSY = Limit(0.15, "of time", "PERCLOS bands of DOT HS 811 117: above 0.15 drowsy", "B")
PERCLOS_FIGHTING = Limit(0.25, "of time", "own: well beyond the drowsy band; a quarter of the time asleep", "own")
KSS_AWAKE = Limit(3.0, "KSS", "own: KSS 3 'alert' stands for a PERCLOS of 0", "own")
KSS_QUESTIONABLE = Limit(6.0, "KSS", "own: KSS 6 'some signs of sleepiness' stands for PERCLOS_QUESTIONABLE", "own")
KSS_DROWSY = Limit(8.0, "KSS", "own: KSS 8 'sleepy, some effort to keep awake' stands for PERCLOS_DROWSY", "own")
KSS_FIGHTING = Limit(9.0, "KSS", "own: KSS 9 'fighting sleep' stands for PERCLOS_FIGHTING", "own")
KSS_HYSTERESIS = Limit(0.75, "KSS", "own: a level changes when the estimate is this far from it", "own")
SUPPORT_STEP = Limit(0.5, "KSS", "own: what each of yawning, nodding and drooping lids adds to other evidence", "own")
SUPPORT_WINDOW = Limit(180.0, "s", "own: yawns and nods support a judgement for three minutes", "own")
YAWN_OPEN = Limit(0.5, "of the jaw's way", "own: talking stays below", "own")
YAWN_TIME = Limit(
    2.0, "s",
    "own: yawns last about 6 s (reference table), 2.9 s of it beyond YAWN_OPEN in the shortest rendered one; words do "
    "not hold the mouth open, singing does for 1.3 s", "C",
)  # fmt: skip
YAWN_HOLD = Limit(300, "ms", "own: as RETURN_HOLD, some frames of a mouth", "own")
YAWNS_SUPPORT = Limit(2.0, "yawns", "own: one yawn is nothing", "own")
NOD = Limit(12.0, "deg", "nod of drowsiness 12-20 deg against 2-8 deg in normal driving (reference table)", "B")
NOD_CLOSED = Limit(500, "ms", "own: a nod counts when lids shut longer than a blink came first", "own")
DROOP = Limit(0.75, "of the open eye", "own: mean opening of open eyes; sleepy drivers stop opening fully", "C")
DROOP_TIME = Limit(30.0, "s", "own: time constant of that mean", "own")
DROWSY_FRESH = Limit(2.0, "s", "own: told while it is to be seen, within two seconds of a closure above BLINK", "own")
DROWSY_SHOWN = Limit(6.0, "s", "own: a prompt to rest, not an alarm that follows the driver; ends within 10 s", "own")
DROWSY_REPEAT = Limit(180.0, "s", "own: told again after three minutes if it is still so", "own")

# --- the driver's baseline --------------------------------------------------------------------------------------------

BASELINE_FROM = Limit(
    10.0, "km/h", "own: above walking pace and manoeuvring; the lowest speed a profile judges at", "own"
)
BASELINE_FIRST = Limit(
    10.0, "s", "own: a median over ten seconds of attentive driving is used; fewer are two glances", "own"
)
BASELINE_AWAKE = Limit(20.0, "s", "own: this long after a closure above BLINK nothing is learned", "own")
BASELINE_REFRESH = Limit(1.0, "s", "own: how often a median is made anew while it is learned", "own")
BASELINE_BINS = Limit(
    120.0, "bins", "own: half a degree, or a hundredth of the open eye; below the noise of both", "own"
)
BASELINE_ANGLE = Limit(
    30.0, "deg", "own: an attentive head or gaze lies within; beyond, the end of the scale counts", "own"
)
BASELINE_FACE = Limit(2400.0, "px", "own: higher than a face in any picture of the platforms", "own")
NEUTRAL_SHIFT_MAX = Limit(
    5.0, "deg",
    "own: line of sight and eyeball axis differ by about 5 deg between people; what is learned as straight ahead moves "
    "the zones by no more, so that nobody teaches them to be elsewhere", "own",
)  # fmt: skip
LEAN = Limit(
    0.8, "of the face's height",
    "own: a face is about 0.22 m high; leaning to the passenger's side or the footwell moves the head by more than "
    "0.18 m, sitting otherwise by less", "C",
)  # fmt: skip
OTHER_OPENING = Limit(0.15, "of the open eye", "own: three times the usual lid noise (0.05)", "own")
OTHER_HEAD = Limit(6.0, "deg", "own: twice the error of a head pose; people seat their heads apart by more", "own")
OTHER_FACE_SIZE = Limit(0.2, "of the height", "own: a sitting position or a face a fifth nearer or larger", "own")
OPEN_READING_MIN = Limit(0.6, "of the open eye", "own: narrower is drooping or looking down, and never learned", "own")
OPEN_READING_MAX = Limit(1.2, "of the open eye", "own: eyes do not open further than this beside their usual", "own")
BLINK_BEGINS = Limit(0.65, "of this driver's open eye", "own: seven times the usual noise below open", "own")
BLINKS_NEEDED = Limit(4.0, "blinks", "own: about 15 s; three partial or wrong ones must not decide", "own")
BLINKS_NEEDED_SHALLOW = Limit(
    6.0, "blinks",
    "own: in a row, before a higher closed reading is believed for the first time: one blink in five is incomplete, "
    "six of them in a row come by chance about once in 15,000 blinks (0.2 to the sixth)", "own",
)  # fmt: skip
BLINKS_NEEDED_AGAIN = Limit(
    2.0, "blinks", "own: deep ones that fit the other pair; nothing reads deeper than shut", "own"
)
BLINKS_KEPT = Limit(12.0, "blinks", "own: then the closed reading is frozen; most of a minute of blinks", "own")
CLOSED_READING_QUANTILE = Limit(0.25, "of the blinks", "own: low, yet not the one wrong frame that is lowest", "own")
CLOSED_READING_SAME = Limit(0.15, "of the open eye", "own: three times the usual lid noise (0.05)", "own")
CLOSED_READING_USUAL = Limit(0.10, "of the open eye", "own: what LID_CLOSED allows for; changes nothing", "own")
CLOSED_READING_MAX = Limit(
    0.45, "of the open eye",
    "own: glasses move a closed eye's aspect ratio from 0.018 to 0.113 (reference table), 0.38 of an open eye at 0.30; "
    "one step of noise above that. What reads higher is not shut, and is not learned", "own",
)  # fmt: skip
GLANCE_DOWN_HEAD = Limit(
    5.0, "deg", "a closure with the head pitching down by more than 5 deg is a glance down (reference table)", "B"
)
GLANCE_DOWN_RANGE = Limit(60.0, "deg", "own: heads pitch no further; beyond, the end of the scale counts", "own")
GLANCE_DOWN_LOOK = Limit(
    300, "ms", "own: head pitch over the first part of a closure, against the last open look", "own"
)
GLANCE_DOWN_LONGEST = Limit(
    2.0, "s",
    f"own: such a closure is a microsleep from here on, the upper end of {_NCAP_2026}'s 1-2 s. "
    "PERCLOS counts it all the same. "
    "A nod looks the same at first, so the limits of sleep and unresponsiveness hold as they are",
    "own",
)  # fmt: skip

# --- gaps in the data -------------------------------------------------------------------------------------------------

SAMPLE_SPAN_MAX = Limit(200, "ms", "own: one sample speaks for at most this long (10 frames/s, one lost)", "own")
HALF_FRAME_MAX = Limit(
    50, "ms", "own: a sample speaks for half the time to the next, at most half a frame at 10 frames/s", "own"
)
GAP = Limit(500, "ms", "own: up to here the state before and after a gap is taken to have lasted through it", "own")
FORGET = Limit(2.0, "s", "own: what was so 2 s before and has not been seen since says nothing of now", "own")
UNSEEN_END_DISTRACTION = Limit(10.0, "s", f"{_NCAP_2026}: degraded is told within 10 s; it takes over then", "own")
UNSEEN_END_SLEEP = Limit(30.0, "s", "own: a driver who slid out of view asleep is warned longer", "own")

# --- warnings ---------------------------------------------------------------------------------------------------------

ESCALATE_UNANSWERED = Limit(3.0, "s", f"{_NCAP_2023}: no return in 3 s after the warning; ADDW 3.4: rises", "B")
WARNING_SHORTEST = Limit(1.0, "s", "own: a lamp and a chime shorter than this are noticed but not understood", "own")

# --- can the driver be seen -------------------------------------------------------------------------------------------

COVERED_SHARE = Limit(0.7, "of the picture", "own: less is a hand or a wheel rim passing through", "own")
DARK_MEAN = Limit(12.0, "grey level of 255", "own: near the black level of 8-bit video (16 in limited range)", "own")
BRIGHT_SHARE = Limit(0.5, "of the picture", "own: half the picture without any structure left", "own")
FACE_PRESENT = Limit(0.5, "probability", "own: a face more likely there than not", "own")
COVERED_AFTER = Limit(1.0, "s", f"{_NCAP_2026}: within 10 s; sooner because it is unambiguous", "own")
LIGHT_AFTER = Limit(1.5, "s", f"{_NCAP_2026}: within 10 s; own: told within 2 s, longer than a shadow", "own")
NO_FACE_AFTER = Limit(1.5, "s", f"{_NCAP_2026}: within 10 s; own: told within 2 s, as long as a check", "own")
EYES_HIDDEN_AFTER = Limit(1.5, "s", f"{_NCAP_2026}: within 10 s; own: told within 2 s, as NO_FACE_AFTER", "own")
UNMEASURED_AFTER = Limit(8.0, "s", f"{_NCAP_2026}: within 10 s, when frames come but say nothing of a driver", "own")
SEEN_AGAIN_AFTER = Limit(0.5, "s", "own: a condition that comes and goes is one condition", "own")

# --- bookkeeping ------------------------------------------------------------------------------------------------------

CALIBRATION_TIME = Limit(60.0, "s", f"{_ADDW}: tests start after 60 s judged attentive", "B")
GAZE_GOOD_STD = Limit(6.0, "deg", "own: up to here a single sample tells road from cluster (17 deg apart)", "own")
