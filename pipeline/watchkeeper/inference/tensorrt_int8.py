"""Calibration for INT8 on TensorRT 8.5 to 10 (entropy, version 2). Optional: naive int8 broke the landmarks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorrt as trt

from watchkeeper.memory.cuda import primary


def calibrator(batches: Sequence[Any]) -> Any:
    """Feeds `batches`, arrays of the network's only input, from mapped memory. Nothing is kept on disk."""
    array, address = primary().mapped(np.shape(batches[0]))
    waiting = list(batches)

    class Calibrator(trt.IInt8EntropyCalibrator2):
        def __init__(self) -> None:
            trt.IInt8EntropyCalibrator2.__init__(self)

        def get_batch_size(self) -> int:
            return 1

        def get_batch(self, names: list[str]) -> list[int] | None:
            if not waiting:
                return None
            array[...] = waiting.pop(0)
            return [address]

        def read_calibration_cache(self) -> bytes | None:
            return None

        def write_calibration_cache(self, cache: bytes) -> None:
            return None

    return Calibrator()
