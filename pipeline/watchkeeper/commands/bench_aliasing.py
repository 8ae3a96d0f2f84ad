"""`bench kernels --aliasing`: what a reduction leaves of detail finer than the output can hold, beside OpenCV's ways.

Every result is compared with the exact mean of the picture over each output pixel's square: the picture as squares of
one level each, the mean by at least 16 points a source pixel on each axis (turned) or by the squares' overlaps
(upright), in double precision. Errors are on 0..255.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from watchkeeper.commands.bench_peer import opencv
from watchkeeper.preprocess import plan
from watchkeeper.preprocess.backends import open_preprocessor
from watchkeeper.preprocess.spec import OutputSpec
from watchkeeper.types import ColorMatrix, Frame, PixelFormat, Region

Picture = NDArray[np.uint8]
Levels = NDArray[np.float64]

SIDE = 96  # of every output, px
POINTS_PER_PX = 16
_TURN_RAD = 0.3
# Of the benched cases: the crop at 720p, 1080p and 4K; the whole picture at 720p and 1080p
_CASES = (("turned", 1.69), ("turned", 2.53), ("turned", 5.06), ("upright", 10.0), ("upright", 7.3))


@dataclass(frozen=True, slots=True)
class Case:
    """A square picture, reduced as a whole or, turned, from its middle."""

    name: str
    picture: Picture
    region: Region
    reduction: float

    @property
    def affine(self) -> plan.Affine:
        """Output to source."""
        return plan.affine(self.region, SIDE, SIDE)


def cases() -> Iterator[Case]:
    """A zone plate and white noise at each reduction."""
    for kind, reduction in _CASES:
        crop = SIDE * reduction
        extent = int(np.ceil(crop * (1.4 if kind == "turned" else 1.0))) + 16 * (kind == "turned")
        region = Region(extent / 2, extent / 2, crop, crop, _TURN_RAD if kind == "turned" else 0.0)
        for name, picture in (("zone plate", zone_plate(extent)), ("noise", noise(extent))):
            yield Case(f"{name}, {kind}, by {reduction}", picture, region, reduction)


def zone_plate(extent: int) -> Picture:
    """Rings about the middle, finer with the distance: half a cycle a pixel at the middle of each edge."""
    at = np.arange(extent) + 0.5 - extent / 2
    squared = at[None, :] ** 2 + at[:, None] ** 2
    made: Picture = np.floor(127.5 + 127.5 * np.cos(squared * np.pi / extent) + 0.5).clip(0, 255).astype(np.uint8)
    return made


def noise(extent: int) -> Picture:
    """Every pixel by itself, 0..255."""
    return np.random.default_rng(7).integers(0, 256, (extent, extent), dtype=np.uint8)


def exact(picture: Picture, m: plan.Affine, side: int) -> Levels:
    """(side, side) means of the picture over the output pixels' squares; see the module. All have to be inside."""
    if m.b == 0.0 and m.d == 0.0:
        across = _overlaps(m.a, m.c, side, picture.shape[1])
        down = _overlaps(m.e, m.f, side, picture.shape[0])
        upright: Levels = down @ picture.astype(np.float64) @ across.T
        return upright
    points = int(np.ceil(POINTS_PER_PX * max(np.hypot(m.a, m.d), np.hypot(m.b, m.e))))
    within = (np.arange(points) + 0.5) / points
    u = (np.arange(side)[:, None] + within[None, :]).reshape(1, -1)
    made = np.empty((side, side))
    for y in range(side):  # a row at a time: all at once would be gigabytes
        v = (y + within)[:, None]
        sx, sy = (m.a * u + m.b * v + m.c).astype(np.int32), (m.d * u + m.e * v + m.f).astype(np.int32)
        made[y] = picture[sy, sx].reshape(points, side, points).mean(axis=(0, 2))
    return made


def _overlaps(scale: float, origin: float, side: int, extent: int) -> Levels:
    """(side, extent): the share that each source pixel has in each output pixel."""
    low = np.arange(side)[:, None] * scale + origin
    at = np.arange(extent)[None, :]
    covered = np.minimum(low + scale, at + 1) - np.maximum(low, at)
    shares: Levels = np.clip(covered, 0.0, None) / scale
    return shares


def ours(case: Case) -> Levels:
    """The fused pass over the case, one channel."""
    extent = case.picture.shape[0]
    frame = Frame(0, 0, extent, extent, PixelFormat.GREY8, ColorMatrix.BT601_FULL, (case.picture,), (extent,))
    spec = OutputSpec(SIDE, SIDE, channels=1)
    out = spec.empty()
    open_preprocessor("cpu").run(frame, case.region, spec, out)
    return out[0, :, :, 0].astype(np.float64)


def errors(got: NDArray[np.floating], expected: Levels) -> tuple[float, float]:
    """(root mean square, largest) difference, levels."""
    off = np.abs(got - expected)
    return float(np.sqrt((off**2).mean())), float(off.max())


def run(peer_python: Path | None, json_path: Path | None) -> int:
    """Print the table (Markdown), a row a case. Without a peer only our own errors."""
    rows: list[dict[str, object]] = []
    header = ["picture, region, reduction", "watchkeeper"]
    if peer_python is not None:
        header += ["OpenCV INTER_LINEAR", "OpenCV, averaged by area first"]
    print(f"RMS / largest error, levels of 255\n\n| {' | '.join(header)} |\n|{'---|' * len(header)}")
    for case in cases():
        expected = exact(case.picture, case.affine, SIDE)
        found = {"watchkeeper": errors(ours(case), expected)}
        if peer_python is not None:
            kind = "luma-crop" if case.region.rotation_rad else "luma-full"
            extent = case.picture.shape[0]
            _, outputs = opencv(peer_python, case.picture, (extent, extent), case.affine, SIDE, kind, 1)
            found["linear"], found["area"] = (errors(outputs[name][:, :, 0], expected) for name in ("naive", "best"))
        print(f"| {case.name} | {' | '.join(f'{rms:.2f} / {most:.1f}' for rms, most in found.values())} |", flush=True)
        rows.append({"case": case.name, "errors": found})
    if json_path is not None:
        json_path.write_text(json.dumps({"bench": "kernels-aliasing", "results": rows}, indent=2) + "\n")
    return 0
