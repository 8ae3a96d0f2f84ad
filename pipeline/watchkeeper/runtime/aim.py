"""`watchkeeper aim` inside vision: each picture's numbers for who mounts the camera, into a mailbox of their own.

Exists only where the supervisor hands on `--aim-fd`, which it does in commissioning alone. No picture passes:
AimReading is a fixed record of numbers.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from watchkeeper.measure.aim import eye_in_picture, off_axis, pose_in_picture
from watchkeeper.measure.points import LEFT_EYE, RIGHT_EYE
from watchkeeper.measure.sight import Histogram, grey_levels_at
from watchkeeper.runtime.perception import Perception
from watchkeeper.types import AimEye, AimFace, AimReading, CameraGeometry, Eye, Face, Frame, Measurement, Region

_STEP_PX = 2


class AimPerception:
    """A perception that also publishes what it saw. perception: one that is thorough."""

    def __init__(self, perception: Perception, publish: Callable[[AimReading], None]) -> None:
        self._perception, self._publish = perception, publish
        self._histogram = np.zeros(256, np.uint32)

    def process(self, frame: Frame) -> Measurement:
        """As Perception.process."""
        m = self._perception.process(frame)
        placed, image = self._perception.placed, m.image
        self._publish(
            AimReading(
                m.t_ns,
                frame.width,
                frame.height,
                mean=None if image is None else image.mean,
                saturated=None if image is None else image.saturated,
                covered=None if image is None else image.covered,
                searched=m.face_searched,
                face=None if placed is None or m.face is None else self._face(frame, m.face, placed.camera),
                pose=None if placed is None else pose_in_picture(placed.pose),
                head=m.head,
                left_eye=None if placed is None else _eye(placed.points, True, m.left_eye),
                right_eye=None if placed is None else _eye(placed.points, False, m.right_eye),
            )
        )
        return m

    def forget_driver(self) -> None:
        """As Perception.forget_driver."""
        self._perception.forget_driver()

    def refine(self) -> None:
        """As Perception.refine."""
        self._perception.refine()

    def light(self) -> Histogram:
        """As Perception.light."""
        return self._perception.light()

    def wipe(self) -> None:
        """As Perception.wipe."""
        self._perception.wipe()

    def close(self) -> None:
        """As Perception.close."""
        self._perception.close()

    def _face(self, frame: Frame, face: Face, camera: CameraGeometry) -> AimFace:
        x, y, w, h = face.box_px
        cx, cy = x + w / 2, y + h / 2
        self._perception.levels(frame, Region(cx, cy, w, h), _STEP_PX, self._histogram)
        median, low, high = grey_levels_at(self._histogram, 0.5, 0.05, 0.95) or (0.0, 0.0, 0.0)
        right_deg, down_deg = off_axis(cx, cy, camera)
        return AimFace(face.p, x, y, w, h, right_deg, down_deg, median, low, high)


def _eye(points: NDArray[np.float32], left: bool, eye: Eye | None) -> AimEye | None:
    if eye is None:
        return None
    return eye_in_picture(points, LEFT_EYE if left else RIGHT_EYE, eye.p_visible or 0.0)
