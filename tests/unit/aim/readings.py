"""Readings of a camera that is mounted well, and ways to spoil them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from watchkeeper.commands.aim.place_items import Setup
from watchkeeper.commands.aim.session import Session
from watchkeeper.types import AimEye, AimFace, AimPose, AimReading, CameraGeometry, Head

MS, S = 1_000_000, 1_000_000_000
CAMERA = CameraGeometry(
    640, 480, 754.0, 754.0, 320.0, 240.0, (0.0,) * 5, ((1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, -1.0)),
    (0.0, 0.0, 650.0), True,
)  # fmt: skip
FACE = AimFace(0.99, 240.0, 150.0, 160.0, 180.0, 0.0, 0.0, 110.0, 60.0, 180.0)
# half a turn about x: a face that looks into the lens, upright
POSE = AimPose(3.14159265, 0.0, 0.0, 0.0, 0.0, 650.0, 0.0, 0.0, 0.0)
EYE = AimEye(9.0, 35.0, 1.0)
GOOD = AimReading(0, 640, 480, 100.0, 0.0, 0.0, True, FACE, POSE, Head(0.0, 0.0, 0.0), EYE, EYE)


def setup(side: str = "left", cabin: str = "left", camera: CameraGeometry = CAMERA) -> Setup:
    """Left-hand drive with a mounting that fits the readings."""
    return Setup(side, cabin, f"passenger-car-{cabin}.toml", camera)


def spoilt(**changes: Any) -> AimReading:
    """GOOD with parts changed: `face=dict(...)`, `pose=...`, `eyes=...`, or a field of the reading."""
    reading = GOOD
    for name, change in changes.items():
        if name == "eyes":
            eye = replace(EYE, **change)
            reading = replace(reading, left_eye=eye, right_eye=eye)
        elif isinstance(change, dict):
            reading = replace(reading, **{name: replace(getattr(reading, name), **change)})
        else:
            reading = replace(reading, **{name: change})
    return reading


def session(reading: AimReading | None, how: Setup | None = None, n: int = 30) -> Session:
    """After n of the same reading."""
    made = Session(how or setup(), 600 * S)
    for k in range(n):
        t_ns = S + k * 33 * MS
        made.step(None if reading is None else replace(reading, t_ns=t_ns), None, t_ns)
    return made
