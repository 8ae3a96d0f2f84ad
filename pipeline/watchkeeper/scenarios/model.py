"""What a scenario is: actions on tracks over time, the camera that watches, noise, and what is expected of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

# The value of a track: numbers whose meaning the track gives; None: not measured.
Value = tuple[float, ...] | None


class Track(Enum):
    """One thing that changes over time, with its value before any action.

    Angles in degrees, vehicle frame. Yes/no tracks hold 1.0 or 0.0.
    """

    GAZE = "gaze", (0.0, 0.0)  # yaw, pitch
    HEAD = "head", (0.0, 0.0, 0.0)  # yaw, pitch, roll
    LIDS = "lids", (1.0, 1.0)  # left, right; 0 closed .. 1 open, before glasses change the reading
    VISIBLE = "visible", (0.99, 0.99)  # probability that the left, the right eye is seen
    GLASSES = "glasses", (0.0,)
    FACE = "face", (1.0,)  # 1 seen, 0 looked for and not found, None not said
    BOX = "box", (200.0, 100.0, 180.0, 220.0)  # x, y, w, h in px
    IMAGE = "image", (96.0, 0.01, 0.0)  # mean grey level, saturated share, covered share
    MOUTH = "mouth", (0.05, 0.0, 0.0)  # opening, swing of it, swings per second
    PHONE = "phone", None  # probability
    FRAMES = "frames", (1.0,)  # 0: no frame arrives
    SPEED = "speed", (80.0,)  # km/h
    STEERING = "steering", (0.0,)  # degrees of the wheel
    INDICATOR = "indicator", (0.0, 0.0)  # left, right
    REVERSE = "reverse", (0.0,)
    IGNITION = "ignition", (1.0,)
    ACKNOWLEDGE = "acknowledge", (0.0,)
    VEHICLE = "vehicle", (1.0,)  # 0: the vehicle says nothing

    def __init__(self, label: str, default: Value) -> None:
        self.label, self.default = label, default


@dataclass(frozen=True, slots=True)
class Action:
    """A track has a value from `start_ns` on, up to `end_ns` (None: until another action holds).

    Of the actions that are running, the one that began last holds; of those that began together, the last written.
    """

    track: Track
    value: Value
    start_ns: int
    end_ns: int | None = None


@dataclass(frozen=True, slots=True)
class CameraModel:
    """How the camera delivers. jitter_ns: evenly spread, each way. lost: share of frames that never arrive, each by
    chance. shift_ns: time of the first frame. seed: of everything that is left to chance, noise included."""

    fps: float = 30.0
    jitter_ns: int = 0
    lost: float = 0.0
    shift_ns: int = 0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Noise:
    """Normal noise on one signal, one standard deviation in the signal's unit; over_ns: time over which it stays
    alike (first-order), 0 for none: each frame anew."""

    signal: str  # gaze, head, lids, mouth
    std: float
    over_ns: int = 0


@dataclass(frozen=True, slots=True)
class Readings:
    """What a closed eye reads, as a share of the open one, on bare eyes and behind glasses."""

    bare: float = 0.0
    glasses: float = 0.0


class Kind(Enum):
    """How an expectation is meant."""

    HAPPENS = "expect"  # at its time
    NEVER = "expect no"
    EDGE = "edge"  # with margin > 0 at its time, with margin < 0 not up to then, with margin 0 either


@dataclass(frozen=True, slots=True)
class Expectation:
    """`what`: `LongDistraction onset`, `cause NoFace begins`, `warning` (any onset), ...; see docs/scenarios.md."""

    kind: Kind
    what: str
    at_ns: int | None
    within_ns: int
    line: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """A drive from 0 to `end_ns`. limits: names of the thresholds it is about. margin_ns: how far beyond (below when
    negative) its limit the driver goes."""

    source: str
    title: str
    clause: str
    profiles: tuple[str, ...]
    limits: tuple[str, ...]
    end_ns: int
    camera: CameraModel
    readings: Readings
    margin_ns: int
    noise: tuple[Noise, ...] = ()
    actions: tuple[Action, ...] = ()
    expectations: tuple[Expectation, ...] = ()
