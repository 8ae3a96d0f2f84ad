"""OpenCV in an interpreter of its own, for `bench kernels`: runs peers/opencv_chain.py and reads what it sends back."""

from __future__ import annotations

import json
import subprocess
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from watchkeeper.errors import BadInputError
from watchkeeper.preprocess.plan import Affine

CHAINS = ("naive", "best")


def opencv(
    python: Path, picture: NDArray[np.uint8], size: tuple[int, int], m: Affine, side: int, kind: str, rounds: int
) -> tuple[dict[str, list[int]], dict[str, NDArray[np.float32]]]:
    """Times in ns and output (side, side, channels) of each chain.

    size: (width, height) of the picture. kind: "crop" or "full", of NV12 to RGB on 0..1; "luma-crop" or "luma-full", of
    grey as it is. Raises BadInputError where `python` cannot be started or has no OpenCV.
    """
    # From pixel centres at halves to OpenCV's at whole numbers
    centred = (m.a, m.b, m.c + 0.5 * (m.a + m.b) - 0.5, m.d, m.e, m.f + 0.5 * (m.d + m.e) - 0.5)
    script = str(files("watchkeeper.commands.peers") / "opencv_chain.py")
    numbers = [str(n) for n in (*size, rounds, side)]
    command = [str(python), script, *numbers, kind, ",".join(repr(v) for v in centred)]
    try:
        done = subprocess.run(command, input=picture.tobytes(), capture_output=True, check=False)
    except OSError as error:
        raise BadInputError(f"--peer-python {python}: cannot be started: {error.strerror}") from None
    line, _, rest = done.stdout.partition(b"\n")
    channels = 1 if kind.startswith("luma") else 3
    if done.returncode != 0 or len(rest) != 2 * 4 * side * side * channels:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise BadInputError(f"--peer-python {python}: expected an interpreter with cv2 and numpy: {' '.join(last)}")
    times = json.loads(line)
    outputs = np.frombuffer(rest, np.float32).reshape(2, side, side, channels)
    return {name: times[name] for name in CHAINS}, dict(zip(CHAINS, outputs, strict=True))
