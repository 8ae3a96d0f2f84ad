"""The slow, obvious oracle of the fused pass, in double-precision numpy. What every fast one is compared with.

Whole pictures, one plain step after the other: unpack the components, sample them, mean, colour, normalise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from watchkeeper.memory.ledger import CopyLedger
from watchkeeper.preprocess import plan
from watchkeeper.preprocess.spec import Exposure, Histogram, Layout, Output, OutputSpec
from watchkeeper.types import ColorMatrix, Frame, PixelFormat, Region

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

# Weights of red and blue in luma: ITU-R BT.601-7 section 2.5.1, BT.709-6 section 3
_KR_KB = {
    ColorMatrix.BT601_LIMITED: (0.299, 0.114),
    ColorMatrix.BT601_FULL: (0.299, 0.114),
    ColorMatrix.BT709_LIMITED: (0.2126, 0.0722),
    ColorMatrix.BT709_FULL: (0.2126, 0.0722),
}
_WHITE = {PixelFormat.GREY10: 1023, PixelFormat.GREY16: 65535}
_GREY = (PixelFormat.GREY8, *_WHITE)
_LIMITED = (ColorMatrix.BT601_LIMITED, ColorMatrix.BT709_LIMITED)


class ReferencePreprocessor:
    """See Preprocessor; milliseconds where the others take microseconds."""

    def __init__(self) -> None:
        self.copies = CopyLedger()

    def run(self, frame: Frame, region: Region, spec: OutputSpec, out: Output) -> None:
        """See Preprocessor.run."""
        spec.check(out)
        m = plan.affine(region, spec.width, spec.height)
        taps = plan.taps(m, frame.format)
        shrink = 0.5**taps.level
        m = plan.Affine(*(v * shrink for v in m))
        components = [_boxes(samples, taps.level, 255.0 / _WHITE.get(frame.format, 255)) for samples in _unpack(frame)]
        yuv = frame.format in plan.CHROMA_PER_PX
        weighted, plain = (components[:1], components[1:]) if yuv else (components, [])

        sums = [np.zeros((spec.height, spec.width)) for _ in weighted]
        weights = np.zeros((spec.height, spec.width))
        for sx, sy in _points(m, spec, taps.x, taps.y):
            weight = np.ones_like(sx)
            if spec.border is not None:
                weight = _inside(sx, frame.width * shrink) * _inside(sy, frame.height * shrink)
            weights += weight
            for total, samples in zip(sums, weighted, strict=True):
                total += weight * _bilinear(samples, sx, sy)
        mean = [np.divide(total, weights, out=np.zeros_like(total), where=weights > 0) for total in sums]
        for samples in plain:
            # A chroma sample sits in the middle of the pixels it belongs to: its grid's coordinates are those scaled.
            kx, ky = plan.CHROMA_PER_PX[frame.format]
            points = _points(m, spec, taps.chroma_x, taps.chroma_y, pair_x=taps.pair_x, pair_y=taps.pair_y)
            read = [_bilinear(samples, sx * kx, sy * ky) for sx, sy in points]
            mean.append(np.mean(read, axis=0))

        inside = weights / (taps.x * taps.y)
        picture = out.reshape(spec.shape)[0]
        for k, channel in enumerate(_to_channels(frame, mean, spec.channels)):
            border = 0.0 if spec.border is None else spec.border[k]
            value = np.clip(channel, 0.0, 255.0) * inside + border * (1.0 - inside)
            value = value * spec.scale[k] + spec.bias[k]
            if spec.dtype == "uint8":
                value = np.floor(np.clip(value, 0.0, 255.0) + 0.5)
            target = picture[k] if spec.layout is Layout.NCHW else picture[:, :, k]
            target[...] = value

    def run_many(self, frame: Frame, regions: Sequence[Region], spec: OutputSpec, outs: Sequence[Output]) -> None:
        """See Preprocessor.run_many."""
        if len(regions) != len(outs) or not regions:
            raise ValueError(f"regions: expected one out each, got {len(regions)} and {len(outs)}")
        for out in outs:
            spec.check(out)
        for region, out in zip(regions, outs, strict=True):
            self.run(frame, region, spec, out)

    def start_many(self, frame: Frame, regions: Sequence[Region], spec: OutputSpec, outs: Sequence[Output]) -> None:
        """See Preprocessor.start_many: here it is done at once."""
        self.run_many(frame, regions, spec, outs)

    def exposure(self, frame: Frame, region: Region | None, step_px: int) -> Exposure:
        """See Preprocessor.exposure."""
        levels, x, y = self._hits(frame, region, step_px)
        histogram = np.bincount(levels[y, x], minlength=256).astype(np.uint32)
        inner = (x > 0) & (y > 0) & (x + 1 < frame.width) & (y + 1 < frame.height)
        x, y = x[inner], y[inner]
        laplacian = levels[y, x - 1] + levels[y, x + 1] + levels[y - 1, x] + levels[y + 1, x] - 4 * levels[y, x]
        return Exposure.of(histogram, int((laplacian**2).sum()), len(x))

    def statistics(self, frame: Frame, region: Region | None, step_px: int, out: Histogram | None = None) -> Histogram:
        """See Preprocessor.statistics."""
        levels, x, y = self._hits(frame, region, step_px)
        counts = np.bincount(levels[y, x], minlength=256).astype(np.uint32)
        if out is None:
            return counts
        out[:] = counts
        return out

    def close(self) -> None:
        """Nothing is held."""

    def _hits(self, frame: Frame, region: Region | None, step_px: int) -> tuple[Indices, Indices, Indices]:
        """Grey levels of the whole picture; column and row of each pixel that the grid hits, a flat list."""
        m, columns, rows = plan.grid(region, frame.width, frame.height, step_px)
        x, y = np.arange(columns)[None, :] + 0.5, np.arange(rows)[:, None] + 0.5
        sx, sy = m.a * x + (m.b * y + m.c), m.d * x + (m.e * y + m.f)
        hit = (sx >= 0) & (sy >= 0) & (sx < frame.width) & (sy < frame.height)
        grey = _to_channels(frame, _unpack(frame), 1)[0]
        levels = np.floor(np.clip(grey, 0.0, 255.0) + 0.5).astype(np.int64)
        return levels, sx[hit].astype(np.int64), sy[hit].astype(np.int64)


def _rows(frame: Frame, plane: int, row_bytes: int, rows: int) -> npt.NDArray[np.uint8]:
    data: npt.NDArray[np.uint8] = np.frombuffer(frame.planes[plane], np.uint8)
    stride = frame.strides[plane]
    needed = stride * (rows - 1) + row_bytes
    if stride < row_bytes or data.size < needed:
        raise ValueError(f"plane {plane}: {data.size} bytes at stride {stride}, expected at least {needed}")
    return np.stack([data[r * stride : r * stride + row_bytes] for r in range(rows)])


def _boxes(samples: Array, level: int, unit: float) -> Array:
    """Means of squares of 2**level samples a side, rounded to whole `unit`s (half up).

    A square that sticks out counts the outermost samples for what is missing.
    """
    if level == 0:
        return samples
    side = 1 << level
    rows, columns = samples.shape
    padded = np.pad(samples, ((0, -rows % side), (0, -columns % side)), mode="edge")
    means = padded.reshape(padded.shape[0] // side, side, padded.shape[1] // side, side).mean(axis=(1, 3))
    rounded: Array = np.floor(np.round(means / unit, 6) + 0.5) * unit
    return rounded


def _points(
    m: plan.Affine, spec: OutputSpec, taps_x: int, taps_y: int, *, pair_x: int = 0, pair_y: int = 0
) -> Iterator[tuple[Array, Array]]:
    """Source positions of each sample point of all output pixels at once, one point of a pixel after the other.

    pair_x, pair_y: 1 where two pixels share the point in their middle.
    """
    across, down = np.arange(spec.width)[None, :], np.arange(spec.height)[:, None]
    for j in range(taps_y):
        for i in range(taps_x):
            x = across // 2 * 2 + 1.0 if pair_x else across + (i + 0.5) / taps_x
            y = down // 2 * 2 + 1.0 if pair_y else down + (j + 0.5) / taps_y
            yield m.a * x + m.b * y + m.c, m.d * x + m.e * y + m.f


def _unpack(frame: Frame) -> list[Array]:
    """The components as they are stored: Y, U, V or R, G, B or grey."""
    w, h = frame.width, frame.height
    half_w, half_h = (w + 1) // 2, (h + 1) // 2
    match frame.format:
        case PixelFormat.I420:
            parts = [_rows(frame, 0, w, h), _rows(frame, 1, half_w, half_h), _rows(frame, 2, half_w, half_h)]
        case PixelFormat.NV12:
            uv = _rows(frame, 1, 2 * half_w, half_h)
            parts = [_rows(frame, 0, w, h), uv[:, 0::2], uv[:, 1::2]]
        case PixelFormat.YUYV:
            packed = _rows(frame, 0, 4 * half_w, h)
            parts = [packed[:, 0::2][:, :w], packed[:, 1::4], packed[:, 3::4]]
        case PixelFormat.UYVY:
            packed = _rows(frame, 0, 4 * half_w, h)
            parts = [packed[:, 1::2][:, :w], packed[:, 0::4], packed[:, 2::4]]
        case PixelFormat.RGB24 | PixelFormat.BGR24:
            pixels = _rows(frame, 0, 3 * w, h).reshape(h, w, 3)
            parts = [pixels[:, :, k] for k in ((0, 1, 2) if frame.format is PixelFormat.RGB24 else (2, 1, 0))]
        case PixelFormat.RGBA32 | PixelFormat.BGRA32:
            pixels = _rows(frame, 0, 4 * w, h).reshape(h, w, 4)
            parts = [pixels[:, :, k] for k in ((0, 1, 2) if frame.format is PixelFormat.RGBA32 else (2, 1, 0))]
        case PixelFormat.GREY10 | PixelFormat.GREY16:
            words = _rows(frame, 0, 2 * w, h).view("<u2").astype(np.float64)
            return [words * (255.0 / _WHITE[frame.format])]
        case PixelFormat.GREY8:
            parts = [_rows(frame, 0, w, h)]
    return [part.astype(np.float64) for part in parts]


def _bilinear(samples: Array, x: Array, y: Array) -> Array:
    h, w = samples.shape
    px, py = np.clip(x - 0.5, 0, w - 1), np.clip(y - 0.5, 0, h - 1)
    x0, y0 = np.floor(px).astype(int), np.floor(py).astype(int)
    x1, y1 = np.minimum(x0 + 1, w - 1), np.minimum(y0 + 1, h - 1)
    tx, ty = px - x0, py - y0
    top = samples[y0, x0] * (1 - tx) + samples[y0, x1] * tx
    bottom = samples[y1, x0] * (1 - tx) + samples[y1, x1] * tx
    mixed: Array = top * (1 - ty) + bottom * ty
    return mixed


def _inside(position: Array, extent: float) -> Array:
    """Share of a one-pixel box about `position` that lies in 0..extent."""
    share: Array = np.clip(np.minimum(position, extent - position) + 0.5, 0.0, 1.0)
    return share


def _to_channels(frame: Frame, components: list[Array], channels: int) -> list[Array]:
    """R, G, B or grey on 0..255, not yet limited to it."""
    kr, kb = _KR_KB[ColorMatrix(frame.color)]
    kg = 1.0 - kr - kb
    if frame.format in _GREY:
        return components * channels
    if frame.format not in plan.CHROMA_PER_PX:
        r, g, b = components
        return [r, g, b] if channels == 3 else [kr * r + kg * g + kb * b]
    if frame.color in _LIMITED:
        luma, c_scale = (components[0] - 16.0) * (255.0 / 219.0), 255.0 / 224.0
    else:
        luma, c_scale = components[0], 1.0
    if channels == 1:
        return [luma]
    cb, cr = (components[1] - 128.0) * c_scale, (components[2] - 128.0) * c_scale
    red, blue = luma + (2 - 2 * kr) * cr, luma + (2 - 2 * kb) * cb
    green = (luma - kr * red - kb * blue) / kg
    return [red, green, blue]
