"""What a driver's measures are made of: a frame's result, what is kept of the last full frame, each eye's memory."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.measure.baseline import Mode, OpenLid
from watchkeeper.measure.eyes import EyeShape
from watchkeeper.measure.gaze import EyeGaze
from watchkeeper.measure.head_pose import HeadPose
from watchkeeper.measure.lid_fusion import LidFusion
from watchkeeper.measure.points import EyePoints
from watchkeeper.measure.pose_offset import PatchOffset
from watchkeeper.types import Eye, Gaze, Head, Mouth, Region


@dataclass(frozen=True, slots=True)
class DriverSample:
    """What the landmarks of one frame say."""

    head: Head | None = None
    gaze: Gaze | None = None
    left_eye: Eye | None = None
    right_eye: Eye | None = None
    mouth: Mouth | None = None


@dataclass(frozen=True, slots=True)
class FullFrame:
    """The last full frame, for those after it that have the quick network only."""

    sample: DriverSample
    shapes: list[EyeShape]
    looks: list[EyeGaze]
    both: EyeGaze | None
    std_deg: float
    turn_deg: float


@dataclass(frozen=True, slots=True)
class QuickLook:
    """What the quick network's landmarks say of one frame, as it gives it. patches: of the left eye and the right."""

    p: float
    pose: HeadPose
    patches: tuple[Region, Region]


class OneEye:
    """What is learnt and remembered of one eye."""

    def __init__(self, points: EyePoints) -> None:
        self.points = points
        self.open_lid = OpenLid()
        self.lids = LidFusion()
        self.patch_offset = PatchOffset()
        # the iris of someone looking straight ahead; up to a few degrees either way between people
        self.yaw = Mode(-40.0, 40.0, 0.5, prior=0.0, spread=2.5, prior_s=6.0)
        self.pitch = Mode(-20.0, 20.0, 0.25, prior=0.0, spread=1.0, prior_s=1.0, first_s=0.3, first_weight=6.0)
