"""How a TensorRT engine is built. Pure: what a version or a board cannot do is told by who builds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

PRECISIONS = ("fp32", "fp16", "int8")


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """precision: one of PRECISIONS. dla: DLA core, None for the GPU; layers it lacks fall back to the GPU.

    calibration: pictures for int8, called when an engine has to be built and no calibration is kept: arrays of the
    network's only input, channels first. fresh: build anew, whatever is kept, and calibrate anew.
    """

    precision: str = "fp16"
    dla: int | None = None
    calibration: Callable[[], Sequence[Any]] | None = None
    fresh: bool = False

    def flags(self) -> str:
        """For the engine's key."""
        return f"{self.precision},dla={'none' if self.dla is None else self.dla}"

    def problem(self) -> str | None:
        """What is wrong with the choice on any version and board, and what was expected; None for nothing."""
        if self.precision not in PRECISIONS:
            return f"precision {self.precision}: expected {', '.join(PRECISIONS[:-1])} or {PRECISIONS[-1]}"
        if self.dla is not None and self.dla < 0:
            return f"dla {self.dla}: expected the number of a DLA core, from 0"
        if self.dla is not None and self.precision == "fp32":
            return "dla with precision fp32: a DLA computes in fp16 or int8 only; expected one of these"
        return None
