"""The first runs of the engines, before a camera's picture is there."""

from __future__ import annotations

import numpy as np

from watchkeeper.runtime.open_perception import perception_for
from watchkeeper.runtime.settings import Settings
from watchkeeper.types import ColorMatrix, Frame, PixelFormat

_FRAMES = 3


def warm_up(settings: Settings) -> None:
    """First runs of an engine allocate and are slow. A perception of its own takes them, so that the real one's filters
    and baseline never see a picture that no camera took."""
    width, height = settings.camera.width, settings.camera.height
    grey = np.full((height, width), 128, np.uint8)
    frame = Frame(0, 0, width, height, PixelFormat.GREY8, ColorMatrix.BT601_FULL, (grey,), (width,))
    perception = perception_for(settings)
    try:
        for _ in range(_FRAMES):
            perception.process(frame)
    finally:
        perception.close()
