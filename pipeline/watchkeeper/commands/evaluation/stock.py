"""The stock MediaPipe outputs on the same frames, as measurements: what a user would have instead.

Lids: one minus its blendshape `eyeBlink`. Head: its facial transformation matrix, put into the vehicle by the same
camera mounting as ours. It has no line of sight in degrees. Left and right are the driver's own in both.
"""

from __future__ import annotations

import json
import struct
import subprocess
from importlib.resources import files
from pathlib import Path

import numpy as np

from watchkeeper.clock import NS_PER_MS
from watchkeeper.commands.peers.task_file import task_file
from watchkeeper.errors import BadInputError
from watchkeeper.measure import rotations
from watchkeeper.preprocess.backends import open_preprocessor
from watchkeeper.preprocess.spec import Layout, OutputSpec
from watchkeeper.types import CameraGeometry, Eye, Face, Frame, Head, Measurement, Mouth, Region

_BLINK = 0.5  # the threshold that its users take; an eye is closed from here on
CLOSED_AT = 1.0 - _BLINK
_OPENGL_TO_OPENCV = np.diag([1.0, -1.0, -1.0])


class StockMeasures:
    """MediaPipe in a process and an interpreter of its own; `process` as perception has it."""

    def __init__(self, python: Path, width: int, height: int, camera: CameraGeometry) -> None:
        self._to_vehicle = np.array(camera.rotation_vehicle_to_camera).T
        self._spec = OutputSpec(width, height, layout=Layout.NHWC, dtype="uint8")
        self._whole = Region(width / 2, height / 2, float(width), float(height))
        self._rgb = self._spec.empty()
        self._to_rgb = open_preprocessor("cpu")
        script = str(files("watchkeeper.commands.peers") / "mediapipe_face_measures.py")
        self._process = subprocess.Popen(
            [str(python), script, task_file(python)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout
        self._to.write(f"{width} {height}\n".encode())

    def process(self, frame: Frame) -> Measurement:
        """One frame. Raises BadInputError when the process has ended."""
        self._to_rgb.run(frame, self._whole, self._spec, self._rgb)
        try:
            self._to.write(struct.pack("=q", frame.t_ns // NS_PER_MS) + self._rgb.tobytes())
            self._to.flush()
        except BrokenPipeError:
            raise BadInputError("--peer-python: MediaPipe ended; run its script by hand to see why") from None
        line = self._from.readline()
        if not line:
            raise BadInputError("--peer-python: MediaPipe ended; run its script by hand to see why")
        return to_measurement(line, frame.t_ns, frame.seq, self._to_vehicle)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._to.close()
        self._from.close()


def to_measurement(line: bytes, t_ns: int, seq: int, camera_to_vehicle: np.ndarray) -> Measurement:
    """One answer of the script as a measurement."""
    said = json.loads(line)
    if said is None:
        return Measurement(t_ns, seq, face_searched=True)
    turned = camera_to_vehicle @ _OPENGL_TO_OPENCV @ np.array(said["matrix"]).reshape(4, 4)[:3, :3]
    u, _, vt = np.linalg.svd(turned)  # its matrix has a scale of its own
    yaw, pitch, roll = rotations.to_angles(u @ vt)
    return Measurement(
        t_ns,
        seq,
        face=Face(1.0, (0.0, 0.0, 0.0, 0.0)),
        head=Head(yaw, pitch, roll),
        left_eye=Eye(1.0 - said["blink_left"]),
        right_eye=Eye(1.0 - said["blink_right"]),
        mouth=Mouth(min(max(said["jaw_open"], 0.0), 1.0)),
        face_searched=True,
    )
