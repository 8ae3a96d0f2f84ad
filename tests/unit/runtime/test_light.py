"""Exposure by the driver's face, through the real sources over their fakes."""

from __future__ import annotations

import errno
import os
from typing import Any

import numpy as np
import pytest
from fake_camera_modules import installed_modules

from watchkeeper.capture import v4l2_controls as controls
from watchkeeper.capture.source import Source, open_source
from watchkeeper.capture.v4l2 import V4l2Source, parse
from watchkeeper.capture.v4l2_fake import FakeKernel
from watchkeeper.errors import BadInputError
from watchkeeper.preprocess.spec import Histogram
from watchkeeper.runtime.exposure import TARGET_LEVEL
from watchkeeper.runtime.light import face_light

PERIOD_NS = 33_333_333


class Camera(FakeKernel):
    """The fake camera with exposure (100 us a unit) and gain; `fail` refuses what is written."""

    refuses = False

    def __init__(self, *, exposable: bool = True) -> None:
        super().__init__(64, 48, 30, None)
        self.values = {controls.EXPOSURE_ABSOLUTE: 3, controls.GAIN: 16} if exposable else {}
        self.written_controls = 0

    def ioctl(self, fd: int, request: int, argument: Any) -> None:
        if request not in (controls.QUERYCTRL, controls.G_CTRL, controls.S_CTRL):
            super().ioctl(fd, request, argument)
            return
        if argument.id not in self.values:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        if request == controls.QUERYCTRL:
            argument.minimum, argument.maximum, argument.step = (
                (3, 2000, 1) if argument.id != controls.GAIN else (16, 64, 1)
            )
        elif request == controls.G_CTRL:
            argument.value = self.values[argument.id]
        elif self.refuses:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        else:
            self.values[argument.id] = argument.value
            self.written_controls += 1

    def levels(self, light: float) -> Histogram:
        """What a face in so much light looks like at the present setting."""
        gathered = light * self.values[controls.EXPOSURE_ABSOLUTE] * self.values[controls.GAIN] / 16
        counts = np.zeros(256, np.uint32)
        counts[min(255, round(TARGET_LEVEL * gathered**0.5))] = 500
        return counts


def _source(kernel: Camera, exposure: str = "face") -> V4l2Source:
    return V4l2Source(parse(f"/dev/video0?exposure={exposure}"), paced=False, clock=lambda: 0, kernel=kernel)


@pytest.mark.parametrize("light", [1 / 40, 1 / 160, 1 / 400])
def test_a_face_in_any_light_is_brought_to_its_level(light: float) -> None:
    kernel = Camera()
    step = face_light(_source(kernel), lambda: kernel.levels(light), PERIOD_NS)
    assert step is not None
    for k in range(90):
        step(k * PERIOD_NS)
    assert abs(int(kernel.levels(light).argmax()) - TARGET_LEVEL) < 20
    before = kernel.written_controls
    for k in range(90, 120):
        step(k * PERIOD_NS)
    assert kernel.written_controls == before, "a setting that fits is not written again"


def test_exposure_ends_at_half_a_frame_and_gain_goes_on() -> None:
    kernel = Camera()
    step = face_light(_source(kernel), lambda: kernel.levels(1e-6), PERIOD_NS)
    assert step is not None
    for k in range(200):
        step(k * PERIOD_NS)
    assert kernel.values == {controls.EXPOSURE_ABSOLUTE: 167, controls.GAIN: 64}


def test_a_camera_that_refuses_is_left_alone_and_said_so_once(capsys: pytest.CaptureFixture[str]) -> None:
    kernel = Camera()
    step = face_light(_source(kernel), lambda: kernel.levels(1e-6), PERIOD_NS)
    assert step is not None
    kernel.refuses = True
    for k in range(60):
        step(k * PERIOD_NS)
    assert capsys.readouterr().err.count("cannot be exposed: Input/output error") == 1


@pytest.mark.parametrize("uri", ["pattern:64x48@30", "v4l2-fake:64x48@30", "v4l2-fake:64x48@30?exposure=camera"])
def test_sources_that_expose_by_themselves_are_not_touched(uri: str) -> None:
    source: Source = open_source(uri, paced=False)
    assert face_light(source, lambda: np.zeros(256, np.uint32), PERIOD_NS) is None
    source.close()


def test_a_camera_without_the_controls_is_refused_by_name() -> None:
    with pytest.raises(BadInputError, match=r"/dev/video0: exposure=face: expected a camera with the control"):
        _source(Camera(exposable=False))


def test_picamera2_is_set_through_libcameras_controls() -> None:
    with installed_modules(fps=25, clock=None):
        source: Any = open_source("picamera2:0?size=64x48&fps=25&exposure=face", paced=False)
        camera = source._camera
        assert camera.controls["AeEnable"] is False
        assert camera.controls["ExposureTime"] == 8000
        dark = np.zeros(256, np.uint32)
        dark[10] = 100
        step = face_light(source, lambda: dark, 40_000_000)
        assert step is not None
        for k in range(100):
            step(k * 40_000_000)
        assert (camera.controls["ExposureTime"], camera.controls["AnalogueGain"]) == (20_000, 10.6)
        assert source.exposure.now() == (20_000.0, 10.6)
        camera.camera_controls["AnalogueGain"] = (1.0, 2.0, 1.0)
        with pytest.raises(OSError, match=r"control AnalogueGain: 9\.0 is out of range"):
            source.exposure.write(100.0, 9.0)
        source.close()
        fixed = open_source("picamera2:0?size=64x48&fps=25", paced=False)
        assert face_light(fixed, lambda: dark, 40_000_000) is None
        fixed.close()
        with pytest.raises(BadInputError, match="expected exposure=face or exposure_us, not both"):
            open_source("picamera2:0?exposure=face&exposure_us=100&gain=1", paced=False)
