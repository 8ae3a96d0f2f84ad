"""What `doctor` looks at. A check is a function that returns a Finding; TABLE names them by group.

Adding one: write the function in a module here and add its line to the table; it is imported when it is run. It is
called without arguments, with the one option of the command that OPTIONS names for it, or, of those in OF_TREE, with
the machine's Tree.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from watchkeeper.errors import WatchkeeperError

PASS, WARN, FAIL, SKIP = "pass", "warn", "fail", "skip"


@dataclass(frozen=True, slots=True)
class Finding:
    """status: pass, warn, fail or skip. found: what is so. action: the one next thing to do, empty when it is well.
    data: figures for whoever reads the JSON."""

    status: str
    found: str
    action: str = ""
    data: dict[str, Any] | None = None


# (group, check, "module:function")
TABLE: list[tuple[str, str, str]] = [
    ("general", "weights", "watchkeeper.commands.checks.general:weights"),
    ("general", "board", "watchkeeper.commands.checks.hardware:board"),
    ("general", "profile", "watchkeeper.commands.checks.general:profile"),
    ("general", "vision-user", "watchkeeper.commands.checks.users:vision_user"),
    ("board", "distribution", "watchkeeper.commands.checks.hardware:distribution"),
    ("board", "camera", "watchkeeper.commands.checks.hardware:camera"),
    ("board", "overlays", "watchkeeper.commands.checks.hardware:overlays"),
    ("board", "bus", "watchkeeper.commands.checks.hardware:bus"),
    ("libraries", "numpy-abi", "watchkeeper.commands.checks.libraries:numpy_abi"),
    ("libraries", "installed-twice", "watchkeeper.commands.checks.libraries:shadowed"),
    ("libraries", "tensorrt-version", "watchkeeper.commands.checks.libraries:tensorrt"),
    ("logs", "power-log", "watchkeeper.commands.checks.logs:power"),
    ("logs", "storage-log", "watchkeeper.commands.checks.logs:storage"),
    ("logs", "memory-log", "watchkeeper.commands.checks.logs:memory"),
    ("logs", "camera-log", "watchkeeper.commands.checks.logs:camera"),
    ("logs", "can-log", "watchkeeper.commands.checks.logs:can"),
    ("time", "realtime-scheduling", "watchkeeper.commands.checks.realtime:realtime_scheduling"),
    ("time", "locked-memory", "watchkeeper.commands.checks.realtime:locked_memory"),
    ("time", "cores", "watchkeeper.commands.checks.realtime:cores"),
    ("time", "realtime-throttling", "watchkeeper.commands.checks.realtime:realtime_share"),
    ("time", "swap", "watchkeeper.commands.checks.realtime:swap"),
    ("time", "cpu-clock", "watchkeeper.commands.checks.realtime:governor"),
    ("time", "heat", "watchkeeper.commands.checks.realtime:heat"),
    ("time", "throttling", "watchkeeper.commands.checks.realtime:throttling"),
    ("time", "kernel", "watchkeeper.commands.checks.realtime:kernel"),
    ("device", "gpu", "watchkeeper.commands.checks.device:gpu"),
    ("device", "gpu-kernel-against-cpu", "watchkeeper.commands.checks.device:kernel_twin"),
    ("device", "engine-against-golden", "watchkeeper.commands.checks.device:engine_golden"),
    ("device", "copies", "watchkeeper.commands.checks.device:copies"),
    ("device", "clocks", "watchkeeper.commands.checks.device:clocks"),
    ("device", "power-mode", "watchkeeper.commands.checks.device:power_mode"),
]

OPTIONS = {"profile": "profile"}
"""check -> the option of `doctor` it is called with."""

OF_TREE = frozenset({name for group, name, _ in TABLE if group in ("board", "libraries", "logs")} | {
    "board", "cpu-clock", "heat", "throttling",
})  # fmt: skip
"""Checks that read files only, of this machine or of a copy of another's (`doctor --tree`)."""


def run_check(entry: str, *option: object) -> Finding:
    """The finding of one line of the table; an error of ours is a failed check, not the end of the command."""
    module, _, name = entry.partition(":")
    function: Callable[..., Finding] = getattr(importlib.import_module(module), name)
    try:
        return function(*option)
    except WatchkeeperError as error:
        return Finding(FAIL, str(error), "see the message")
