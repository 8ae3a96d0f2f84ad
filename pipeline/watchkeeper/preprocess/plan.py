"""From a region of the picture to the affine the kernel samples by. Pure arithmetic, no pixels.

Coordinates are continuous, in source and output alike: pixel (0, 0) covers [0, 1) x [0, 1), its centre is (0.5, 0.5).
"""

from __future__ import annotations

import math
from typing import NamedTuple

from watchkeeper.types import PixelFormat, Region

MAX_TAPS = 64  # as kMaxTaps in kernels/preprocess_core.h
MAX_LEVEL = 6  # as kMaxLevel in kernels/box_core.h
# Chroma samples to a pixel, along x and y
CHROMA_PER_PX = {
    PixelFormat.I420: (0.5, 0.5),
    PixelFormat.NV12: (0.5, 0.5),
    PixelFormat.YUYV: (0.5, 1.0),
    PixelFormat.UYVY: (0.5, 1.0),
}
_PER_PX = tuple(CHROMA_PER_PX.get(pixel_format) for pixel_format in PixelFormat)  # by number: no enum is hashed a frame
_MAX_SIDE_PX = 1e5


class Affine(NamedTuple):
    """Output to source: sx = a (x + 0.5) + b (y + 0.5) + c; sy = d (x + 0.5) + e (y + 0.5) + f."""

    a: float
    b: float
    c: float
    d: float
    e: float
    f: float


class Taps(NamedTuple):
    """How an output pixel is sampled.

    x, y: sample points in it along its x and y, of luma (or R, G, B); chroma_x, chroma_y: of chroma, on its coarser
    grid. level: the picture is averaged in squares of 2**level px before. pair_x, pair_y: 1 where two neighbouring
    output pixels share the chroma point in their middle.
    """

    x: int
    y: int
    chroma_x: int
    chroma_y: int
    level: int = 0
    pair_x: int = 0
    pair_y: int = 0


def affine(region: Region, width: int, height: int) -> Affine:
    """The affine that fills an output of width x height with `region`; agrees with `Region.to_image`.

    A negative w or h mirrors. ValueError for a region that is not finite or further away than 100 000 px.
    """
    cx, cy, w, h, rotation_rad = region.cx, region.cy, region.w, region.h, region.rotation_rad
    most = _MAX_SIDE_PX
    if not (-most <= cx <= most and -most <= cy <= most and -most <= w <= most and -most <= h <= most):
        raise ValueError(f"region: expected finite positions and sizes up to {_MAX_SIDE_PX:.0f} px, got {region}")
    if not math.isfinite(rotation_rad):
        raise ValueError(f"region: expected a finite rotation, got {region}")
    cos, sin = math.cos(rotation_rad), math.sin(rotation_rad)
    a, d = cos * w / width, sin * w / width
    b, e = -sin * h / height, cos * h / height
    return Affine(a, b, cx - 0.5 * (a * width + b * height), d, e, cy - 0.5 * (d * width + e * height))


def taps(m: Affine, pixel_format: PixelFormat) -> Taps:
    """How to sample so that nothing is left out: one point (bilinear) below a reduction by 2, from there on an area's.

    One point reads a triangle two samples wide, so below a reduction by 2 no source pixel goes unread. From 2 on:
    - along the picture's axes by points at most 1.5 samples apart, up to MAX_TAPS of them;
    - turned, by averaging the picture in squares of 2**level px, the most that leaves no direction enlarged, and what
      is left to do by points as above.
    Where one chroma point a pixel is more than the grid holds (more than half a sample a pixel, less than one), two
    pixels share one.
    """
    a, b, _, d, e, _ = m
    reduction_x, reduction_y = math.hypot(a, d), math.hypot(b, e)
    per_px = _PER_PX[pixel_format]
    if per_px is None:
        chroma_x, chroma_y = reduction_x, reduction_y
    else:
        chroma_x, chroma_y = math.hypot(a * per_px[0], d * per_px[1]), math.hypot(b * per_px[0], e * per_px[1])
    level = 0
    if reduction_x >= 2.0 or reduction_y >= 2.0:
        if b == 0.0 and d == 0.0:
            return Taps(_taps(reduction_x), _taps(reduction_y), _taps(chroma_x), _taps(chroma_y))
        level = min(max(math.frexp(min(reduction_x, reduction_y))[1] - 1, 0), MAX_LEVEL)
        shrink = 0.5**level
        reduction_x, reduction_y = reduction_x * shrink, reduction_y * shrink
        chroma_x, chroma_y = chroma_x * shrink, chroma_y * shrink
    return Taps(
        1 if reduction_x < 2.0 else _taps(reduction_x),
        1 if reduction_y < 2.0 else _taps(reduction_y),
        1 if chroma_x < 2.0 else _taps(chroma_x),
        1 if chroma_y < 2.0 else _taps(chroma_y),
        level,
        1 if per_px is not None and 0.5 < chroma_x < 1.0 else 0,
        1 if per_px is not None and 0.5 < chroma_y < 1.0 else 0,
    )


def _taps(reduction: float) -> int:
    return 1 if reduction < 2.0 else min(math.ceil(reduction - 0.5), MAX_TAPS)


def full_frame(width: int, height: int) -> Region:
    """The square around the whole picture, centred on it: letterboxed where the picture is not square."""
    side = float(max(width, height))
    return Region(width / 2, height / 2, side, side)


def grid(region: Region | None, width: int, height: int, step_px: int) -> tuple[Affine, int, int]:
    """Points `step_px` apart over `region` (default: the whole picture): affine, columns, rows, at least one each way.

    ValueError for a step below one pixel.
    """
    if step_px < 1:
        raise ValueError(f"step_px: expected at least 1, got {step_px}")
    if region is None:
        region = Region(width / 2, height / 2, float(width), float(height))
    columns = max(math.ceil(abs(region.w) / step_px), 1)
    rows = max(math.ceil(abs(region.h) / step_px), 1)
    return affine(region, columns, rows), columns, rows
