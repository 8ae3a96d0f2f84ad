"""Checks about time: scheduling, locked memory, clocks, heat, throttling. They look only and change nothing."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterable
from pathlib import Path

from watchkeeper.board import detect_board, load_board
from watchkeeper.board_budget import Cpus
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


def cores(cpus: Cpus | None = None, sys_root: Path = _SYS) -> Finding:
    """Are the cores that the board file names there, and kept free of other work? (`cpus`: the board's.)"""
    cpus = load_board(detect_board()).cpus if cpus is None else cpus
    named = {*cpus.vision, *cpus.supervisor}
    if not named:
        return Finding(PASS, "the board leaves the cores to the scheduler")
    there = _cpu_list(sys_root / "devices/system/cpu/online")
    if absent := named - there:
        return Finding(
            FAIL, f"cores {_words(absent)} are not online, only {_words(there)}", "correct [cpus] in the board file"
        )
    shared = set(cpus.vision) - _cpu_list(sys_root / "devices/system/cpu/isolated")
    found = f"vision on {_words(cpus.vision) or 'any'}, supervisor on {_words(cpus.supervisor) or 'any'}"
    if shared:
        action = f"boot with isolcpus={','.join(map(str, sorted(cpus.vision)))}"
        return Finding(WARN, f"{found}; cores {_words(shared)} take other work too", action)
    return Finding(PASS, found)


def realtime_share(proc_root: Path = _PROC) -> Finding:
    """Does the kernel stop real-time work for a while in each period?"""
    try:
        runtime_us, period_us = (
            int((proc_root / f"sys/kernel/sched_rt_{name}_us").read_text()) for name in ("runtime", "period")
        )
    except (OSError, ValueError):
        return Finding(SKIP, "this kernel does not tell")
    if runtime_us < 0 or runtime_us >= period_us:
        return Finding(PASS, "no limit")
    share = 100 * runtime_us / period_us
    if share >= 90:
        return Finding(PASS, f"real-time work may take {share:.0f} % of each {period_us / 1e6:g} s, more than needed")
    return Finding(WARN, f"real-time work may take {share:.0f} %", "sysctl kernel.sched_rt_runtime_us=950000")


def swap(proc_root: Path = _PROC) -> Finding:
    """Can memory that is not locked be moved to a disk?"""
    try:
        areas = [line.split()[0] for line in (proc_root / "swaps").read_text().splitlines()[1:] if line.strip()]
    except OSError:
        return Finding(SKIP, "this kernel does not tell")
    if areas:
        return Finding(WARN, f"swap on {', '.join(areas)}: a page may have to wait for a disk", "swapoff -a")
    return Finding(PASS, "none")


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


def _cpu_list(path: Path) -> set[int]:
    """The kernel's list format (0-2,5); empty for a file that is not there."""
    found: set[int] = set()
    try:
        parts = path.read_text().strip().split(",")
        for first, _, last in (part.partition("-") for part in parts if part):
            found.update(range(int(first), int(last or first) + 1))
    except (OSError, ValueError):
        return set()
    return found


def _words(numbers: Iterable[int]) -> str:
    return ", ".join(str(number) for number in sorted(numbers))


def _capabilities(proc_root: Path) -> int:
    """Effective capabilities of this process; 0 where they cannot be read."""
    try:
        for line in (proc_root / "self/status").read_text().splitlines():
            if line.startswith("CapEff:"):
                return int(line.split()[1], 16)
    except (OSError, ValueError, IndexError):
        return 0
    return 0
