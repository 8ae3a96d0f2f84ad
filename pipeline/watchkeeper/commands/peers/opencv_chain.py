"""Run by another interpreter (tools/bench kernels): OpenCV doing what the fused pass does, one thread.

argv: width, height, rounds, side of the output, "crop" or "full" (of NV12; "luma-crop", "luma-full": of grey, and
the chains are INTER_LINEAR alone and with averaging by area), and six numbers with commas between them: the affine
from output to source with pixel centres at whole numbers, as OpenCV has them. stdin: the picture. Writes a line of
JSON with the times of each chain in ns, then the two outputs, naive and best, as float32.
"""

from __future__ import annotations

import functools
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np


def naive(nv12: Any, m: Any, side: int, reduce: bool) -> Any:
    """The whole picture to RGB, then crop, then float: as written by most."""
    rgb = cv2.cvtColor(nv12, cv2.COLOR_YUV2RGB_NV12)
    if reduce:
        small = cv2.resize(_square(rgb), (side, side), interpolation=cv2.INTER_AREA)
    else:
        small = cv2.warpAffine(rgb, m, (side, side), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return small.astype(np.float32) / 255.0


def best(nv12: Any, m: Any, side: int, reduce: bool) -> Any:
    """Planes sampled first, small ones converted: what someone who knows the format writes."""
    height = nv12.shape[0] * 2 // 3
    luma, chroma = nv12[:height], nv12[height:].reshape(height // 2, -1, 2)
    if reduce:
        y = cv2.resize(_square(luma), (side, side), interpolation=cv2.INTER_AREA)
        uv = cv2.resize(_square(chroma, 128), (side // 2, side // 2), interpolation=cv2.INTER_AREA)
    else:
        y = _warped(luma, m, side, 0)
        # Chroma at half the output's size: its grid is half as fine in the source too
        shifted = m.copy()
        shifted[:, 2] = (m[:, 0] + m[:, 1]) * 0.25 + m[:, 2] * 0.5 - 0.25
        uv = _warped(chroma, shifted, side // 2, 128)
    rgb = cv2.cvtColorTwoPlane(y, uv, cv2.COLOR_YUV2RGB_NV12)
    return cv2.multiply(rgb, (1 / 255.0,) * 4, dtype=cv2.CV_32F)


def _warped(plane: Any, m: Any, side: int, fill: int) -> Any:
    """Bilinear; what is reduced by two or more is averaged first, as warpAffine alone would alias."""
    factor = int(np.hypot(m[0, 0], m[1, 0]))
    if factor > 1:
        corners = m @ np.array([[0, side, 0, side], [0, 0, side, side], [1, 1, 1, 1]], np.float64)
        x0, y0 = np.maximum(np.floor(corners.min(axis=1)).astype(int) - factor, 0)
        x1, y1 = np.minimum(np.ceil(corners.max(axis=1)).astype(int) + factor, (plane.shape[1], plane.shape[0]))
        columns, rows = (x1 - x0) // factor, (y1 - y0) // factor
        part = plane[y0 : y0 + rows * factor, x0 : x0 + columns * factor]
        plane = cv2.resize(part, (int(columns), int(rows)), interpolation=cv2.INTER_AREA)
        m = m / factor
        m[:, 2] -= (np.array([x0, y0]) + (factor - 1) / 2) / factor
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(plane, m, (side, side), flags=flags, borderValue=(fill, fill))


def _luma(picture: Any, m: Any, side: int, reduce: bool, area: bool) -> Any:
    if reduce:
        how = cv2.INTER_AREA if area else cv2.INTER_LINEAR
        return cv2.resize(picture, (side, side), interpolation=how).astype(np.float32)
    if area:
        return _warped(picture, m, side, 0).astype(np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(picture, m, (side, side), flags=flags).astype(np.float32)


def _square(picture: Any, fill: int = 0) -> Any:
    height, width = picture.shape[:2]
    top = (max(width, height) - height) // 2
    return cv2.copyMakeBorder(picture, top, top, 0, 0, cv2.BORDER_CONSTANT, value=(fill,) * 4)


def _timed(chain: Callable[..., Any], rounds: int, *arguments: Any) -> tuple[list[int], Any]:
    out = chain(*arguments)
    took = []
    for _ in range(rounds):
        began = time.perf_counter_ns()
        out = chain(*arguments)
        took.append(time.perf_counter_ns() - began)
    return took, out


def main() -> None:
    """See the module."""
    cv2.setNumThreads(1)
    width, height, rounds, side = (int(text) for text in sys.argv[1:5])
    matrix = np.array([float(text) for text in sys.argv[6].split(",")], np.float64).reshape(2, 3)
    luma = sys.argv[5].startswith("luma")
    data = np.frombuffer(sys.stdin.buffer.read(), np.uint8).reshape(height if luma else height * 3 // 2, width)
    chains: tuple[tuple[str, Callable[..., Any]], ...] = (("naive", naive), ("best", best))
    if luma:
        chains = (("naive", functools.partial(_luma, area=False)), ("best", functools.partial(_luma, area=True)))
    outs: list[Any] = []
    took: dict[str, Any] = {"opencv": cv2.__version__}
    for name, chain in chains:
        times, out = _timed(chain, rounds, data, matrix, side, sys.argv[5].endswith("full"))
        took[name] = times
        outs.append(np.ascontiguousarray(out, np.float32))
    sys.stdout.buffer.write(json.dumps(took).encode() + b"\n")
    for out in outs:
        sys.stdout.buffer.write(out.tobytes())


if __name__ == "__main__":
    main()
