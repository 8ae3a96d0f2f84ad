"""`measure`: perception only. Every frame of the source, as fast as it goes, into a measurement trace."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from watchkeeper.capture.source import EndOfSource, Source, open_source
from watchkeeper.clock import NS_PER_MS, NS_PER_S
from watchkeeper.errors import BadInputError
from watchkeeper.measurement_trace import TraceWriter
from watchkeeper.runtime.perception import Perception
from watchkeeper.runtime.settings import resolve
from watchkeeper.types import Frame, Measurement

_NEXT_FRAME_S = 10.0
_ENDLESS_NS = 10 * NS_PER_S  # how much is measured of a source that never ends
_SHOW_EVERY_NS = NS_PER_S // 4


def run(args: argparse.Namespace) -> int:
    """Write the trace, whole or not at all. Raises BadInputError, or SourceLost when the source breaks."""
    settings = resolve(args.board, args.source, args.camera, args.engine)
    for field, path in (("SOURCE", _path_of(args.source)), ("--camera", args.camera)):
        if path is not None and path.exists() and args.out.exists() and path.samefile(args.out):
            raise BadInputError.at(args.out, f"expected a file of its own, it is {field} too", field="--out")
    summary = _Summary()
    endless = args.source.startswith("pattern:")
    with closing(open_source(args.source, paced=False)) as source:
        weights = args.weights or settings.board.eye_weights
        with (
            Perception(settings.camera, engine_name=settings.engine, weights=weights) as perception,
            TraceWriter(args.out) as trace,
        ):
            if endless:
                print(f"{args.source} never ends: measuring {_ENDLESS_NS // NS_PER_S} s of it", file=sys.stderr)
            with _Progress(args.source) as progress:
                for frame in _frames(source, endless):
                    began_ns = time.perf_counter_ns()
                    measurement = perception.process(frame)
                    summary.add(measurement, time.perf_counter_ns() - began_ns)
                    trace.write(measurement)
                    progress.show(summary)
            summary.detector_runs = perception.detector_runs
        summary.frames_lost = source.lost_frames
    if args.json:
        print(json.dumps(summary.as_json(args.source, args.out), indent=2))
    else:
        print(summary.as_text(args.out))
    return 0


def _path_of(source: str) -> Path | None:
    return None if source.startswith(("demo:", "pattern:")) else Path(source.removeprefix("file:"))


def _frames(source: Source, endless: bool) -> Iterator[Frame]:
    """Every frame, each given back before the next is asked for."""
    while True:
        try:
            lease = source.next(_NEXT_FRAME_S)
        except EndOfSource:
            return
        if lease is None:
            raise BadInputError(f"{source.info.name}: no frame within {_NEXT_FRAME_S:g} s")
        with lease:
            if endless and lease.frame.t_ns >= _ENDLESS_NS:
                return
            yield lease.frame


class _Summary:
    """Counts of one run, and how long perception took a frame."""

    def __init__(self) -> None:
        self.frames = self.with_face = self.with_gaze = self.with_eyes = 0
        self.first_ns = self.last_ns = 0
        self.detector_runs = self.frames_lost = 0
        self._took_ns: list[int] = []

    def add(self, m: Measurement, took_ns: int) -> None:
        if self.frames == 0:
            self.first_ns = m.t_ns
        self.last_ns = m.t_ns
        self.frames += 1
        self.with_face += m.face is not None
        self.with_gaze += m.gaze is not None
        self.with_eyes += any(eye is not None and eye.open is not None for eye in (m.left_eye, m.right_eye))
        self._took_ns.append(took_ns)

    @property
    def duration_s(self) -> float:
        return (self.last_ns - self.first_ns) / NS_PER_S

    def as_json(self, source: str, out: Path) -> dict[str, Any]:
        took = sorted(self._took_ns) or [0]
        return {
            "source": source,
            "trace": str(out),
            "frames": self.frames,
            "frames_lost": self.frames_lost,
            "duration_s": round(self.duration_s, 3),
            "frames_with_face": self.with_face,
            "frames_with_gaze": self.with_gaze,
            "frames_with_eyes": self.with_eyes,
            "detector_runs": self.detector_runs,
            "perception_ms_p50": round(took[len(took) // 2] / NS_PER_MS, 3),
            "perception_ms_p99": round(took[min(len(took) * 99 // 100, len(took) - 1)] / NS_PER_MS, 3),
        }

    def as_text(self, out: Path) -> str:
        return (
            f"{out}: {self.frames} frames, {self.duration_s:.1f} s; face in {self.with_face}, gaze in "
            f"{self.with_gaze}, lids in {self.with_eyes}"
        )


class _Progress:
    """One line on stderr, drawn over itself, when stderr is a terminal."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._shown_ns = self._began_ns = time.perf_counter_ns()
        self._on = sys.stderr.isatty()

    def show(self, summary: _Summary) -> None:
        now_ns = time.perf_counter_ns()
        if self._on and now_ns - self._shown_ns >= _SHOW_EVERY_NS:
            self._shown_ns = now_ns
            rate = summary.frames * NS_PER_S / (now_ns - self._began_ns)
            line = f"{self._name}: {summary.frames} frames, {summary.duration_s:.1f} s, {rate:.0f} frames/s"
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._on:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
