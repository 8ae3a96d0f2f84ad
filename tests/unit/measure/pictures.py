"""Pictures of what goes wrong in front of a camera, made from a drive: the lens covered, the eyes hidden, nobody there.

All are one-channel pictures, as an infrared sensor gives them. Places on the face come from the face's box, which is
that of all landmarks: on a face that looks ahead the eyes lie at fixed shares of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from watchkeeper.capture.source import EndOfSource, open_source
from watchkeeper.types import ColorMatrix, Frame, PixelFormat

Picture = NDArray[np.float64]  # (height, width), grey levels 0..255
Box = tuple[float, float, float, float]
Spoils = Callable[[Picture, Box], Picture]

# Shares of the face's box, measured on the demo drive: centre and half size of what covers one eye.
_EYE_X, _EYE_Y = 0.225, 0.315
_LENS_X, _LENS_Y = 0.19, 0.13
_LENS_MOUTH = (0.5, 0.77)


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture of the drive and its time."""

    t_ns: int
    picture: Picture


def drive(clip: Path, start_s: float, seconds: float) -> Iterator[Shot]:
    """The luma of every second frame of `clip` from start_s on, full range."""
    with closing(open_source(f"file:{clip}", paced=False)) as source:
        while True:
            try:
                lease = source.next(10.0)
            except EndOfSource:
                return
            assert lease is not None
            with lease:
                frame = lease.frame
                since_s = frame.t_ns / 1e9 - start_s
                if since_s >= seconds:
                    return
                if since_s >= 0.0 and frame.seq % 2 == 0:
                    rows = np.frombuffer(frame.planes[0], np.uint8)[: frame.strides[0] * frame.height]
                    luma = rows.reshape(frame.height, frame.strides[0])[:, : frame.width].astype(np.float64)
                    limited = frame.color in (ColorMatrix.BT601_LIMITED, ColorMatrix.BT709_LIMITED)
                    yield Shot(frame.t_ns, np.clip((luma - 16.0) * 255.0 / 219.0, 0, 255) if limited else luma)


def grey_frame(picture: Picture, t_ns: int, seq: int = 0, kind: PixelFormat = PixelFormat.GREY8) -> Frame:
    """The picture as a frame of one channel: GREY8, or GREY10 or GREY16 as raw infrared sensors give them."""
    height, width = picture.shape
    white, dtype = {
        PixelFormat.GREY8: (255.0, np.uint8), PixelFormat.GREY10: (1023.0, np.uint16),
        PixelFormat.GREY16: (65535.0, np.uint16),
    }[kind]  # fmt: skip
    plane = np.ascontiguousarray(np.clip(np.rint(picture * (white / 255.0)), 0, white).astype(dtype))
    return Frame(t_ns, seq, width, height, kind, ColorMatrix.BT601_FULL, (plane,), (plane.strides[0],))


def dark_lenses(picture: Picture, box: Box) -> Picture:
    """Sunglasses that let next to nothing through."""
    return _over_eyes(picture, box, lambda part: 0.06 * part + 8.0)


def mirrored_lenses(picture: Picture, box: Box) -> Picture:
    """Sunglasses that show the windscreen: bright, with a ramp across."""
    return _over_eyes(picture, box, lambda part: 0.08 * part + np.linspace(150.0, 235.0, part.shape[1])[None, :])


def clear_lenses(picture: Picture, box: Box) -> Picture:
    """Clear glasses, slightly tinted: the eyes are to be seen."""
    return _over_eyes(picture, box, lambda part: 0.85 * part + 6.0)


def patch_on_right_eye(picture: Picture, box: Box) -> Picture:
    """A plaster over the driver's right eye, which the picture shows on its left."""
    return _over_eyes(picture, box, lambda part: _skin(picture, box, part), sides=(-1.0,))


def hand_over_eyes(picture: Picture, box: Box) -> Picture:
    """A palm across both eyes, of the face's own tone."""
    x, y, w, h = box
    return _over(
        picture, (x + 0.5 * w, y + (_EYE_Y - 0.04) * h, 0.62 * w, 0.24 * h), lambda part: _skin(picture, box, part)
    )


def hand_over_face(picture: Picture, box: Box) -> Picture:
    """A palm close to the camera's side of the face: all of it is gone."""
    x, y, w, h = box
    return _over(picture, (x + 0.5 * w, y + 0.5 * h, 0.7 * w, 0.65 * h), lambda part: _skin(picture, box, part))


def covered_lens(picture: Picture, box: Box) -> Picture:
    """A finger on the lens: one tone with a soft shade across."""
    height, width = picture.shape
    return np.asarray(48.0 + 6.0 * np.linspace(0, 1, width)[None, :] + 4.0 * np.linspace(0, 1, height)[:, None])


def darkness(picture: Picture, box: Box) -> Picture:
    """A night without infrared light, with the sensor's noise."""
    noise = np.random.default_rng(int(picture.sum()) & 0xFFFF).normal(0.0, 1.5, picture.shape)
    return np.asarray(np.clip(0.02 * picture + 2.0 + noise, 0, 255))


def glare(picture: Picture, box: Box) -> Picture:
    """Sun into the lens: nearly all of the picture is clipped."""
    return np.asarray(np.clip(picture * 1.5 + 190.0, 0, 255))


def out_of_focus(picture: Picture, box: Box) -> Picture:
    """A lens that is fogged or out of focus: averages over 25 pixels, twice."""
    return _blur(_blur(picture, 25), 25)


def as_it_is(picture: Picture, box: Box) -> Picture:
    """Nothing wrong."""
    return picture


def with_passenger(picture: Picture, box: Box) -> Picture:
    """A second, smaller face behind the driver, at the edge of the picture."""
    x, y, w, h = (round(v) for v in box)
    face = picture[max(y - h // 5, 0) : y + h + h // 10, max(x - w // 8, 0) : x + w + w // 8]
    small = face[::2, ::2]
    spoilt: Picture = picture.copy()
    spoilt[20 : 20 + small.shape[0], 8 : 8 + small.shape[1]] = small
    return np.asarray(spoilt, np.float64)


def _skin(picture: Picture, box: Box, part: Picture) -> Picture:
    x, y, w, h = box
    cheek = picture[round(y + 0.55 * h) : round(y + 0.62 * h), round(x + 0.2 * w) : round(x + 0.3 * w)]
    rough = np.random.default_rng(5).normal(0.0, 2.0, part.shape)
    return np.asarray(float(np.median(cheek)) + rough + np.linspace(-4.0, 4.0, part.shape[1])[None, :])


def _over_eyes(
    picture: Picture, box: Box, paint: Callable[[Picture], Picture], sides: tuple[float, ...] = (-1.0, 1.0)
) -> Picture:
    x, y, w, h = box
    for side in sides:
        picture = _over(picture, (x + (0.5 + side * _EYE_X) * w, y + _EYE_Y * h, _LENS_X * w, _LENS_Y * h), paint)
    return picture


def _over(picture: Picture, ellipse: Box, paint: Callable[[Picture], Picture]) -> Picture:
    """`paint` inside a squarish ellipse of centre x, y and half widths, with soft edges."""
    cx, cy, rx, ry = ellipse
    x0, x1 = max(int(cx - rx), 0), min(int(cx + rx) + 1, picture.shape[1])
    y0, y1 = max(int(cy - ry), 0), min(int(cy + ry) + 1, picture.shape[0])
    part = picture[y0:y1, x0:x1]
    v, u = np.mgrid[y0:y1, x0:x1]
    inside = np.clip((1.0 - (np.abs((u - cx) / rx) ** 3 + np.abs((v - cy) / ry) ** 3)) * 8.0, 0.0, 1.0)
    spoilt: Picture = picture.copy()
    spoilt[y0:y1, x0:x1] = np.clip(inside * paint(part) + (1.0 - inside) * part, 0, 255)
    return np.asarray(spoilt, np.float64)


def _blur(picture: Picture, side_px: int) -> Picture:
    half = side_px // 2
    for axis in (0, 1):
        padded = np.pad(picture, [(half + 1, half) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
        summed = np.cumsum(padded, axis=axis)
        upper, lower = np.moveaxis(summed, axis, 0)[side_px:], np.moveaxis(summed, axis, 0)[:-side_px]
        picture = np.moveaxis((upper - lower) / side_px, 0, axis)
    return picture
