"""The preprocessors there are, loaded when asked for."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Protocol

from watchkeeper.errors import BadInputError
from watchkeeper.memory.ledger import CopyLedger
from watchkeeper.preprocess.spec import Exposure, Histogram, Output, OutputSpec
from watchkeeper.types import Frame, Region

BACKENDS = {
    "cpu": "watchkeeper.preprocess.cpu:CpuPreprocessor",
    "reference": "watchkeeper.preprocess.reference:ReferencePreprocessor",
    "cuda": "watchkeeper.preprocess.cuda:CudaPreprocessor",
}


class Preprocessor(Protocol):
    """Reads the camera's own planes, writes an engine's input. The bytes of a `Frame` do not change while it lives."""

    @property
    def copies(self) -> CopyLedger:
        """Bytes that had to be copied because they lay where this back end cannot read or write."""
        ...

    def run(self, frame: Frame, region: Region, spec: OutputSpec, out: Output) -> None:
        """Crop `region`, rotate, scale, convert, normalise into `out`, a C-contiguous array of spec.shape.

        ValueError for planes too short for their size and stride, an `out` that does not fit, a region not finite.
        """
        ...

    def run_many(self, frame: Frame, regions: Sequence[Region], spec: OutputSpec, outs: Sequence[Output]) -> None:
        """`run` for up to 8 regions of one picture (two eyes), one `out` each, in one call or launch.

        ValueError as `run`, and for another number of regions; then nothing was written.
        """
        ...

    def start_many(self, frame: Frame, regions: Sequence[Region], spec: OutputSpec, outs: Sequence[Output]) -> None:
        """`run_many` for an engine's inputs: written by the time that the engine's next `run` reads them, or earlier.

        Until then nothing else may read `outs`, and the planes of `frame` have to stay as they are. Raises as
        `run_many`.
        """
        ...

    def exposure(self, frame: Frame, region: Region | None, step_px: int) -> Exposure:
        """How `region` (default: the picture) is exposed and how sharp it is, by every `step_px`-th pixel."""
        ...

    def statistics(self, frame: Frame, region: Region | None, step_px: int, out: Histogram | None = None) -> Histogram:
        """Grey levels (0..255, full range) of every `step_px`-th pixel of `region`, or of the picture: (256,) counts.

        Points of the region outside the picture are not counted. Written to `out` and returned, or to a new array.
        """
        ...

    def close(self) -> None:
        """Give back what it holds; may be called again. Call it before the buffers it writes to are given back."""
        ...


def open_preprocessor(name: str) -> Preprocessor:
    """The preprocessor called `name`; BadInputError lists the known ones, or says what `cuda` lacks here."""
    if name not in BACKENDS:
        raise BadInputError.at("preprocess", f"unknown {name!r}, expected one of {', '.join(sorted(BACKENDS))}")
    module, _, attribute = BACKENDS[name].partition(":")
    try:
        opened: Preprocessor = getattr(importlib.import_module(module), attribute)()
    except ImportError as error:  # pycuda, or the driver's library that it is linked to
        raise BadInputError.at("preprocess", f"{name} cannot be loaded here ({error}); it needs pycuda") from error
    return opened
