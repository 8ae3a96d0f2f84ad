"""What the reader of a recording should know of the run it is from."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from watchkeeper import __version__
from watchkeeper.inference.allowed import production_model
from watchkeeper.runtime.machine import MachineWatch
from watchkeeper.runtime.networks import network_names
from watchkeeper.runtime.settings import Settings

_PACKAGES = ("numpy", "ai-edge-litert", "av")
_POLICIES = {os.SCHED_OTHER: "SCHED_OTHER", os.SCHED_FIFO: "SCHED_FIFO", os.SCHED_RR: "SCHED_RR"}


def about(settings: Settings) -> dict[str, object]:
    """JSON: program, board with its budget, clocks, power, versions, hashes of the networks."""
    machine = MachineWatch().read()
    return {
        "program": f"watchkeeper {__version__}",
        "board": settings.board.name,
        "cpu": _cpu(),
        "source": settings.source,
        "engine": settings.engine,
        "preprocess": settings.preprocess,
        "pid": os.getpid(),
        "frame_period_ms": settings.board.frame_period_ms,
        "budget_ms": settings.board.budget_ms,
        "bus_budget_ms": settings.board.budget.exposure_to_bus_ms,
        "share_pct": dict(settings.board.budget.share_pct),
        "cpus": sorted(os.sched_getaffinity(0)),
        "scheduler": _POLICIES.get(os.sched_getscheduler(0), "other"),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "kernel": platform.release(),
        "cores": os.cpu_count(),
        "governors": list(machine.governors),
        "frequency_mhz": None if machine.frequency_khz is None else machine.frequency_khz / 1000,
        "frequency_max_mhz": None if machine.frequency_max_khz is None else machine.frequency_max_khz / 1000,
        "temperature_degc": None if machine.temperature_mc is None else machine.temperature_mc / 1000,
        "throttled": list(machine.throttled),
        "power_mode": machine.power_mode or None,
        "packages": {name: _version(name) for name in _PACKAGES},
        "models": {name: production_model(name).sha256 for name in network_names(settings.board.eye_weights)},
    }


def _cpu() -> str:
    """Name of the processor: x86 says it in cpuinfo, the boards in the device tree."""
    for path, mark in (("/proc/device-tree/model", ""), ("/proc/cpuinfo", "model name")):
        try:
            lines = Path(path).read_text(errors="replace").strip("\0\n ").splitlines()
        except OSError:
            continue
        found = next((line.partition(":")[2].strip() if mark else line for line in lines if line.startswith(mark)), "")
        if found:
            return found
    return "unknown"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"
