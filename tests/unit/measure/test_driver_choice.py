"""Several faces: the driver is the one in the driver's place, and a passenger alone is no driver."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest

from watchkeeper.board import read_camera
from watchkeeper.measure.face import Detection, choose_driver
from watchkeeper.types import CameraGeometry

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def camera() -> CameraGeometry:
    return read_camera(ROOT / "demo" / "demo_drive.json")


def _face(camera: CameraGeometry, left_mm: float, up_mm: float, forward_mm: float) -> Detection:
    """A head of 150 mm at a place in the vehicle, as the camera sees it."""
    rows, (tx, ty, tz) = camera.rotation_vehicle_to_camera, camera.translation_mm
    x, y, z = (
        sum(r * v for r, v in zip(row, (left_mm, up_mm, forward_mm), strict=True)) + t
        for row, t in zip(rows, (tx, ty, tz), strict=True)
    )
    side = camera.fx * 150.0 / z
    cx, cy = camera.cx + camera.fx * x / z, camera.cy + camera.fy * y / z
    return Detection(0.9, (cx - side / 2, cy - side / 2, side, side), (cx, cy), (cx, cy))


@pytest.mark.parametrize(
    "place", [(0.0, 0.0, 0.0), (120.0, 60.0, 0.0), (-100.0, -90.0, -80.0), (0.0, 40.0, -250.0), (0.0, 0.0, 200.0)]
)
def test_a_driver_in_his_seat_is_found_wherever_he_leans(
    camera: CameraGeometry, place: tuple[float, float, float]
) -> None:
    driver = _face(camera, *place)
    assert choose_driver([driver], camera) is driver


@pytest.mark.parametrize(
    "place", [(-650.0, 0.0, 0.0), (0.0, 40.0, -800.0), (-350.0, 50.0, -850.0), (-700.0, 20.0, -800.0)]
)
def test_a_passenger_alone_is_no_driver(camera: CameraGeometry, place: tuple[float, float, float]) -> None:
    assert choose_driver([_face(camera, *place)], camera) is None


def test_the_driver_is_chosen_among_others_in_any_order(camera: CameraGeometry) -> None:
    driver, behind, beside = (_face(camera, *p) for p in ((100, -60, -60), (-150, 40, -800), (-600, 0, 100)))
    for faces in ([behind, driver, beside], [beside, behind, driver], [driver, beside, behind]):
        assert choose_driver(faces, camera) is driver


def test_without_a_mounting_the_large_one_in_the_middle_is_taken(camera: CameraGeometry) -> None:
    free = dataclasses.replace(camera, mounting_known=False)
    large = Detection(0.9, (220.0, 140.0, 200.0, 200.0), (0.0, 0.0), (0.0, 0.0))
    small = Detection(0.9, (20.0, 20.0, 60.0, 60.0), (0.0, 0.0), (0.0, 0.0))
    assert choose_driver([small, large], free) is large
    assert choose_driver([], free) is None
    assert choose_driver([], camera) is None


def test_pictures_of_another_size_have_the_same_driver(camera: CameraGeometry) -> None:
    double = camera.scaled_to(camera.width * 2, camera.height * 2)
    driver = _face(double, 50.0, 20.0, 0.0)
    passenger = _face(double, -650.0, 0.0, 0.0)
    assert choose_driver([passenger, driver], double) is driver
    assert math.isclose(driver.box_px[2], 2 * _face(camera, 50.0, 20.0, 0.0).box_px[2])
