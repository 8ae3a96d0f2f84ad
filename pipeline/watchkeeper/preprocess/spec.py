"""What an engine wants to be given: size, channels, layout, element type, normalisation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

_MAX_SIDE_PX = 16384
DARK_LEVEL = 5  # of 255: black but for the sensor's noise
SATURATED_LEVEL = 250  # of 255: clipped but for noise and compression

Triple = tuple[float, float, float]
Output = npt.NDArray[np.float32] | npt.NDArray[np.float16] | npt.NDArray[np.uint8]
Histogram = npt.NDArray[np.uint32]


class Layout(Enum):
    """Order of the output's axes, after a batch of one."""

    NHWC = "NHWC"
    NCHW = "NCHW"


@dataclass(frozen=True, slots=True)
class Exposure:
    """A region's grey levels (0..255, full range) and sharpness, by a grid of its pixels.

    histogram: (256,) counts. dark, saturated: shares of the pixels at DARK_LEVEL or below, at SATURATED_LEVEL or above;
    None where no pixel of the grid is in the picture. sharpness: mean square of the 4-neighbour Laplacian, levels
    squared (Subbarao, Choi and Nikzad, Optical Engineering 32(11), 1993); None where no pixel has four neighbours.
    """

    histogram: Histogram
    dark: float | None
    saturated: float | None
    sharpness: float | None

    @classmethod
    def of(cls, histogram: Histogram, squares: int, points: int) -> Exposure:
        """From the counts, the sum of the Laplacian's squares and the number of points in that sum."""
        pixels = int(histogram.sum())
        dark, saturated = int(histogram[: DARK_LEVEL + 1].sum()), int(histogram[SATURATED_LEVEL:].sum())
        return cls(
            histogram,
            dark / pixels if pixels else None,
            saturated / pixels if pixels else None,
            squares / points if points else None,
        )


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """One picture in an engine's input: element = value * scale + bias, value on 0..255 (R, G, B order, or grey).

    scale, bias, border: one number a channel; with one channel the first counts. border: the colour outside the
    picture on 0..255, before scale and bias; None continues the picture's edge. dtype "uint8" rounds half up and limits
    to 0..255; "float16" rounds to nearest, ties to even.
    Raises ValueError for a size, channel count or type it cannot mean.
    """

    width: int
    height: int
    channels: int = 3
    layout: Layout = Layout.NHWC
    dtype: str = "float32"
    scale: Triple = (1.0, 1.0, 1.0)
    bias: Triple = (0.0, 0.0, 0.0)
    border: Triple | None = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        if not (1 <= self.width <= _MAX_SIDE_PX and 1 <= self.height <= _MAX_SIDE_PX):
            raise ValueError(f"output size {self.width}x{self.height}: expected 1..{_MAX_SIDE_PX} each way")
        if self.channels not in (1, 3):
            raise ValueError(f"channels: expected 1 or 3, got {self.channels}")
        if self.dtype not in ("float32", "float16", "uint8"):
            raise ValueError(f"dtype: expected float32, float16 or uint8, got {self.dtype}")
        for values in (self.scale, self.bias, self.border or (0.0, 0.0, 0.0)):
            if len(values) != 3 or not all(math.isfinite(v) for v in values):
                raise ValueError(f"scale, bias, border: expected three finite numbers, got {values}")

    @classmethod
    def ranged(cls, width: int, height: int, low: float, high: float, *, channels: int = 3) -> OutputSpec:
        """Float NHWC with black at `low` and white at `high`: [0, 1] or [-1, 1] as the model asks."""
        scale = (high - low) / 255.0
        return cls(width, height, channels, scale=(scale, scale, scale), bias=(low, low, low))

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Shape of the output array, with the batch of one."""
        if self.layout is Layout.NCHW:
            return 1, self.channels, self.height, self.width
        return 1, self.height, self.width, self.channels

    def empty(self) -> Output:
        """A new array that fits."""
        if self.dtype == "uint8":
            return np.empty(self.shape, np.uint8)
        return np.empty(self.shape, np.float16 if self.dtype == "float16" else np.float32)

    def check(self, out: Output) -> None:
        """ValueError unless `out` has this type and shape (the batch axis may be missing)."""
        shape = self.shape
        if out.dtype != self.dtype or (out.shape != shape and out.shape != shape[1:]):
            raise ValueError(f"out: expected {self.dtype} {shape}, got {out.dtype} {out.shape}")
