"""The filter, interpreted as the kernel does: which calls it refuses on both architectures, and its numbers."""

from __future__ import annotations

import errno
import re
from pathlib import Path

import pytest

from watchkeeper.confine import seccomp
from watchkeeper.confine.seccomp import REFUSED, UNKNOWN, Instruction, program

PID = 4711
ALLOW = 0x7FFF0000
AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
COLUMN = {"x86_64": 0, "aarch64": 1}
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
MACHINES = pytest.mark.parametrize("machine", sorted(AUDIT))


def verdict(lines: list[Instruction], audit: int, number: int, arg0: int = 0) -> int:
    """What the program returns: a classic BPF machine with the five instructions it uses."""
    words = {0: number, 4: audit, 16: arg0 & 0xFFFFFFFF, 24: 0}
    accumulator, at = 0, 0
    while True:
        code, true, false, k = lines[at]
        at += 1
        if code == 0x06:
            return k
        if code == 0x20:
            accumulator = words[k]
            continue
        holds = {0x15: accumulator == k, 0x35: accumulator >= k, 0x45: bool(accumulator & k)}[code]
        at += true if holds else false


def refused(machine: str, number: int, arg0: int = 0, *, local_sockets: bool = False) -> int:
    """The errno that the call gets, 0 for allowed."""
    result = verdict(program(machine, PID, local_sockets=local_sockets), AUDIT[machine], number, arg0)
    return 0 if result == ALLOW else result & 0xFFFF


@MACHINES
def test_every_listed_call_is_refused_and_no_other(machine: str) -> None:
    column = COLUMN[machine]
    expected = {number: errno.EPERM for numbers in REFUSED.values() if (number := numbers[column]) is not None}
    expected |= {number: errno.ENOSYS for numbers in UNKNOWN.values() if (number := numbers[column]) is not None}
    special = {entry[column] for entry in (seccomp.SOCKET, seccomp.CLONE, seccomp.KILL, seccomp.TGKILL)}
    for number in range(600):
        if number not in special:
            assert refused(machine, number) == expected.get(number, 0), number


@MACHINES
def test_only_threads_and_only_itself(machine: str) -> None:
    column = COLUMN[machine]
    clone, kill, tgkill, prctl, socket = (
        entry[column] or 0 for entry in (seccomp.CLONE, seccomp.KILL, seccomp.TGKILL, seccomp.PRCTL, seccomp.SOCKET)
    )
    assert refused(machine, clone, 0x3D0F00) == 0  # what pthread_create asks for
    assert refused(machine, clone, 0x1200011) == errno.EPERM  # what fork asks for
    for call in (kill, tgkill):
        assert refused(machine, call, PID) == 0
        assert [refused(machine, call, pid) for pid in (PID - 1, 1, 0, -1)] == [errno.EPERM] * 4
    assert refused(machine, prctl, 15) == 0  # the name of a thread
    assert refused(machine, prctl, 4) == errno.EPERM
    families = (1, 2, 10, 16, 17, 29)
    assert [refused(machine, socket, family) for family in families] == [errno.EPERM] * 6
    assert [refused(machine, socket, family, local_sockets=True) for family in families] == [0] + [errno.EPERM] * 5
    connect = REFUSED["connect"][column] or 0
    assert refused(machine, connect, local_sockets=True) == 0
    listen = REFUSED["listen"][column] or 0
    assert refused(machine, listen, local_sockets=True) == errno.EPERM


@MACHINES
def test_another_numbering_is_no_way_around(machine: str) -> None:
    lines = program(machine, PID)
    other = next(audit for audit in (*AUDIT.values(), 0x40000003) if audit != AUDIT[machine])
    assert verdict(lines, other, 0) == 0x80000000  # the process ends
    if machine == "x86_64":
        assert refused(machine, 0x40000000 | 41) == errno.EPERM


@MACHINES
def test_numbers_are_those_of_the_kernel_headers(machine: str) -> None:
    if not HEADERS[machine].exists():
        pytest.skip(f"needs the kernel's headers, {HEADERS[machine]}")
    known = dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)\b", HEADERS[machine].read_text()))
    special = {name: getattr(seccomp, name.upper()) for name in ("socket", "clone", "kill", "tgkill", "prctl")}
    for name, numbers in {**REFUSED, **UNKNOWN, **special}.items():
        number = numbers[COLUMN[machine]]
        assert (None if number is None else str(number)) == known.get(name), name


def test_an_architecture_without_a_filter_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert seccomp.architecture() is None
    with pytest.raises(OSError, match="no filter is known"):
        seccomp.install([])
