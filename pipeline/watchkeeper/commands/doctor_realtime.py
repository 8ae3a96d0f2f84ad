"""`doctor`'s lines about time: scheduling, locked memory, clocks, heat, throttling. Looks only, changes nothing."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import NamedTuple

from watchkeeper.runtime.machine import MachineState, MachineWatch

_HOT_MC, _TOO_HOT_MC = 75_000, 85_000  # boards here slow themselves down from 80 to 85 degC on
_CAP_SYS_NICE, _CAP_IPC_LOCK = 23, 14  # <linux/capability.h>


class Line(NamedTuple):
    """As the contract's JSON: status is pass, warn, fail or skip; action is the one next thing to do, empty on pass."""

    check: str
    status: str
    found: str
    action: str


def realtime_lines(sys_root: Path = Path("/sys"), proc_root: Path = Path("/proc")) -> list[Line]:
    """All lines; sys_root and proc_root are other trees in tests."""
    capabilities = _capabilities(proc_root)
    machine = MachineWatch(sys_root).read()
    return [
        _permission("realtime scheduling", capabilities >> _CAP_SYS_NICE & 1, resource.RLIMIT_RTPRIO, "rtprio 50"),
        _permission("locked memory", capabilities >> _CAP_IPC_LOCK & 1, resource.RLIMIT_MEMLOCK, "memlock unlimited"),
        _governor(machine),
        _heat(machine),
        _throttling(machine),
        _kernel(sys_root),
    ]


def _permission(check: str, capable: int, limit: int, wanted: str) -> Line:
    allowed = resource.getrlimit(limit)[0]
    if capable or allowed == resource.RLIM_INFINITY or (limit == resource.RLIMIT_RTPRIO and allowed >= 50):
        return Line(check, "pass", "permitted", "")
    return Line(check, "warn", "not permitted", f"give the service the limit {wanted}")


def _governor(machine: MachineState) -> Line:
    if not machine.governors:
        return Line("cpu clock", "skip", "this machine does not tell", "")
    found = ", ".join(machine.governors)
    if machine.governors == ("performance",):
        return Line("cpu clock", "pass", found, "")
    return Line("cpu clock", "warn", f"governor {found}", "set the governor to performance")


def _heat(machine: MachineState) -> Line:
    if machine.temperature_mc is None:
        return Line("heat", "skip", "no sensor", "")
    found = f"{machine.temperature_mc / 1000:.0f} degC"
    if machine.temperature_mc < _HOT_MC:
        return Line("heat", "pass", found, "")
    status = "fail" if machine.temperature_mc >= _TOO_HOT_MC else "warn"
    return Line("heat", status, found, "cool the box, or lower the camera's frame rate")


def _throttling(machine: MachineState) -> Line:
    if machine.throttled:
        return Line("throttling", "fail", ", ".join(machine.throttled), "check supply and cooling")
    if machine.events:
        return Line("throttling", "warn", f"{machine.events} times since the start", "check supply and cooling")
    return Line("throttling", "pass", "none", "")


def _kernel(sys_root: Path) -> Line:
    preempt_rt = sys_root / "kernel/realtime"
    if preempt_rt.exists():
        return Line("kernel", "pass", f"PREEMPT_RT, {os.uname().release}", "")
    return Line("kernel", "pass", f"{os.uname().release}, not PREEMPT_RT (not needed for the budget)", "")


def _capabilities(proc_root: Path) -> int:
    """Effective capabilities of this process; 0 where they cannot be read."""
    try:
        for line in (proc_root / "self/status").read_text().splitlines():
            if line.startswith("CapEff:"):
                return int(line.split()[1], 16)
    except (OSError, ValueError, IndexError):
        return 0
    return 0
