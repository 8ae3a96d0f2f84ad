"""What a user would pick instead, as processes of their own beside `bench pipeline`: MediaPipe, OpenCV + ONNX Runtime.

Each is a script of `commands/peers` under an interpreter that has what it needs; tools/bench makes both.
"""

from __future__ import annotations

import contextlib
import os
import struct
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

import watchkeeper
from watchkeeper.commands.peers.installed_size import installed_bytes
from watchkeeper.commands.peers.task_file import task_file
from watchkeeper.data import data_path
from watchkeeper.errors import BadInputError
from watchkeeper.inference.manifest import load_manifest, model_file
from watchkeeper.inference.onnx_file import onnx_bytes
from watchkeeper.runtime.networks import DETECTOR, LANDMARKS

_ANSWER = struct.Struct("=qqq")


class Block:
    """RGB frames of one block in a file in memory, not in this process's address space."""

    def __init__(self, fd: int, frame_bytes: int) -> None:
        self.fd, self.frame_bytes = fd, frame_bytes
        self.stamps_ms: list[int] = []

    def add(self, stamp_ms: int, rgb: NDArray[np.uint8]) -> None:
        """Append one frame."""
        os.pwrite(self.fd, rgb.data, len(self.stamps_ms) * self.frame_bytes)
        self.stamps_ms.append(stamp_ms)


class Peer:
    """One of them. took_ns: of each frame. faces: frames in which it found one. resident_bytes: as of the last."""

    def __init__(self, name: str, python: Path, script: str, arguments: list[str], packages: list[str]) -> None:
        """Raises BadInputError for an interpreter that cannot be started."""
        self.name = name
        self._python, self._packages = python, packages
        self._command = [str(python), str(files("watchkeeper.commands.peers") / script), *arguments]
        self.took_ns: list[int] = []
        self.resident_bytes = self.faces = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, width: int, height: int) -> None:
        """Begin to serve frames of this size."""
        try:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        except OSError as error:
            raise BadInputError(f"{self._python}: cannot be started: {error.strerror}") from None
        self._to: IO[bytes] = _pipe(self._process.stdin)
        self._from: IO[bytes] = _pipe(self._process.stdout)
        self._to.write(f"{width} {height}\n".encode())

    def run(self, block: Block) -> None:
        """One block of frames. Raises BadInputError when the peer ended."""
        for number, stamp_ms in enumerate(block.stamps_ms):
            try:
                self._to.write(struct.pack("=q", stamp_ms))
                self._to.flush()
                _send(self._to.fileno(), block, number)
            except BrokenPipeError:
                raise self._gone() from None
            answer = self._from.read(_ANSWER.size)
            if len(answer) != _ANSWER.size:
                raise self._gone()
            took_ns, self.resident_bytes, found = _ANSWER.unpack(answer)
            self.took_ns.append(took_ns)
            self.faces += found

    def installed_bytes(self) -> int:
        """Its packages with all they require, on disk."""
        script = str(files("watchkeeper.commands.peers") / "installed_size.py")
        command = [str(self._python), script, *self._packages]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            with contextlib.suppress(BrokenPipeError):  # what it did not read any more
                self._to.close()
            self._from.close()

    def _gone(self) -> BadInputError:
        return BadInputError(f"{self.name} ended; run its script by hand to see why: {' '.join(self._command)}")


def mediapipe_peer(python: Path) -> Peer:
    """MediaPipe's FaceLandmarker. Raises BadInputError when the interpreter lacks it or its weights."""
    return Peer("mediapipe", python, "mediapipe_face_landmarker.py", [task_file(python)], ["mediapipe"])


def opencv_peer(python: Path, folder: Path) -> Peer:
    """OpenCV and ONNX Runtime on our own networks, whose ONNX form is laid into `folder`. Raises BadInputError when the
    interpreter lacks them, or when a network cannot be converted here."""
    _ask(python, "import cv2, onnxruntime; print(cv2.__version__)", "--opencv-python", "opencv and onnxruntime")
    networks = []
    for name in (DETECTOR, LANDMARKS):
        path = folder / f"{name}.onnx"
        path.write_bytes(onnx_bytes(model_file(load_manifest(name))))
        networks.append(str(path))
    packages = ["opencv-python-headless", "onnxruntime"]
    return Peer("opencv+onnxruntime", python, "opencv_onnxruntime.py", networks, packages)


def own_installed_bytes() -> int:
    """The product's run-time set on disk, with its own files where it is installed from a checkout."""
    own = {Path(watchkeeper.__file__).parent, *(data_path(part) for part in ("boards", "models", "demo"))}
    paths = {path for folder in own for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    needs = ["numpy", "ai-edge-litert", "av", "python-can", "pyserial"]
    return installed_bytes(needs) + sum(path.stat().st_size for path in paths)


def _ask(python: Path, code: str, option: str, needs: str) -> str:
    try:
        found = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        raise BadInputError(f"{option} {python}: expected an interpreter with {needs}; tools/bench makes one") from None
    return found.stdout.strip().splitlines()[-1]


def _send(pipe: int, block: Block, number: int) -> None:
    """One frame from the file into the pipe, inside the kernel."""
    offset, end = number * block.frame_bytes, (number + 1) * block.frame_bytes
    while offset < end:
        offset += os.sendfile(pipe, block.fd, offset, end - offset)


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise AssertionError("opened with PIPE")
    return stream
