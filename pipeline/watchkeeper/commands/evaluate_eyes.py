"""`evaluate eyes`: the eye network alone on labelled pictures of eyes."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from watchkeeper.board import EYE_WEIGHTS, load_board
from watchkeeper.commands.evaluation.eye_labels import Grey, LabelledEye, read_grey, read_labels
from watchkeeper.commands.evaluation.frames import Flags
from watchkeeper.commands.evaluation.scores import Numbers, auc, balanced_accuracy
from watchkeeper.errors import BadInputError
from watchkeeper.inference.engine import open_engine
from watchkeeper.inference.manifest import load_manifest
from watchkeeper.measure import eye_patch
from watchkeeper.measure.lid_fusion import SURE_CLOSED, SURE_OPEN
from watchkeeper.preprocess.backends import open_preprocessor
from watchkeeper.preprocess.spec import OutputSpec
from watchkeeper.runtime.networks import network_names
from watchkeeper.types import ColorMatrix, Frame, PixelFormat, Region

_THRESHOLD = 0.5  # of p(closed), fixed before any picture was looked at
_SMALLEST_PX = 8
_MOST_VALUES = 40  # a column with more different values (a file's own number) cuts nothing


def run(args: argparse.Namespace) -> int:
    """Read, judge, print. Raises BadInputError."""
    if not (math.isfinite(args.zoom) and 1.0 <= args.zoom <= 4.0):
        raise BadInputError(f"--zoom {args.zoom:g}: expected 1 to 4")
    if args.weights not in EYE_WEIGHTS:
        raise BadInputError(f"--weights {args.weights}: unknown; known are {', '.join(EYE_WEIGHTS)}")
    rows = read_labels(args.labels)
    p_closed = _judge(rows, args.zoom, args.engine or load_board("host").engines[0], args.weights)
    result = as_json(rows, p_closed)
    print(json.dumps(result, indent=2) if args.json else _text(args.labels, result))
    return 0


def as_json(rows: list[LabelledEye], p_closed: Numbers) -> dict[str, Any]:
    """Scores of all rows and, below `by`, of each value of each other column; p_closed: (N,), the network's."""
    closed = np.array([row.closed for row in rows], np.bool_)
    result = _scores(closed, p_closed)
    by: dict[str, dict[str, Any]] = {}
    for column in rows[0].columns:
        values = np.array([row.columns.get(column, "") for row in rows])
        names = sorted(set(values.tolist()))
        if len(names) <= _MOST_VALUES:
            by[column] = {name: _scores(closed[values == name], p_closed[values == name]) for name in names}
    return result | {"by": by}


def _scores(closed: Flags, p_closed: Numbers) -> dict[str, Any]:
    opened, shut = 1.0 - p_closed[~closed], 1.0 - p_closed[closed]
    sure = (p_closed < SURE_OPEN) | (p_closed > SURE_CLOSED)
    at = 1.0 - _THRESHOLD
    return {
        "n": len(closed),
        "n_closed": int(closed.sum()),
        "auc": _rounded(auc(opened, shut)),
        "balanced_accuracy": _rounded(balanced_accuracy(opened, shut, at)),
        "threshold": _THRESHOLD,
        "judged_share": _rounded(float(sure.mean())) if len(closed) else None,
        "balanced_accuracy_judged": _rounded(
            balanced_accuracy(1.0 - p_closed[~closed & sure], 1.0 - p_closed[closed & sure], at)
        ),
    }


def _judge(rows: list[LabelledEye], zoom: float, engine_name: str, weights: str) -> Numbers:
    """(N,) probabilities that the eye is closed."""
    manifest = load_manifest(network_names(weights)[-1])
    _, height, width, channels = manifest.inputs[0].spec.shape
    spec = OutputSpec.ranged(width, height, manifest.inputs[0].low, manifest.inputs[0].high, channels=channels)
    preprocess, found = open_preprocessor("cpu"), np.empty(len(rows))
    with open_engine(engine_name, manifest) as engine:
        if engine.inputs[0].shape != manifest.inputs[0].spec.shape:
            raise BadInputError(f"--engine {engine_name}: expected one that takes pictures row by row, as litert does")
        for k, row in enumerate(rows):
            grey = read_grey(row.path)
            if min(grey.shape) < _SMALLEST_PX:
                raise BadInputError.at(row.path, f"expected at least {_SMALLEST_PX} pixels each way, got {grey.shape}")
            preprocess.run(_frame(grey), _middle(grey, zoom), spec, engine.input(0)[:1])
            engine.run()
            found[k] = eye_patch.read(engine.output(0)[0]).p_closed
    return found


def _frame(grey: Grey) -> Frame:
    height, width = grey.shape
    return Frame(0, 0, width, height, PixelFormat.GREY8, ColorMatrix.BT601_FULL, (grey,), (width,))


def _middle(grey: Grey, zoom: float) -> Region:
    height, width = grey.shape
    side = min(height, width) / zoom
    return Region(width / 2, height / 2, side, side)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _text(labels: Path, result: dict[str, Any]) -> str:
    def line(name: str, s: dict[str, Any]) -> str:
        return (
            f"  {name:28} {s['n']:6} eyes  AUC {_shown(s['auc'])}  balanced accuracy {_shown(s['balanced_accuracy'])}"
            f"  judged {_shown(s['judged_share'])} at {_shown(s['balanced_accuracy_judged'])}"
        )

    rows = [f"{labels}: threshold {result['threshold']:g} of p(closed)", line("all", result)]
    for column, values in result["by"].items():
        rows += [line(f"{column} {value}", scores) for value, scores in values.items()]
    return "\n".join(rows)


def _shown(value: float | None) -> str:
    return "not known" if value is None else f"{value:.3f}"
