"""Exposure controls against a kernel that answers as videodev2.h says: ranges, units, refusals, the whole circle."""

from __future__ import annotations

import ctypes
import errno
import os
from typing import Any

import numpy as np
import pytest

from watchkeeper.capture import v4l2_controls as controls
from watchkeeper.capture.v4l2_controls import open_exposure
from watchkeeper.capture.v4l2_fake import FakeKernel
from watchkeeper.runtime.exposure import ExposureController, ExposureRange, ExposureSetting


class CameraWithControls(FakeKernel):
    """The fake camera, with controls: identifier -> (lowest, highest, step), values checked as the kernel does."""

    def __init__(self, offered: dict[int, tuple[int, int, int]], flags: int = 0) -> None:
        super().__init__(64, 48, 30, None)
        self.offered, self.flags = offered, flags
        self.values = {control: low for control, (low, _, _) in offered.items()}

    def ioctl(self, fd: int, request: int, argument: Any) -> None:
        if request not in (controls.QUERYCTRL, controls.G_CTRL, controls.S_CTRL):
            super().ioctl(fd, request, argument)
            return
        if argument.id not in self.offered:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        low, high, step = self.offered[argument.id]
        if request == controls.QUERYCTRL:
            argument.minimum, argument.maximum, argument.step, argument.flags = low, high, step, self.flags
        elif request == controls.G_CTRL:
            argument.value = self.values[argument.id]
        else:
            if not low <= argument.value <= high:
                raise OSError(errno.ERANGE, os.strerror(errno.ERANGE))
            self.values[argument.id] = argument.value


UVC = {
    controls.EXPOSURE_AUTO: (0, 3, 1),
    controls.EXPOSURE_ABSOLUTE: (3, 2047, 1),
    controls.GAIN: (16, 256, 16),
}


def test_structures_have_the_kernels_sizes() -> None:
    # sizeof in linux/videodev2.h: v4l2_queryctrl 68, v4l2_control 8; the numbers of VIDIOC_QUERYCTRL, G_CTRL, S_CTRL
    assert ctypes.sizeof(controls.QueryControl) == 68
    assert ctypes.sizeof(controls.Control) == 8
    assert (controls.QUERYCTRL, controls.G_CTRL, controls.S_CTRL) == (0xC0445624, 0xC008561B, 0xC008561C)


def test_a_uvc_camera_is_taken_over_and_set_in_its_own_units() -> None:
    kernel = CameraWithControls(dict(UVC))
    exposure = open_exposure(kernel, kernel.open("/dev/video0"))
    assert exposure is not None
    assert kernel.values[controls.EXPOSURE_AUTO] == controls.EXPOSURE_MANUAL
    assert (exposure.shortest_us, exposure.longest_us, exposure.largest_gain) == (300.0, 204_700.0, 16.0)
    exposure.write(5_040.0, 2.6)
    assert kernel.values[controls.EXPOSURE_ABSOLUTE] == 50
    assert kernel.values[controls.GAIN] == 48  # the nearest of its steps to 41.6
    assert exposure.now() == (5_000.0, 3.0)
    exposure.write(1.0, 99.0)
    assert exposure.now() == (300.0, 16.0)


@pytest.mark.parametrize(
    ("offered", "flags"),
    [
        ({}, 0),
        ({controls.GAIN: (1, 10, 1)}, 0),
        (dict(UVC), controls.FLAG_READ_ONLY),
        (dict(UVC), controls.FLAG_DISABLED),
    ],
)
def test_cameras_without_usable_controls_are_left_alone(offered: dict[int, tuple[int, int, int]], flags: int) -> None:
    kernel = CameraWithControls(offered, flags)
    assert open_exposure(kernel, kernel.open("/dev/video0")) is None


def test_a_camera_without_gain_has_a_gain_of_one() -> None:
    kernel = CameraWithControls({controls.EXPOSURE_ABSOLUTE: (1, 100, 1)})
    exposure = open_exposure(kernel, kernel.open("/dev/video0"))
    assert exposure is not None
    assert exposure.largest_gain == 1.0
    exposure.write(700.0, 5.0)
    assert exposure.now() == (700.0, 1.0)


def test_the_controller_brings_the_camera_to_the_light() -> None:
    kernel = CameraWithControls(dict(UVC))
    camera = open_exposure(kernel, kernel.open("/dev/video0"))
    assert camera is not None
    limits = ExposureRange(camera.shortest_us, min(camera.longest_us, 8_000.0), camera.largest_gain)
    controller = ExposureController(limits, ExposureSetting(*camera.now()))
    level = 0
    for k in range(60):
        exposure_us, gain = camera.now()
        level = min(255, round(110.0 * (exposure_us * gain / 20_000.0) ** 0.5))  # a dim cabin
        counts = np.zeros(256, np.uint32)
        counts[level] = 100
        setting = controller.step(counts, k * 200_000_000)
        if setting is not None:
            camera.write(setting.exposure_us, setting.gain)
    assert abs(level - 110) <= 15
    assert camera.now()[0] == 8_000.0
