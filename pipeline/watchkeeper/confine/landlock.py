"""Landlock: which files a process may still open, whatever its user may do (Linux 5.13; landlock(7)).

What is open already stays open. Rules hold for this thread and those it starts: call `restrict` before others exist.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntFlag
from pathlib import Path
from stat import S_ISDIR

from watchkeeper.confine.kernel import system_call

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_VERSION = 1  # LANDLOCK_CREATE_RULESET_VERSION
_PATH_BENEATH = 1
_NET_TCP = 0b11  # bind, connect
_SCOPE = 0b11  # abstract UNIX sockets, signals


class Access(IntFlag):
    """LANDLOCK_ACCESS_FS_* of <linux/landlock.h>."""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    REMOVE_DIR = 1 << 4
    REMOVE_FILE = 1 << 5
    MAKE_CHAR = 1 << 6
    MAKE_DIR = 1 << 7
    MAKE_REG = 1 << 8
    MAKE_SOCK = 1 << 9
    MAKE_FIFO = 1 << 10
    MAKE_BLOCK = 1 << 11
    MAKE_SYM = 1 << 12
    REFER = 1 << 13
    TRUNCATE = 1 << 14
    IOCTL_DEV = 1 << 15


READ = Access.READ_FILE | Access.READ_DIR
WRITE = READ | Access.WRITE_FILE | Access.TRUNCATE | Access.MAKE_REG | Access.REMOVE_FILE | Access.MAKE_DIR
DEVICE = Access.READ_FILE | Access.READ_DIR | Access.WRITE_FILE | Access.IOCTL_DEV
# What a rule on something that is no folder may name.
_OF_A_FILE = Access.EXECUTE | Access.WRITE_FILE | Access.READ_FILE | Access.TRUNCATE | Access.IOCTL_DEV


@dataclass(frozen=True, slots=True)
class Rule:
    """`path` and everything beneath it."""

    path: Path
    access: Access


class _RulesetAttr(ctypes.Structure):
    _fields_ = [("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64)]


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent_fd", ctypes.c_int32)]


def abi() -> int:
    """Landlock's version in this kernel, 0 where there is none."""
    try:
        return system_call(_CREATE_RULESET, None, 0, _VERSION)
    except OSError:
        return 0


def handled(version: int) -> Access:
    """What this version can forbid: a right that the kernel does not know must not be named."""
    known = Access((1 << 13) - 1)
    for since, right in ((2, Access.REFER), (3, Access.TRUNCATE), (5, Access.IOCTL_DEV)):
        if version >= since:
            known |= right
    return known


def restrict(rules: Iterable[Rule]) -> list[str]:
    """From now on only these. A path that does not exist is passed over: what is not there cannot be opened.

    Returns what this kernel cannot forbid, in words. Raises OSError when it refuses what it should know.
    """
    version = abi()
    if version == 0:
        return ["Landlock: this kernel has none, files are guarded by their owners' permissions alone"]
    attr = _RulesetAttr(handled(version), _NET_TCP if version >= 4 else 0, _SCOPE if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = system_call(_CREATE_RULESET, attr, size, 0)
    try:
        for rule in rules:
            _add(ruleset, rule, handled(version))
        system_call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    missing = []
    if version < 5:
        missing.append(f"Landlock {version}: device commands (ioctl) are not limited to the devices named")
    if version < 6:
        missing.append(f"Landlock {version}: signals to other processes are stopped by seccomp alone")
    return missing


def _add(ruleset: int, rule: Rule, known: Access) -> None:
    try:
        fd = os.open(rule.path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        access = rule.access if S_ISDIR(os.fstat(fd).st_mode) else rule.access & _OF_A_FILE
        system_call(_ADD_RULE, ruleset, _PATH_BENEATH, _PathBeneath(access & known, fd), 0)
    finally:
        os.close(fd)
