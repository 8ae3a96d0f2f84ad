"""One driver's face over time: landmarks in, head, gaze, lids and mouth out, each with a validity of its own."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from watchkeeper.measure import gaze as gazes
from watchkeeper.measure import mouth, rotations
from watchkeeper.measure.baseline import Clock, Mode
from watchkeeper.measure.camera import directions
from watchkeeper.measure.driver_parts import DriverSample, FullFrame, OneEye, QuickLook
from watchkeeper.measure.eye_patch import EyeReading, patch_region
from watchkeeper.measure.eyes import EyeShape, measure_eye
from watchkeeper.measure.filters import OneEuro
from watchkeeper.measure.head_pose import HeadPose, HeadPoseFit
from watchkeeper.measure.points import LEFT_EYE, RIGHT_EYE, Points, Vector
from watchkeeper.measure.pose_offset import PoseOffset
from watchkeeper.measure.sight import Seen
from watchkeeper.types import CameraGeometry, Eye, Gaze, Head, Mouth, Region

_HEAD_STD_DEG = 3.0  # typical error on rendered drives is 1-2.5 degrees; people's faces differ from the model's
_HEAD_STD_UNMOUNTED_DEG = 6.0
_STD_PER_TURN = 0.06  # degree for each degree the head is turned from the camera
_GAZE_LEARN_S = 1.5  # of looking ahead, until this driver's irises are known well enough to tell road from cluster
_GAZE_UNLEARNT_STD_DEG = 12.0
_PART_SEEN = 0.5
_LIDS_SHUT = 0.35  # below this the iris says nothing
_QUICK_TURN_DEG = 22.0  # from the camera: beyond, the quick network's pose errs by 5 degrees and more
_IRIS_MOVED = 0.035  # of the patch's side: 1.4 mm, some 7 degrees of gaze
_LIDS_MOVED_MM = 2.0
_TRUST_GAP_NS = 1_000_000_000  # a face out of sight for longer may be another driver's lids


class DriverMeasure:
    """Everything measured of one driver through one camera (`camera`); `step` once a frame, in order of time."""

    def __init__(self, camera: CameraGeometry) -> None:
        self.camera = camera
        self._camera_to_vehicle: Vector = np.array(camera.rotation_vehicle_to_camera).T
        self._fit, self._quick_fit = HeadPoseFit(camera), HeadPoseFit(camera)
        self._offset = PoseOffset()
        self._full: FullFrame | None = None
        self._rested: tuple[EyeReading, EyeReading] | None = None
        self._clock = Clock()
        self._parts = Seen()
        self._eyes = (OneEye(LEFT_EYE), OneEye(RIGHT_EYE))
        ahead = {"prior": 0.0, "spread": 5.0, "prior_s": 1.0, "first_s": 0.2, "first_weight": 20.0}
        self._neutral = [Mode(-100.0, 100.0, 1.0, **ahead) for _ in range(3)]  # yaw, pitch, roll
        self._head_filters = [OneEuro(4.0, 0.3) for _ in range(3)]
        self._gaze_filters = [OneEuro(2.0, 0.1) for _ in range(2)]
        self._seen_ns: int | None = None

    def lost(self) -> None:
        """No face in this frame: the next one starts from nothing, what is known of the driver stays."""
        self._fit.forget()
        self._quick_fit.forget()
        self._full = self._rested = None

    def see(self, parts: Seen) -> None:
        """What of the face is to be seen in the frame that is measured next (sight.py); at first all of it."""
        self._parts = parts

    @property
    def _covered(self) -> bool:
        """A hand before the face: the network goes on placing landmarks on it."""
        return max(self._parts.left, self._parts.right, self._parts.mouth) < _PART_SEEN

    def place(self, points: Points) -> HeadPose | None:
        """Head pose from the full network's landmarks; None when they fit no head. `step` takes it."""
        return self._fit.fit(points)

    def look_quick(self, points: Points, p: float = 1.0) -> QuickLook | None:
        """Head pose and places of the eyes from the quick network's 468 landmarks, as it gives them; None when they fit
        no head. p: its probability of a face."""
        pose = self._quick_fit.fit(points)
        return None if pose is None else QuickLook(p, pose, self.patches(points, pose))

    def patches(self, points: Points, pose: HeadPose) -> tuple[Region, Region]:
        """What the eye network is to be shown: the driver's left eye, then his right."""
        left, right = (patch_region(points, pose, eye.points, self.camera) for eye in self._eyes)
        return left, right

    def patches_quick(self, quick: QuickLook) -> tuple[Region, Region]:
        """The same from the quick network's landmarks, put where the full one's would be."""
        left, right = (
            eye.patch_offset.corrected(patch, turned=self._turned)
            for eye, patch in zip(self._eyes, quick.patches, strict=True)
        )
        return left, right

    @property
    def quick_will_do(self) -> bool:
        """Whether a frame can be judged by the quick network: the two networks' poses have been compared, and a full
        reading of lids and irises is there."""
        return self._full is not None and self._offset.known

    @property
    def full_is_due(self) -> bool:
        """Whether each frame wants a full one after it: the head is turned, or the line of sight is not known."""
        return self._turned or self._full is None or self._full.sample.gaze is None

    @property
    def _turned(self) -> bool:
        return self._full is not None and self._full.turn_deg >= _QUICK_TURN_DEG

    @property
    def needs_comparison(self) -> bool:
        """Whether a full frame should run the quick network too: their difference is not known yet."""
        return not self._offset.known

    def compare(self, full_points: Points, full: HeadPose, quick: QuickLook) -> None:
        """Both networks' landmarks and poses of one frame."""
        turned = _turn_deg(full) >= _QUICK_TURN_DEG
        self._offset.step(full.rotation, quick.pose.rotation, turned=turned)
        for eye, patch in zip(self._eyes, quick.patches, strict=True):
            eye.patch_offset.step(patch_region(full_points, full, eye.points, self.camera), patch, turned=turned)

    def step(
        self,
        points: Points,
        t_ns: int,
        readings: tuple[EyeReading, EyeReading] | None = None,
        pose: HeadPose | None = None,
    ) -> DriverSample:
        """Measure the full landmarks of one frame; an empty sample when they fit no head.

        readings: the eye network's, left eye first; None where it did not run. pose: `place`'s of these points, if it
        was asked.
        """
        if self._covered:
            self._full = None
            return DriverSample()
        pose = pose or self.place(points)
        if pose is None:
            return DriverSample()
        if self._seen_ns is not None and t_ns - self._seen_ns > _TRUST_GAP_NS:
            for eye in self._eyes:
                eye.lids.lost()
        self._seen_ns = t_ns
        dt_s = self._clock.step_s(t_ns)
        rotation = self._to_vehicle(pose, dt_s)
        yaw, pitch, roll = (
            f.step(v, t_ns) for f, v in zip(self._head_filters, rotations.to_angles(rotation), strict=True)
        )
        turn_deg = _turn_deg(pose)
        std = (_HEAD_STD_DEG if self.camera.mounting_known else _HEAD_STD_UNMOUNTED_DEG) + _STD_PER_TURN * turn_deg
        seen = directions(points[:, :2], self.camera)
        placed = [self._shape(seen, pose, eye, points) for eye in self._eyes]
        shapes = self._shown(placed)
        near_ahead = abs(yaw) < 12.0 and abs(pitch) < 12.0
        looks = [self._look(eye, shape, near_ahead, dt_s) for eye, shape in zip(self._eyes, shapes, strict=True)]
        read = readings or (None, None)
        for eye, shape, reading in zip(self._eyes, shapes, read, strict=True):
            if reading is not None and shape.p_visible >= 1.0 and shape.camera_up_deg < 12.0:
                eye.lids.teach(reading, dt_s)
        lids = [
            eye.lids.full(shape, eye.open_lid.value_mm, -look.pitch_deg, turn_deg, reading, t_ns)
            for eye, shape, look, reading in zip(self._eyes, shapes, looks, read, strict=True)
        ]
        both = self._both_eyes(looks, lids, turn_deg)
        sample = DriverSample(
            Head(yaw, pitch, roll, std),
            self._gaze(rotation, both, t_ns),
            lids[0],
            lids[1],
            Mouth(mouth.opening(seen, pose)) if self._parts.mouth >= _PART_SEEN else None,
        )
        self._full = FullFrame(sample, placed, looks, both, std, turn_deg)
        return sample

    def step_quick(self, quick: QuickLook, t_ns: int, readings: tuple[EyeReading, EyeReading]) -> DriverSample:
        """A frame after a full one: head from the quick network, lids from the eye network, the line of sight's
        direction in the head and the mouth from the last full frame. Only while `quick_will_do`."""
        full = self._full
        assert full is not None
        if self._covered:
            return DriverSample()
        self._seen_ns = t_ns
        pose = quick.pose
        rotation = self._offset.corrected(pose.rotation, turned=self._turned)
        vehicle = self._to_vehicle(HeadPose(rotation, pose.translation_mm, pose.residual_mm), 0.0)
        yaw, pitch, roll = (
            f.step(v, t_ns) for f, v in zip(self._head_filters, rotations.to_angles(vehicle), strict=True)
        )
        lids = [
            eye.lids.between(shape, -look.pitch_deg, reading, t_ns)
            for eye, shape, look, reading in zip(
                self._eyes, self._shown(full.shapes), full.looks, readings, strict=True
            )
        ]
        shut = all(lid.open is None or lid.open <= _LIDS_SHUT for lid in lids)
        if all((lid.p_visible or 0.0) < _PART_SEEN for lid in lids):
            gaze = self._gaze(vehicle, gazes.head_alone(full.turn_deg), t_ns)
        else:
            gaze = None if shut else self._gaze(vehicle, full.both, t_ns)
        lips = full.sample.mouth if self._parts.mouth >= _PART_SEEN else None
        return DriverSample(Head(yaw, pitch, roll, full.std_deg), gaze, lids[0], lids[1], lips)

    def moved(self, readings: tuple[EyeReading, EyeReading]) -> bool:
        """Whether an iris or a lid has moved, since this last said so, that far that a full frame is due."""
        if self._rested is not None and not any(
            abs(now.iris[0] - then.iris[0]) > _IRIS_MOVED
            or abs(now.iris[1] - then.iris[1]) > _IRIS_MOVED
            or abs(now.gap_mm - then.gap_mm) > _LIDS_MOVED_MM
            for now, then in zip(readings, self._rested, strict=True)
        ):
            return False
        known, self._rested = self._rested is not None, readings
        return known

    def _to_vehicle(self, pose: HeadPose, dt_s: float) -> Vector:
        """Head to vehicle. Where nobody measured the mounting, the pose seen most is taken as straight ahead."""
        rotation: Vector = self._camera_to_vehicle @ pose.rotation
        if self.camera.mounting_known:
            return rotation
        neutral = [m.step(v, dt_s) for m, v in zip(self._neutral, rotations.to_angles(rotation), strict=True)]
        turned: Vector = rotations.from_angles(*neutral).T @ rotation
        return turned

    def _shown(self, shapes: list[EyeShape]) -> list[EyeShape]:
        """With what is before the eyes now taken into account."""
        parts = (self._parts.left, self._parts.right)
        return [replace(shape, p_visible=shape.p_visible * part) for shape, part in zip(shapes, parts, strict=True)]

    def _shape(self, seen: Vector, pose: HeadPose, eye: OneEye, points: Points) -> EyeShape:
        shape = measure_eye(seen, pose, eye.points)
        corners = points[[eye.points.outer, eye.points.inner], :2]
        inside = (corners >= 0.0).all() and (corners <= (self.camera.width, self.camera.height)).all()
        if inside:
            return shape
        return EyeShape(shape.aperture_mm, shape.yaw_deg, shape.pitch_deg, 0.0, shape.camera_up_deg)

    def _look(self, eye: OneEye, shape: EyeShape, near_ahead: bool, dt_s: float) -> gazes.EyeGaze:
        """Direction of one eye in the head; teaches its baselines where the view is good."""
        share = shape.aperture_mm / eye.open_lid.value_mm
        if shape.p_visible >= 1.0 and shape.camera_up_deg < 12.0:
            eye.open_lid.step(shape.aperture_mm, dt_s)
            if near_ahead and share > 0.75:
                eye.yaw.step(shape.yaw_deg, dt_s)
                eye.pitch.step(shape.pitch_deg, dt_s)
        return gazes.eye_gaze(shape, eye.yaw.value, eye.pitch.value, share)

    def _both_eyes(self, looks: list[gazes.EyeGaze], lids: list[Eye], turn_deg: float) -> gazes.EyeGaze | None:
        usable = [
            (look, lid.p_visible or 0.0)
            for look, lid in zip(looks, lids, strict=True)
            if lid.open is not None and lid.open > _LIDS_SHUT
        ]
        if all((lid.p_visible or 0.0) < _PART_SEEN for lid in lids):
            return gazes.head_alone(turn_deg)
        both = gazes.combine(usable, turn_deg)
        return None if both is None else gazes.towards_head(both, turn_deg)

    def _gaze(self, rotation: Vector, both: gazes.EyeGaze | None, t_ns: int) -> Gaze | None:
        if both is None:
            return None
        learnt = min(1.0, min(eye.pitch.learnt_s for eye in self._eyes) / _GAZE_LEARN_S)
        x, y, z = (float(v) for v in rotation @ rotations.direction(both.yaw_deg, both.pitch_deg))
        yaw, pitch = rotations.direction_angles(x, y, z)
        std = both.std_deg + _GAZE_UNLEARNT_STD_DEG * (1.0 - learnt)
        return Gaze(self._gaze_filters[0].step(yaw, t_ns), self._gaze_filters[1].step(pitch, t_ns), std)


def _turn_deg(pose: HeadPose) -> float:
    """Angle between where the face points and the way to the camera."""
    to_camera = -pose.translation_mm / math.sqrt(float(pose.translation_mm @ pose.translation_mm))
    return math.degrees(math.acos(max(-1.0, min(1.0, float(to_camera @ pose.rotation[:, 2])))))
