"""`watchkeeper models parity`: the converted networks beside LiteRT on real crops; exit status 1 when they differ."""

from __future__ import annotations

import argparse
import json
from contextlib import ExitStack
from typing import Any

from watchkeeper.commands.parity import Comparison, compare
from watchkeeper.errors import BadInputError
from watchkeeper.inference.engine import Engine
from watchkeeper.inference.manifest import load_manifests, model_file
from watchkeeper.inference.onnx_file import FP16, FP16_WEIGHTS, FP32

# Mean absolute difference in input pixels that landmarks may have, and of outputs that are scores (probabilities or
# logits; no pixel). fp16 computes in half precision throughout; ONNX Runtime's CPU kernels keep some sums in float32.
LIMITS = {FP32: (0.1, 0.001), FP16_WEIGHTS: (0.3, 0.05), FP16: (0.3, 0.05)}
_PIXELS = ("regressors", "conv2d_20", "Identity", "output_eyes_contours_and_brows", "output_iris")


def run(args: argparse.Namespace) -> int:
    """Print the table; 1 when a mean is over its limit."""
    if args.frames < 1:
        raise BadInputError(f"--frames {args.frames}: expected at least 1")
    rows = [row for precision in LIMITS for row in _rows(precision, args.frames)]
    if args.json:
        print(json.dumps(rows, indent=2))
    else:
        print(f"{'model':20} {'output':32} {'precision':13} {'mean':>9} {'largest':>9} {'limit':>6} unit   frames")
        for r in rows:
            print(
                f"{r['model']:20} {r['output']:32} {r['precision']:13} {r['mean']:9.5f} {r['largest']:9.5f} "
                f"{r['limit']:6g} {r['unit']:6} {r['frames']}  {'' if r['ok'] else 'OVER THE LIMIT'}"
            )
    return 0 if all(row["ok"] for row in rows) else 1


def _rows(precision: str, frames: int) -> list[dict[str, Any]]:
    try:
        from watchkeeper.inference.onnxruntime import OnnxRuntimeEngine
    except ModuleNotFoundError as error:
        raise BadInputError(f"models parity: needs the module {error.name}, which is not installed") from error
    with ExitStack() as stack:
        engines: dict[str, Engine] = {
            model.name: stack.enter_context(OnnxRuntimeEngine(model_file(model), precision=precision))
            for model in load_manifests()
        }
        return [row for made in compare(engines, frames) for row in _told(made, precision)]


def _told(made: Comparison, precision: str) -> list[dict[str, Any]]:
    rows = []
    for name, difference in made.outputs.items():
        unit = "px" if name in _PIXELS else "score"
        limit = LIMITS[precision][unit == "score"]
        rows.append({
            "model": made.model,
            "output": name,
            "engine": "onnxruntime",
            "precision": precision,
            "unit": unit,
            "mean": difference.mean,
            "largest": difference.largest,
            "worst_frame_mean": difference.worst_frame_mean,
            "limit": limit,
            "frames": difference.frames,
            "ok": difference.mean <= limit,
        })  # fmt: skip
    return rows
