"""Every fuzz target by name: what is called, what of ours it is to reach, where its first inputs come from."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CORPUS = Path(__file__).parent / "corpus"
LONGEST_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Target:
    """about: for the page. function: `module:name` beside this file, called with the input; None for a native one.
    modules: whose coverage counts."""

    name: str
    about: str
    function: str | None
    modules: tuple[str, ...] = ()

    def call(self) -> Callable[[bytes], object]:
        """What is fuzzed."""
        return self._get("")

    def seeds(self) -> list[bytes]:
        """First inputs, made anew each time."""
        return [data for data in self._get("_seeds")() if isinstance(data, bytes)]

    def _get(self, ending: str) -> Callable[..., Any]:
        assert self.function is not None
        module, _, name = self.function.partition(":")
        found: Callable[..., Any] = getattr(importlib.import_module(module), name + ending)
        return found

    def corpus(self) -> list[Path]:
        """Inputs that are kept."""
        return sorted(path for path in (CORPUS / self.name).glob("*") if path.is_file())


_W = "watchkeeper."
TARGETS = {
    target.name: target
    for target in (
        Target("trace", "measurement traces", "fuzz_files:trace", (_W + "measurement_trace.reader",)),
        Target("board", "board files", "fuzz_files:board", (_W + "board", _W + "settings_table", _W + "toml_lines")),
        Target("vehicle", "vehicle files", "fuzz_files:vehicle", (_W + "supervisor.vehicle_file",)),
        Target("dbc", "a mapping with an integrator's DBC", "fuzz_files:dbc", (_W + "commands.vehicle",)),
        Target(
            "can", "CAN frames of the vehicle", "fuzz_bus:can_receive",
            (_W + "supervisor.vehicle_input", _W + "supervisor.mapped_vehicle", _W + "supervisor.vehicle_map",
             _W + "supervisor.e2e", _W + "supervisor.layout", _W + "supervisor.frames"),
        ),
        Target("slcan", "a serial adapter's lines, lines of a log", "fuzz_bus:slcan",
               (_W + "supervisor.bus_slcan", _W + "supervisor.candump")),
        Target("uds", "ISO-TP and UDS", "fuzz_bus:uds", (_W + "supervisor.uds",)),
        Target("engine-cache", "kept engines", "fuzz_files:engine_cache", (_W + "inference.tensorrt_cache",)),
        Target("mailbox", "contents of a mailbox", "fuzz_bus:mailbox", (_W + "mailbox.layout", _W + "mailbox.reader")),
        Target("video", "films: containers and codecs (FFmpeg itself is not instrumented)", "fuzz_files:video",
               (_W + "capture.video_file",)),
        Target("native-preprocess", "the native module's pass over a picture, ASan and UBSan", None),
        Target("native-mailbox", "the native mailbox reader over any memory, ASan and UBSan", None),
    )
}  # fmt: skip
