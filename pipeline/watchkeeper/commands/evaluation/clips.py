"""Clips with truth in a folder, and what each of several ways to measure makes of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from watchkeeper.board import read_camera
from watchkeeper.capture.source import EndOfSource, open_source
from watchkeeper.commands.evaluation.truth import clips_of
from watchkeeper.errors import BadInputError
from watchkeeper.measurement_trace import read_trace
from watchkeeper.types import CameraGeometry, Frame, Measurement, VehicleSignals

_VIDEO = (".mp4", ".mkv", ".avi", ".mov", ".gif")
_NEXT_FRAME_S = 10.0


class Measures(Protocol):
    """One picture to one measurement."""

    def process(self, frame: Frame) -> Measurement: ...


# from a camera and a picture's width and height to something that measures, closed when done
Opens = Callable[[CameraGeometry, int, int], AbstractContextManager[Measures]]


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip with exact truth beside it (`truth`, with its camera), or with spans seen by eye (`labels`)."""

    name: str
    video: Path
    camera: Path | None
    truth: Path | None
    labels: Path | None

    @property
    def about(self) -> dict[str, Any]:
        """What the file beside the clip says of it: camera, occluder over time, events."""
        if self.camera is None:
            return {}
        value = json.loads(self.camera.read_text(encoding="utf-8"))
        return value if isinstance(value, dict) else {}

    def worn_at(self, t_ns: int) -> str:
        """`none`, `glasses`, `sunglasses`, `hand`, ...: what is before the face at `t_ns`."""
        worn = "none"
        for since_s, what in self.about.get("occluder", []):
            if since_s * 1e9 <= t_ns + 1:
                worn = str(what)
        return worn


def find_clips(folders: Sequence[Path]) -> list[Clip]:
    """NAME.mp4 with NAME.jsonl and NAME.json, and clips that a file events.csv of the folder labels, by name.

    Raises BadInputError for a folder that is none or has no such clip.
    """
    found: list[Clip] = []
    for folder in folders:
        if not folder.is_dir():
            raise BadInputError.at(folder, "expected a folder with clips and their truth")
        here = [
            Clip(video.stem, video, video.with_suffix(".json"), video.with_suffix(".jsonl"), None)
            for video in sorted(folder.iterdir())
            if video.suffix in _VIDEO and video.with_suffix(".jsonl").is_file() and video.with_suffix(".json").is_file()
        ]
        labels = folder / "events.csv"
        if labels.is_file():
            here += [
                Clip(name, folder / name, None, None, labels) for name in clips_of(labels) if (folder / name).is_file()
            ]
        if not here:
            raise BadInputError.at(folder, "expected NAME.mp4 with NAME.jsonl and NAME.json, or clips in events.csv")
        found += here
    return found


def measure(clip: Clip, opens: Opens, board_camera: CameraGeometry) -> list[Measurement]:
    """Every frame of the clip. Raises BadInputError or SourceLost."""
    camera = read_camera(clip.camera) if clip.camera is not None else board_camera
    with (
        closing(open_source(f"file:{clip.video}", paced=False)) as source,
        opens(camera, source.info.width, source.info.height) as measures,
    ):
        return list(_measured(source, measures))


def true_rows(clip: Clip) -> list[tuple[Measurement, VehicleSignals | None]]:
    """Exact truth of a clip that has it. Raises BadInputError."""
    assert clip.truth is not None
    return list(read_trace(clip.truth))


def _measured(source: Any, measures: Measures) -> Iterator[Measurement]:
    while True:
        try:
            lease = source.next(_NEXT_FRAME_S)
        except EndOfSource:
            return
        if lease is None:
            raise BadInputError(f"{source.info.name}: no frame within {_NEXT_FRAME_S:g} s")
        with lease:
            measurement = measures.process(lease.frame)
        yield measurement
