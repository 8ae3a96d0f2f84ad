"""`evaluate clips`: measure every clip of some folders and hold it against its truth, ours beside the stock outputs."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from watchkeeper import __version__
from watchkeeper.board import EYE_WEIGHTS, Board, load_board
from watchkeeper.commands.evaluation import stock
from watchkeeper.commands.evaluation.by_eye import judge_spans
from watchkeeper.commands.evaluation.clips import Clip, Measures, Opens, find_clips, measure, true_rows
from watchkeeper.commands.evaluation.judged import judge, simply_closed
from watchkeeper.commands.evaluation.page import page
from watchkeeper.commands.evaluation.tables import (
    Scored,
    away_table,
    closure_table,
    frame_table,
    labelled_table,
)
from watchkeeper.commands.evaluation.trace import ClipResult, evaluate_rendered
from watchkeeper.commands.evaluation.truth import read_spans
from watchkeeper.errors import BadInputError
from watchkeeper.files import write_atomically
from watchkeeper.runtime.perception import Perception
from watchkeeper.types import CameraGeometry, Measurement

_OURS = (
    "The product's own perception with the engine {engine} and eye weights {weights}; lids, gaze and warnings as its "
    "state machine judges them."
)
_STOCK = (
    "MediaPipe 1.2.2 FaceLandmarker on the same frames: head from its facial transformation matrix, lids from its "
    "blink blendshapes with the usual threshold of 0.5 and nothing else. Its looks away are the head's."
)


def run(args: argparse.Namespace) -> int:
    """Measure and score; write the page and the JSON. Raises BadInputError."""
    clips, board = find_clips(args.folders), load_board(args.board)
    engines = args.engine or [board.engines[0]]
    subjects: list[tuple[str, str, float | None, Opens]] = [
        (
            f"watchkeeper, {engine}, eye_{weights}",
            _OURS.format(engine=engine, weights=weights),
            None,
            _ours(engine, weights),
        )
        for engine in engines
        for weights in args.weights or EYE_WEIGHTS[:1]
    ]
    if args.peer_python is not None:
        subjects.append(("MediaPipe, stock outputs", _STOCK, stock.CLOSED_AT, _stock(args.peer_python)))
    truth: dict[str, Sequence[Measurement]] = {c.name: [t for t, _ in true_rows(c)] for c in clips if c.truth}
    counts: dict[str, int] = {}
    made = []
    for label, about, closed_at, opens in subjects:
        scored = Scored(label, [], [])
        for number, clip in enumerate(clips):
            if sys.stderr.isatty():
                print(f"\r\x1b[K{label}: {clip.name}", end="", file=sys.stderr, flush=True)
            seen = measure(clip, opens, board.camera)
            counts[clip.name] = len(seen)
            _score(scored, clip, seen, number, closed_at, board)
        made.append({
            "label": label, "about": about, "frames": frame_table(scored), "closures": closure_table(scored, truth),
            "away": away_table(scored), "labelled": labelled_table(scored),
        })  # fmt: skip
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr)
    result = {
        "version": __version__,
        "clips": [
            {"name": c.name, "frames": counts[c.name], "labelled_by_eye": c.labels is not None} for c in clips
        ],
        "subjects": made,
    }  # fmt: skip
    if args.out is not None:
        write_atomically(args.out, page(result))
    print(json.dumps(result, indent=2) if args.json else page(result) if args.out is None else f"{args.out}: written")
    return 0


def _score(
    scored: Scored, clip: Clip, seen: list[Measurement], number: int, closed_at: float | None, board: Board
) -> None:
    if clip.labels is not None:
        if closed_at is None:
            closed = judge(seen, [None] * len(seen), board.cabin).closed
        else:
            closed = [simply_closed(m, closed_at) for m in seen]
        scored.verdicts.append((clip, judge_spans(seen, closed, read_spans(clip.labels, clip.name))))
        return
    try:
        result: ClipResult = evaluate_rendered(seen, true_rows(clip), board.cabin, clip=number, closed_at=closed_at)
    except ValueError as error:
        raise BadInputError.at(clip.video, str(error), field="t_ns") from None
    scored.results.append((clip, result))


def _ours(engine: str, weights: str) -> Opens:
    @contextmanager
    def opened(camera: CameraGeometry, width: int, height: int) -> Iterator[Measures]:
        with Perception(camera, engine_name=engine, weights=weights) as perception:
            yield perception

    return opened


def _stock(python: Path) -> Opens:
    @contextmanager
    def opened(camera: CameraGeometry, width: int, height: int) -> Iterator[Measures]:
        measures = stock.StockMeasures(python, width, height, camera)
        try:
            yield measures
        finally:
            measures.close()

    return opened
