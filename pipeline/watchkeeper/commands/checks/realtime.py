"""Checks about time: scheduling, locked memory, clocks, heat, throttling. They look only and change nothing."""

from __future__ import annotations

import os
import resource
from pathlib import Path

from watchkeeper.commands.checks import FAIL, PASS, SKIP, WARN, Finding
from watchkeeper.commands.checks.hardware import board_of
from watchkeeper.commands.checks.tree import Tree
from watchkeeper.runtime.machine import MachineWatch

_SYS, _PROC = Path("/sys"), Path("/proc")
_THIS_MACHINE = Tree()
_CAP_SYS_NICE, _CAP_IPC_LOCK = 23, 14  # <linux/capability.h>


def realtime_scheduling(proc_root: Path = _PROC) -> Finding:
    """May this process run with real-time priority? (`proc_root`: another tree in tests.)"""
    return _permission(proc_root, _CAP_SYS_NICE, resource.RLIMIT_RTPRIO, "rtprio 50")


def locked_memory(proc_root: Path = _PROC) -> Finding:
    """May this process lock its memory?"""
    return _permission(proc_root, _CAP_IPC_LOCK, resource.RLIMIT_MEMLOCK, "memlock unlimited")


def _permission(proc_root: Path, capability: int, limit: int, wanted: str) -> Finding:
    capable = _capabilities(proc_root) >> capability & 1
    allowed = resource.getrlimit(limit)[0]
    if capable or allowed == resource.RLIM_INFINITY or (limit == resource.RLIMIT_RTPRIO and allowed >= 50):
        return Finding(PASS, "permitted")
    return Finding(WARN, "not permitted", f"give the service the limit {wanted}")


def governor(tree: Tree = _THIS_MACHINE) -> Finding:
    """Do the cores keep their clock?"""
    governors = MachineWatch(tree.path("sys")).read().governors
    if not governors:
        return Finding(SKIP, "this machine does not tell")
    found, wanted = ", ".join(governors), board_of(tree).hardware.governor
    if governors == (wanted,):
        return Finding(PASS, found)
    return Finding(WARN, f"governor {found}", f"set the governor to {wanted}")


def heat(tree: Tree = _THIS_MACHINE) -> Finding:
    """Is the box cool enough not to slow itself down? By the limits of its board file."""
    temperature_mc, limits = MachineWatch(tree.path("sys")).read().temperature_mc, board_of(tree).hardware
    if temperature_mc is None:
        return Finding(SKIP, "no sensor")
    found = f"{temperature_mc / 1000:.0f} degC"
    if temperature_mc < limits.warm_c * 1000:
        return Finding(PASS, found)
    status = FAIL if temperature_mc >= limits.hot_c * 1000 else WARN
    return Finding(status, found, "cool the box, or lower the camera's frame rate")


def throttling(tree: Tree = _THIS_MACHINE) -> Finding:
    """Has the box slowed itself down, now or since its start?"""
    machine = MachineWatch(tree.path("sys")).read()
    if machine.throttled:
        return Finding(FAIL, ", ".join(machine.throttled), "check supply and cooling")
    if machine.events:
        return Finding(WARN, f"{machine.events} times since the start", "check supply and cooling")
    return Finding(PASS, "none")


def kernel(sys_root: Path = _SYS) -> Finding:
    """Which kernel runs, and is it a PREEMPT_RT one."""
    if (sys_root / "kernel/realtime").exists():
        return Finding(PASS, f"PREEMPT_RT, {os.uname().release}")
    return Finding(PASS, f"{os.uname().release}, not PREEMPT_RT (not needed for the budget)")


def _capabilities(proc_root: Path) -> int:
    """Effective capabilities of this process; 0 where they cannot be read."""
    try:
        for line in (proc_root / "self/status").read_text().splitlines():
            if line.startswith("CapEff:"):
                return int(line.split()[1], 16)
    except (OSError, ValueError, IndexError):
        return 0
    return 0
