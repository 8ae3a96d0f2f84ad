"""The names the bus, the events and the other process rely on."""

from __future__ import annotations

from watchkeeper import types


def test_labels_are_the_contracts_words() -> None:
    assert types.Warning.LONG_DISTRACTION.label == "LongDistraction"
    assert types.Warning.SYSTEM_UNAVAILABLE.label == "SystemUnavailable"
    assert types.Cause.VISION_RESTARTING.label == "VisionRestarting"


def test_region_corner_follows_rotation() -> None:
    region = types.Region(10.0, 20.0, 4.0, 2.0, rotation_rad=3.141592653589793 / 2)
    x, y = region.to_image(1.0, 0.5)
    assert abs(x - 10.0) < 1e-9
    assert abs(y - 22.0) < 1e-9
