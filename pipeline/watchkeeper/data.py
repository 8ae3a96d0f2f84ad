"""Where the packaged files are: board files, model manifests, the demo drive."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def data_path(*parts: str) -> Path:
    """Path of a packaged file or folder, such as `data_path("boards", "host", "board.toml")`.

    An installed wheel carries them in `watchkeeper/_data`; a checkout (editable install) has them at its root.
    """
    installed = _PACKAGE / "_data"
    root = installed if installed.is_dir() else _PACKAGE.parents[1]
    return root.joinpath(*parts)
