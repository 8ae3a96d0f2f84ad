"""The values that pass between stages. Standard library only: the supervisor imports this without numpy.

Angles are degrees in the vehicle frame as the driver sees it: yaw positive to the driver's left, pitch positive up,
roll positive to the driver's right shoulder; zero is straight ahead down the road. `left` and `right` are the driver's
own. Times are int nanoseconds on CLOCK_MONOTONIC (or on the clip's own clock in `measure` and `replay`).
`None` always means "not known in this frame"; it is never replaced by a zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import Any, Protocol

# --- pictures ---------------------------------------------------------------------------------------------------------


class PixelFormat(IntEnum):
    """How a frame's bytes are laid out. The numbers are shared with kernels/image_view.h."""

    I420 = 0  # three planes: Y, U, V; chroma halved both ways (decoders, picamera2's YUV420)
    NV12 = 1  # two planes: Y, interleaved UV
    GREY8 = 2  # one plane
    RGB24 = 3  # one plane, R G B
    BGR24 = 4  # one plane, B G R
    YUYV = 5  # one plane, 4:2:2, Y0 U Y1 V (USB cameras)
    UYVY = 6  # one plane, 4:2:2, U Y0 V Y1
    GREY10 = 7  # one plane of little-endian 16-bit words, white at 1023 (V4L2's Y10: raw infrared sensors)
    GREY16 = 8  # the same, white at 65535 (V4L2's Y16)
    RGBA32 = 9  # one plane, R G B and a byte that is not read
    BGRA32 = 10  # one plane, B G R and a byte that is not read


class ColorMatrix(IntEnum):
    """Which YCbCr matrix and range a YUV frame uses. The numbers are shared with kernels/color.h."""

    BT601_LIMITED = 0
    BT601_FULL = 1
    BT709_LIMITED = 2
    BT709_FULL = 3


class Buffer(Protocol):
    """Anything with the buffer protocol: a decoder's plane, an mmap, a numpy array."""

    def __buffer__(self, flags: int, /) -> memoryview: ...


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture, in the buffer the driver or the decoder wrote it to: nothing here was copied.

    planes: one buffer a plane; valid only while the lease on the frame is held.
    strides: bytes from one row to the next, one a plane (padding stays in).
    t_ns: end of exposure. seq: the source's own running number; gaps are frames the source lost.
    """

    t_ns: int
    seq: int
    width: int
    height: int
    format: PixelFormat
    color: ColorMatrix
    planes: tuple[Any, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Region:
    """A rotated rectangle in image pixels: what a crop is cut from.

    (cx, cy): centre. w, h: size along the rectangle's own axes. rotation_rad: how far its x axis is turned from the
    image's, positive clockwise as seen (image y points down). (u, v) in 0..1 are positions inside it.
    """

    cx: float
    cy: float
    w: float
    h: float
    rotation_rad: float = 0.0

    def to_image(self, u: float, v: float) -> tuple[float, float]:
        """Image pixel position of the point (u, v), both 0..1 across the rectangle."""
        x, y = (u - 0.5) * self.w, (v - 0.5) * self.h
        c, s = math.cos(self.rotation_rad), math.sin(self.rotation_rad)
        return self.cx + c * x - s * y, self.cy + s * x + c * y


# --- measurement ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Face:
    """p: probability that this is a face, 0..1. box_px: x, y, width, height in image pixels."""

    p: float
    box_px: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Head:
    """Head direction in the vehicle frame; std_deg: one standard deviation of each angle, None when not stated."""

    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    std_deg: float | None = None


@dataclass(frozen=True, slots=True)
class Gaze:
    """Line of sight in the vehicle frame; std_deg as in Head."""

    yaw_deg: float
    pitch_deg: float
    std_deg: float | None = None


@dataclass(frozen=True, slots=True)
class Eye:
    """open: 0 closed .. 1 as open as this driver's alert baseline. aperture_mm: lid gap. p_visible: 0..1.

    open_std: one standard deviation of `open`, None when not stated.
    """

    open: float | None
    aperture_mm: float | None = None
    p_visible: float | None = None
    open_std: float | None = None


@dataclass(frozen=True, slots=True)
class Mouth:
    """open: 0..1 (1 = as far as the jaw goes)."""

    open: float


@dataclass(frozen=True, slots=True)
class Phone:
    """p: probability that the driver handles a phone."""

    p: float


@dataclass(frozen=True, slots=True)
class ImageQuality:
    """mean: grey level 0..255. saturated, covered: shares 0..1 of the picture."""

    mean: float
    saturated: float
    covered: float


@dataclass(frozen=True, slots=True)
class Measurement:
    """What perception measured in one frame. Any group may be None: not measured in this frame."""

    t_ns: int
    seq: int = 0
    face: Face | None = None
    head: Head | None = None
    gaze: Gaze | None = None
    left_eye: Eye | None = None
    right_eye: Eye | None = None
    mouth: Mouth | None = None
    phone: Phone | None = None
    image: ImageQuality | None = None
    # Perception looked for a face in this frame and found none. A trace without a `face` group says nothing about it.
    face_searched: bool = False


@dataclass(frozen=True, slots=True)
class VehicleSignals:
    """What the vehicle said. Every field may be unknown (None)."""

    speed_kph: float | None = None
    steering_deg: float | None = None
    turn_left: bool | None = None
    turn_right: bool | None = None
    reverse: bool | None = None
    ignition: bool | None = None
    acknowledge: bool | None = None


# --- the driver's state -----------------------------------------------------------------------------------------------


class Warning(IntEnum):  # noqa: A001  (the CAN contract's own word; the builtin is never needed beside it)
    """DMS_Warning.ActiveWarning."""

    NONE = 0
    LONG_DISTRACTION = 1
    SHORT_DISTRACTION = 2
    PHONE_USE = 3
    DROWSY = 4
    MICROSLEEP = 5
    SLEEP = 6
    UNRESPONSIVE = 7
    SYSTEM_UNAVAILABLE = 8

    @property
    def label(self) -> str:
        """The name used in events, in the DBC's value table and in the live table: `LongDistraction`."""
        return "".join(part.capitalize() for part in self.name.split("_"))


class Phase(Enum):
    """What happened to a warning."""

    ONSET = "onset"
    ESCALATE = "escalate"
    END = "end"


class SystemState(IntEnum):
    """DMS_Status.SystemState."""

    INIT = 0
    STANDBY = 1
    ACTIVE = 2
    DEGRADED = 3
    UNAVAILABLE = 4
    FAULT = 5


class Cause(IntEnum):
    """DMS_Status.Cause; each has its state (supervisor/safe_state.py)."""

    NONE = 0
    STARTING = 1
    ENGINE_BUILD = 2
    CALIBRATING = 3
    CAMERA_LOST = 4
    CAMERA_FROZEN = 5
    CAMERA_COVERED = 6
    TOO_DARK = 7
    TOO_BRIGHT = 8
    NO_FACE = 9
    EYES_HIDDEN = 10
    STALE_VISION = 11
    VISION_RESTARTING = 12
    OVERRUN = 13
    OVER_TEMPERATURE = 14
    UNDER_VOLTAGE = 15
    SPEED_MISSING = 16
    MODEL_INVALID = 17
    CONFIG_INVALID = 18
    BUS_RECOVERED = 19
    INTERNAL_ERROR = 20

    @property
    def label(self) -> str:
        """`CameraLost`, as in the DBC's value table."""
        return "".join(part.capitalize() for part in self.name.split("_"))


class EyeState(IntEnum):
    """DMS_Driver.EyeLeft / EyeRight."""

    OPEN = 0
    CLOSED = 1
    UNKNOWN = 2
    NOT_AVAILABLE = 3


class Presence(IntEnum):
    """DMS_Driver.DriverPresent."""

    ABSENT = 0
    PRESENT = 1
    UNKNOWN = 2
    NOT_AVAILABLE = 3


class GazeZone(IntEnum):
    """DMS_Driver.GazeZone."""

    ROAD_AHEAD = 0
    WINDSCREEN = 1
    LEFT_MIRROR = 2
    RIGHT_MIRROR = 3
    INTERIOR_MIRROR = 4
    CLUSTER = 5
    INFOTAINMENT = 6
    LAP = 7
    LEFT_WINDOW = 8
    RIGHT_WINDOW = 9
    PASSENGER = 10
    UNKNOWN = 15


@dataclass(frozen=True, slots=True)
class WarningEvent:
    """One row of `replay --events`."""

    t_ns: int
    warning: Warning
    phase: Phase
    level: int


@dataclass(frozen=True, slots=True)
class DriverState:
    """What `state.step` makes of the measurements: everything the bus says about the driver."""

    t_ns: int
    seq: int = 0
    # False below the profile's speed (Standby): nothing is judged, nothing warned.
    active: bool = False
    # The perception side's own condition (NONE, CALIBRATING, CAMERA_COVERED, TOO_DARK, ... SPEED_MISSING).
    cause: Cause = Cause.NONE
    calibration_pct: float = 0.0
    warning: Warning = Warning.NONE
    level: int = 0  # 0 none, 1 advise, 2 warn, 3 urgent
    distraction_level: int = 0
    drowsiness_level: int = 0
    visual: bool = False
    acoustic: int = 0
    haptic: bool = False
    warning_count: int = 0
    onset_ns: int | None = None  # of the active warning
    acknowledged: bool = False
    driver_present: Presence = Presence.NOT_AVAILABLE
    left_eye: EyeState = EyeState.NOT_AVAILABLE
    right_eye: EyeState = EyeState.NOT_AVAILABLE
    gaze_zone: GazeZone = GazeZone.UNKNOWN
    away_s: float = 0.0
    closed_s: float = 0.0
    perclos_pct: float | None = None
    sleepiness_kss: int | None = None  # estimate on the Karolinska scale, 1..9
    confidence: int = 0  # 0 none .. 3 high
    head: Head | None = None
    gaze: Gaze | None = None
    events: tuple[WarningEvent, ...] = field(default=())


# --- where the camera is and what is around the driver ----------------------------------------------------------------


Matrix3 = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]


@dataclass(frozen=True, slots=True)
class CameraGeometry:
    """Intrinsics and mounting. Camera frame as in OpenCV (x image right, y image down, z out of the lens); vehicle
    frame x to the driver's left, y up, z forward, origin at the nominal head centre, mm.  X_camera = R X_vehicle + t.

    mounting_known: False when nobody measured where the camera sits; then the rotation is a guess (camera straight
    ahead of the driver) and the neutral head pose has to come from the driver's own baseline.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    distortion: tuple[float, float, float, float, float]
    rotation_vehicle_to_camera: Matrix3
    translation_mm: tuple[float, float, float]
    mounting_known: bool

    def scaled_to(self, width: int, height: int) -> CameraGeometry:
        """The same camera delivering pictures of another size (same field of view across the width)."""
        if (width, height) == (self.width, self.height):
            return self
        k = width / self.width
        return CameraGeometry(
            width, height, self.fx * k, self.fy * k, self.cx * k, height / 2 + (self.cy - self.height / 2) * k,
            self.distortion, self.rotation_vehicle_to_camera, self.translation_mm, self.mounting_known,
        )  # fmt: skip


# --- regions of the cabin ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CabinZone:
    """A gaze zone as a box of directions: centre and half widths in degrees, vehicle frame."""

    zone: GazeZone
    yaw_deg: float
    pitch_deg: float
    half_yaw_deg: float
    half_pitch_deg: float


@dataclass(frozen=True, slots=True)
class Cabin:
    """Where things are in front of this driver; from the board or the vehicle file."""

    driver_side: str  # "left" or "right" (which side of the car the driver sits on)
    zones: Sequence[CabinZone]


# --- between the processes --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class VisionHealth:
    """Counters of the vision process since it started. captured = processed + dropped, always."""

    frames_captured: int = 0
    frames_processed: int = 0
    frames_dropped: int = 0
    deadline_misses: int = 0
    frame_rate_hz: float = 0.0
    latency_p50_ms: float = 0.0  # end of exposure to published state, last few seconds
    latency_p99_ms: float = 0.0
    load_pct: float = 0.0  # share of the frame budget that the work took
    rung: int = 0  # of the degrade ladder: 0 does everything, above it work is left out to keep the deadline


@dataclass(frozen=True, slots=True)
class DriverBaseline:
    """What is kept of a driver between runs: numbers, no picture and no identity. None: not known.

    first_*, second_*: what `Eye.open` reads with lids open and shut, without and with glasses in the order seen;
    present: 0 or 1, which holds. Angles: degrees, vehicle frame. face_*: height and centre of the face box, pixels.
    learned_ns: attentive time behind it.
    """

    first_open: float | None = None
    first_closed: float | None = None
    second_open: float | None = None
    second_closed: float | None = None
    present: int = 0
    head_yaw_deg: float | None = None
    head_pitch_deg: float | None = None
    gaze_yaw_deg: float | None = None
    gaze_pitch_deg: float | None = None
    opening: float | None = None
    face_px: float | None = None
    face_x_px: float | None = None
    face_y_px: float | None = None
    learned_ns: int = 0


@dataclass(frozen=True, slots=True)
class VisionReport:
    """What vision publishes to the supervisor: once when it starts, on every frame, and when its condition changes.

    exposure_ns: end of exposure of the newest frame judged, 0 before the first.
    published_ns: when this was written. pid: the vision process that wrote it.
    condition: of vision itself: NONE, STARTING, ENGINE_BUILD, CAMERA_LOST, MODEL_INVALID, CONFIG_INVALID,
        INTERNAL_ERROR.
    ended: the source came to its end (files only); nothing more will come.
    events: the newest warning events, oldest first; event_count: how many there have been in all.
    """

    published_ns: int
    pid: int
    exposure_ns: int = 0
    condition: Cause = Cause.STARTING
    ended: bool = False
    driver: DriverState | None = None
    health: VisionHealth = VisionHealth()
    event_count: int = 0
    events: tuple[WarningEvent, ...] = ()
    first_exposure_ns: int = 0  # of the first frame judged: what a clip's own time is counted from
    baseline_resets: int = 0  # the newest VehicleReport.baseline_resets that was done
    content: int = 0  # of the newest frame judged: the same number means the same picture; 0: not known
    baseline: DriverBaseline | None = None  # once enough was learned of the driver


@dataclass(frozen=True, slots=True)
class SendStamp:
    """What was made of the picture of exposure_ns was handed to the bus at sent_ns (the slot's last frame).

    echo_ns: when that frame was heard back from the bus, 0 while it was not and on a bus that does not say.
    """

    exposure_ns: int
    sent_ns: int
    echo_ns: int = 0


@dataclass(frozen=True, slots=True)
class VehicleReport:
    """What the supervisor hears on the bus and hands to vision. t_ns: arrival of the newest valid frame, 0 for none.

    baseline_resets: steps when a garage asks that what was learned of the driver be forgotten.
    baseline: what was learned before and is kept; a vision that has just begun goes on from it.
    sends: the newest pictures that reached the bus, oldest first: vision's recorder ends its frames with them.
    """

    t_ns: int = 0
    signals: VehicleSignals = VehicleSignals()
    baseline_resets: int = 0
    baseline: DriverBaseline | None = None
    sends: tuple[SendStamp, ...] = ()


@dataclass(frozen=True, slots=True)
class SupervisorReport:
    """What the supervisor says of itself to whoever shows it (the live table of `run`, `doctor`)."""

    t_ns: int
    pid: int
    vision_pid: int = 0
    state: SystemState = SystemState.INIT
    cause: Cause = Cause.STARTING
    frames_sent: int = 0
    send_failures: int = 0
    slots_missed: int = 0
    restarts: int = 0
    cycle_jitter_p99_ms: float = 0.0
    finished: bool = False  # the run came to its end by itself
    exit_status: int = 0


# --- commissioning ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AimEye:
    """One eye in image pixels: gap between the lids, distance between the corners. seen: 0..1."""

    opening_px: float
    width_px: float
    seen: float


@dataclass(frozen=True, slots=True)
class AimFace:
    """p: as in Face. x_px .. h_px: the box's left upper corner and size. right_deg, down_deg: direction of the box's
    middle from the lens's axis, as the picture shows it. median, low, high: grey levels 0..255 in the box, the last two
    the 5th and the 95th percentile."""

    p: float
    x_px: float
    y_px: float
    w_px: float
    h_px: float
    right_deg: float
    down_deg: float
    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class AimPose:
    """Head to camera as a rotation vector (rad) and the place of the face between the eyes in the camera frame (mm).

    left_deg, above_deg: where the face sees the camera, from its own straight ahead, to the driver's left and up.
    tilt_deg: how far the face is turned in the picture, clockwise as seen.
    """

    rx_rad: float
    ry_rad: float
    rz_rad: float
    x_mm: float
    y_mm: float
    z_mm: float
    left_deg: float
    above_deg: float
    tilt_deg: float


@dataclass(frozen=True, slots=True)
class AimReading:
    """What `watchkeeper aim` is told of one picture: numbers alone. Written in commissioning and at no other time."""

    t_ns: int
    width_px: int
    height_px: int
    mean: float | None = None  # of the picture, as in ImageQuality; None: not measured in this frame
    saturated: float | None = None
    covered: float | None = None
    searched: bool = False  # as Measurement.face_searched: without it, no face says nothing
    face: AimFace | None = None
    pose: AimPose | None = None
    head: Head | None = None
    left_eye: AimEye | None = None
    right_eye: AimEye | None = None
