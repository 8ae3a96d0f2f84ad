"""`models build --engine NAME`: an engine's own files; for TensorRT in a chosen precision, on a DLA, calibrated."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from watchkeeper.board import detect_board, load_board
from watchkeeper.errors import BadInputError
from watchkeeper.inference.build_options import BuildOptions
from watchkeeper.inference.engine import engine_names, open_engine
from watchkeeper.inference.manifest import Manifest

_PICTURES = 64
"""To calibrate with, spread over the film."""


def check(args: argparse.Namespace) -> None:
    """Raises BadInputError naming the option that goes with nothing else that was given."""
    engine = getattr(args, "engine", None)
    if engine is not None and engine not in engine_names():
        raise BadInputError(f"--engine {engine}: unknown engine; known are {', '.join(engine_names())}")
    for name in ("precision", "dla", "calibrate"):
        value = getattr(args, name, None)
        if value is not None and engine != "tensorrt":
            raise BadInputError(f"--{name} {value}: expected --engine tensorrt with it")
    if engine != "tensorrt":
        return
    options = _options(args)
    if (problem := options.problem()) is not None:
        raise BadInputError(f"models build: {problem}")
    if args.calibrate is not None and options.precision != "int8":
        raise BadInputError(f"--calibrate {args.calibrate}: expected --precision int8 with it")


def build(args: argparse.Namespace, manifests: Sequence[Manifest]) -> None:
    """Build what is missing and check its golden output. Raises as open_engine does."""
    if getattr(args, "engine", None) is None:
        return
    options = _options(args) if args.engine == "tensorrt" else None
    for manifest in manifests:
        open_engine(args.engine, manifest, options=options and _calibrated(options, args.calibrate, manifest)).close()


def _options(args: argparse.Namespace) -> BuildOptions:
    """The board's, with what the command line changed."""
    board = load_board(detect_board())
    dla = getattr(args, "dla", None)
    return BuildOptions(getattr(args, "precision", None) or board.precision, board.dla if dla is None else dla)


def _calibrated(options: BuildOptions, source: str | None, manifest: Manifest) -> BuildOptions:
    """With pictures for int8; they are cut only where no calibration is kept, or a source was named."""
    if options.precision != "int8":
        return options
    return BuildOptions(options.precision, options.dla, _pictures(source or "demo:", manifest), source is not None)


def _pictures(source: str, manifest: Manifest) -> Callable[[], Sequence[Any]]:
    def cut() -> Sequence[Any]:
        given = [inputs[manifest.name] for inputs in _inputs(source)]
        channels_first = (picture.transpose(0, 3, 1, 2) if picture.ndim == 4 else picture for picture in given)
        return [np.ascontiguousarray(picture) for picture in channels_first]

    return cut


@cache
def _inputs(source: str) -> tuple[dict[str, Any], ...]:
    """The inputs of all networks, cut once for all of them."""
    from watchkeeper.commands.parity import real_inputs  # brings decoder and measures along

    return tuple(real_inputs(source, _PICTURES))
