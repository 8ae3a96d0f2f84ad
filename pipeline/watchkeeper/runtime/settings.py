"""What a vision process is told on its command line, checked and turned into objects. Nothing is opened here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from watchkeeper.board import Board, detect_board, load_board, read_camera
from watchkeeper.data import data_path
from watchkeeper.inference.build_options import BuildOptions
from watchkeeper.types import CameraGeometry

DEMO_URI = "demo:"


@dataclass(frozen=True, slots=True)
class Settings:
    """Effective settings of one run: the board's, with what the command line changed."""

    board: Board
    source: str
    camera: CameraGeometry
    engine: str
    preprocess: str
    options: BuildOptions | None  # of the engine, None where it has none
    profile: str


def resolve(
    board: str | None,
    source: str | None,
    camera: Path | None,
    engine: str | None,
    profile: str = "euroncap-2026",
    geometry: str | None = None,
) -> Settings:
    """Board file, then options over it. Raises BadInputError naming the option, file or field."""
    settings = load_board(board or detect_board(), geometry)
    uri = source or settings.source
    seen_by = settings.camera
    if camera is not None:
        seen_by = read_camera(camera)
    elif uri == DEMO_URI:
        seen_by = read_camera(data_path("demo", "demo_drive.json"))
    chosen = engine or settings.engines[0]
    return Settings(settings, uri, seen_by, chosen, settings.preprocess, engine_options(settings, chosen), profile)


def engine_options(board: Board, engine: str) -> BuildOptions | None:
    """How the board wants `engine` built; None for one that has nothing to choose."""
    return BuildOptions(board.precision, board.dla) if engine == "tensorrt" else None
