"""OpenCV and ONNX Runtime as a peer of `bench pipeline`: the same two networks, put together as most would do it.

Run by an interpreter that has cv2 and onnxruntime; imports nothing of watchkeeper. argv: the face detector and the
478-point landmark network as ONNX files. Protocol over stdin/stdout, binary, native byte order: `WIDTH HEIGHT\n`, then
for each frame int64 time stamp in ms and WIDTH*HEIGHT*3 bytes RGB; the answer to each is int64 nanoseconds from
pixels to landmarks in the picture, int64 resident bytes, int64 faces found. Ends with stdin. Sessions have ONNX
Runtime's own defaults; the detector runs only where no face is being followed, as in MediaPipe's graph.
"""

from __future__ import annotations

import struct
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
import onnxruntime as ort

_RIGHT_OUTER, _LEFT_OUTER = 33, 263  # outer eye corners among the 478 points
_MARGIN = 1.5
_SCORE, _OVERLAP = 0.5, 0.3


class Landmarker:
    """One face in RGB pictures of one size."""

    def __init__(self, detector: str, landmarks: str) -> None:
        self._detector = ort.InferenceSession(detector, providers=["CPUExecutionProvider"])
        self._landmarks = ort.InferenceSession(landmarks, providers=["CPUExecutionProvider"])
        centres = []
        for cells, each in ((16, 2), (8, 6)):
            grid = (np.arange(cells) + 0.5) / cells
            y, x = np.meshgrid(grid, grid, indexing="ij")
            centres.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), each, axis=0))
        self._centres = np.concatenate(centres)
        self._face: tuple[float, float, float, float] | None = None  # centre x, y, side, rotation

    def process(self, rgb: Any) -> Any:
        """(478, 3) landmarks in image pixels, None without a face."""
        if self._face is None:
            self._face = self._detect(rgb)
        if self._face is None:
            return None
        points, p = self._track(rgb, self._face)
        if p < _SCORE:
            self._face = None
            return None
        low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
        centre, side = (low + high) / 2, _MARGIN * float((high - low).max())
        eyes = points[_LEFT_OUTER, :2] - points[_RIGHT_OUTER, :2]
        self._face = float(centre[0]), float(centre[1]), side, float(np.arctan2(eyes[1], eyes[0]))
        return points

    def _detect(self, rgb: Any) -> tuple[float, float, float, float] | None:
        height, width = rgb.shape[:2]
        side = max(height, width)
        top, left = (side - height) // 2, (side - width) // 2
        square = cv2.copyMakeBorder(rgb, top, side - height - top, left, side - width - left, cv2.BORDER_CONSTANT)
        small = cv2.resize(square, (128, 128), interpolation=cv2.INTER_AREA).astype(np.float32) / 127.5 - 1.0
        boxes, scores = _by_size(_run(self._detector, small))
        boxes, scores = boxes.reshape(-1, 16) / 128.0, 1.0 / (1.0 + np.exp(-np.clip(scores.reshape(-1), -60, 60)))
        boxes[:, :2] += self._centres
        boxes[:, 4:] += np.tile(self._centres, 6)
        corners = [[x - w / 2, y - h / 2, w, h] for x, y, w, h in boxes[:, :4].tolist()]
        kept = np.asarray(cv2.dnn.NMSBoxes(corners, scores.tolist(), _SCORE, _OVERLAP)).reshape(-1)
        if len(kept) == 0:
            return None
        best = boxes[max(kept, key=lambda i: float(boxes[i, 2]))] * side
        angle = np.arctan2(best[7] - best[5], best[6] - best[4])
        return float(best[0]) - left, float(best[1]) - top, _MARGIN * float(max(best[2], best[3])), float(angle)

    def _track(self, rgb: Any, face: tuple[float, float, float, float]) -> tuple[Any, float]:
        x, y, side, angle = face
        c, s = np.cos(angle) * side / 256, np.sin(angle) * side / 256
        matrix = np.array([[c, -s, x - 128 * (c - s)], [s, c, y - 128 * (s + c)]])  # crop to picture
        crop = cv2.warpAffine(rgb, matrix, (256, 256), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        outputs = [out.reshape(-1) for out in _run(self._landmarks, crop.astype(np.float32) / 255.0)]
        raw = max(outputs, key=len).reshape(478, 3)
        # of the two single numbers the first is the face's presence
        logit = next(float(out[0]) for out in outputs if len(out) == 1)
        points = np.empty_like(raw)
        points[:, :2] = raw[:, :2] @ matrix[:, :2].T + matrix[:, 2]
        points[:, 2] = raw[:, 2] * side / 256
        return points, 1.0 / (1.0 + float(np.exp(-logit)))


def _run(session: Any, picture: Any) -> list[Any]:
    entry = session.get_inputs()[0]
    batch = picture[None] if entry.shape[-1] == 3 else np.ascontiguousarray(picture.transpose(2, 0, 1))[None]
    outputs: list[Any] = session.run(None, {entry.name: batch})
    return outputs


def _by_size(outputs: list[Any]) -> tuple[Any, Any]:
    large, small = sorted(outputs, key=lambda out: -out.size)
    return large.astype(np.float64), small.astype(np.float64)


def main(detector: str, landmarks: str) -> int:
    """Serve frames until stdin ends."""
    frames, answers = sys.stdin.buffer, sys.stdout.buffer
    width, height = (int(number) for number in frames.readline().split())
    landmarker = Landmarker(detector, landmarks)
    while len(frames.read(8)) == 8:
        pixels = np.frombuffer(_exactly(frames, width * height * 3), np.uint8).reshape(height, width, 3)
        began = time.perf_counter_ns()
        points = landmarker.process(pixels)
        took = time.perf_counter_ns() - began
        answers.write(struct.pack("=qqq", took, _resident_bytes(), points is not None))
        answers.flush()
    return 0


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise SystemExit("the frame was cut off")
    return data


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
