"""Calibration for INT8 on TensorRT 8.5 to 10 (entropy, version 2). Optional: naive int8 broke the landmarks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorrt as trt

from watchkeeper.memory.cuda import primary


def calibrator(pictures: Sequence[Any], kept: bytes | None, keep: Callable[[bytes], None]) -> Any:
    """Feeds `pictures`, arrays of the network's only input, from mapped memory; with `kept`, none has to be looked at.

    kept: what an earlier calibration gave. keep: called with what this one gives. No picture is kept on disk.
    """
    array, address = primary().mapped(np.shape(pictures[0])) if pictures else (None, 0)
    waiting = list(pictures)

    class Calibrator(trt.IInt8EntropyCalibrator2):
        def __init__(self) -> None:
            trt.IInt8EntropyCalibrator2.__init__(self)

        def get_batch_size(self) -> int:
            return 1

        def get_batch(self, names: list[str]) -> list[int] | None:
            if array is None or not waiting:
                return None
            array[...] = waiting.pop(0)
            return [address]

        def read_calibration_cache(self) -> bytes | None:
            return kept

        def write_calibration_cache(self, cache: Any) -> None:
            keep(bytes(cache))

    return Calibrator()
