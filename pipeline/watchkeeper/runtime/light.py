"""Keeps the driver's face in the light, where a camera was given to the program to expose (`exposure=face`)."""

from __future__ import annotations

import sys
from collections.abc import Callable

from watchkeeper.capture.source import ExposedByUs, Source
from watchkeeper.preprocess.spec import Histogram
from watchkeeper.runtime.exposure import ExposureController, ExposureRange, ExposureSetting

_MOST_OF_A_PERIOD = 0.5  # a longer exposure blurs a turning head, and slows the camera down beyond the whole period

_NS_PER_US = 1000

Step = Callable[[int], None]


def face_light(source: Source, levels: Callable[[], Histogram], frame_period_ns: int) -> Step | None:
    """What to call after each frame with its t_ns; None where the camera exposes by itself.

    levels: grey levels of the last frame's face, or of the picture while there is none. Only a changed setting is
    written to the camera. One that refuses is left alone from then on, which is said once: whether there are pictures
    is for others to judge.
    """
    control = source.exposure if isinstance(source, ExposedByUs) else None
    if control is None:
        return None
    longest_us = min(control.longest_us, _MOST_OF_A_PERIOD * frame_period_ns / _NS_PER_US)
    limits = ExposureRange(control.shortest_us, max(control.shortest_us, longest_us), control.largest_gain)
    controller: ExposureController | None = ExposureController(limits, ExposureSetting(*control.now()))

    def step(t_ns: int) -> None:
        nonlocal controller
        wanted = None if controller is None else controller.step(levels(), t_ns)
        if wanted is None:
            return
        try:
            control.write(wanted.exposure_us, wanted.gain)
        except OSError as error:
            print(
                f"watchkeeper-vision: {source.info.name}: cannot be exposed: {error.strerror or error}", file=sys.stderr
            )
            controller = None

    return step
