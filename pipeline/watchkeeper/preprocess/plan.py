"""From a region of the picture to the affine the kernel samples by. Pure arithmetic, no pixels.

Coordinates are continuous, in source and output alike: pixel (0, 0) covers [0, 1) x [0, 1), its centre is (0.5, 0.5).
"""

from __future__ import annotations

import math
from typing import NamedTuple

from watchkeeper.types import PixelFormat, Region

MAX_TAPS = 64  # as kMaxTaps in kernels/preprocess_core.h
# Chroma samples to a pixel, along x and y
CHROMA_PER_PX = {
    PixelFormat.I420: (0.5, 0.5),
    PixelFormat.NV12: (0.5, 0.5),
    PixelFormat.YUYV: (0.5, 1.0),
    PixelFormat.UYVY: (0.5, 1.0),
}
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
    """Sample points in an output pixel along its x and y: of luma (or R, G, B) and, on its coarser grid, of chroma."""

    x: int
    y: int
    chroma_x: int
    chroma_y: int


def affine(region: Region, width: int, height: int) -> Affine:
    """The affine that fills an output of width x height with `region`; agrees with `Region.to_image`.

    A negative w or h mirrors. ValueError for a region that is not finite or further away than 100 000 px.
    """
    if not all(abs(v) <= _MAX_SIDE_PX for v in (region.cx, region.cy, region.w, region.h)):
        raise ValueError(f"region: expected finite positions and sizes up to {_MAX_SIDE_PX:.0f} px, got {region}")
    if not math.isfinite(region.rotation_rad):
        raise ValueError(f"region: expected a finite rotation, got {region}")
    cos, sin = math.cos(region.rotation_rad), math.sin(region.rotation_rad)
    a, d = cos * region.w / width, sin * region.w / width
    b, e = -sin * region.h / height, cos * region.h / height
    return Affine(
        a, b, region.cx - 0.5 * (a * width + b * height),
        d, e, region.cy - 0.5 * (d * width + e * height),
    )  # fmt: skip


def taps(m: Affine, pixel_format: PixelFormat) -> Taps:
    """Sample points in an output pixel: one (bilinear) below a reduction by 2, from there on an area's, up to MAX_TAPS.

    One point reads a triangle two samples wide, so below a reduction by 2 no source pixel goes unread. From 2 on points
    are at most 1.5 samples apart; without the others source pixels would be left out and alias. Beyond a reduction by
    64.5 they are.
    """
    per_px_x, per_px_y = CHROMA_PER_PX.get(pixel_format, (1.0, 1.0))
    return Taps(
        _taps(math.hypot(m.a, m.d)),
        _taps(math.hypot(m.b, m.e)),
        _taps(math.hypot(m.a * per_px_x, m.d * per_px_y)),
        _taps(math.hypot(m.b * per_px_x, m.e * per_px_y)),
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
