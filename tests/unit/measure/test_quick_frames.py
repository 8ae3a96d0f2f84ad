"""When a frame may do without the full landmark network, and when one with it is due."""

from __future__ import annotations

import pytest

from watchkeeper.measure.driver import DriverMeasure
from watchkeeper.measure.eye_patch import EyeReading
from watchkeeper.types import CameraGeometry

CAMERA = CameraGeometry(
    640, 480, 700.0, 700.0, 320.0, 240.0, (0.0,) * 5, ((1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, -1.0)),
    (0.0, 0.0, 0.0), True,
)  # fmt: skip


def _eyes(x: float = 0.0, y: float = 0.0, gap_mm: float = 8.0) -> tuple[EyeReading, EyeReading]:
    return EyeReading(0.02, 0.95, 8.0, (0.0, 0.0)), EyeReading(0.02, 0.95, gap_mm, (x, y))


@pytest.mark.parametrize(("x", "y", "gap_mm"), [(0.05, 0.0, 8.0), (0.0, -0.05, 8.0), (0.0, 0.0, 5.0)])
def test_one_eye_that_moves_calls_for_a_full_frame_once(x: float, y: float, gap_mm: float) -> None:
    driver = DriverMeasure(CAMERA)
    assert not driver.moved(_eyes())  # nothing to compare with yet
    assert not driver.moved(_eyes(0.01, 0.01, 7.5))
    assert driver.moved(_eyes(x, y, gap_mm))
    assert not driver.moved(_eyes(x, y, gap_mm))  # that is where it rests now


def test_slow_drift_adds_up() -> None:
    driver = DriverMeasure(CAMERA)
    asked = [driver.moved(_eyes(0.01 * k)) for k in range(9)]
    assert sum(asked) == 2


def test_without_a_full_frame_there_is_no_quick_one() -> None:
    driver = DriverMeasure(CAMERA)
    assert not driver.quick_will_do
    assert driver.needs_comparison
    driver.moved(_eyes())
    driver.lost()
    assert not driver.moved(_eyes(0.3))  # a lost face is compared with nothing
