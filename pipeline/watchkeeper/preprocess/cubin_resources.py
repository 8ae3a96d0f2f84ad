"""What a compiled kernel needs of a multiprocessor, read from the cubin itself: registers, stack, and so occupancy.

A cubin is ELF (System V ABI, 64-bit, little endian). Its section `.nv.info` is a row of attributes: a byte of format, a
byte of kind, two bytes that are the value or (format 4) the length of it. Kind 0x2f: registers, kind 0x11: stack frame,
each with the symbol's number before it; `cuobjdump -elf` prints them as EIATTR_REGCOUNT and EIATTR_FRAME_SIZE. Spills
are not in there: the compiler's log tells them (`spill_bytes`).
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

_REGISTERS, _FRAME = 0x2F, 0x11
_SIZED = 4
# CUDA Programming Guide, Technical Specifications per Compute Capability: registers of a multiprocessor, threads on it
# (8.7 and 11.0 alike), threads of a warp. Registers are given out 256 a warp at a time (CUDA Occupancy Calculator).
SM_REGISTERS, SM_THREADS, WARP, REGISTER_UNIT, SM_BLOCKS = 65536, 1536, 32, 256, 16


@dataclass(frozen=True, slots=True)
class Resources:
    """One kernel's needs a thread: registers, bytes of stack frame (its arrays, and spills were there any)."""

    registers: int
    stack_bytes: int

    def blocks(self, threads: int = 256) -> int:
        """Blocks of `threads` (no shared memory) that fit on one multiprocessor."""
        warps = -(-threads // WARP)
        each = -(-self.registers * WARP // REGISTER_UNIT) * REGISTER_UNIT
        # Each of four partitions holds a quarter of the registers and of the warps.
        by_registers = SM_REGISTERS // 4 // each * 4 // warps
        return min(by_registers, SM_THREADS // threads, SM_BLOCKS)

    def occupancy(self, threads: int = 256) -> float:
        """Share of the multiprocessor's threads that can be there at once, 0..1."""
        return self.blocks(threads) * threads / SM_THREADS


def resources(cubin: bytes) -> dict[str, Resources]:
    """By kernel name. ValueError for what is no cubin."""
    try:
        return _resources(cubin)
    except (struct.error, IndexError, OverflowError, UnicodeDecodeError) as error:
        raise ValueError(f"a cubin that is cut off or damaged: {error}") from error


def spill_bytes(log: str) -> dict[str, int]:
    """Bytes of spill stores and loads by kernel name, from the log of `ptxas -v`. ValueError when it names none."""
    found: dict[str, int] = {}
    name = ""
    for line in log.splitlines():
        if match := re.search(r"Function properties for (\S+)", line):
            name = match[1]
        elif match := re.search(r"(\d+) bytes spill stores, (\d+) bytes spill loads", line):
            found[name] = int(match[1]) + int(match[2])
    if not found or "" in found:
        raise ValueError("the compiler's log says nothing of spills; expected the output of ptxas -v")
    return found


def _resources(cubin: bytes) -> dict[str, Resources]:
    if cubin[:6] != b"\x7fELF\x02\x01":
        raise ValueError("no cubin: expected a 64-bit little-endian ELF file")
    (table,) = struct.unpack_from("<Q", cubin, 0x28)
    entry_size, count, names_at = struct.unpack_from("<HHH", cubin, 0x3A)
    headers = [struct.unpack_from("<IIQQQQIIQQ", cubin, table + i * entry_size) for i in range(count)]
    names = headers[names_at]
    sections = {_text(cubin, names[4] + head[0]): head for head in headers}
    if ".nv.info" not in sections or ".symtab" not in sections:
        raise ValueError("no cubin: it has no .nv.info")
    info, symbols = sections[".nv.info"], sections[".symtab"]
    strings = headers[symbols[6]]
    values: dict[int, dict[int, int]] = {_REGISTERS: {}, _FRAME: {}}
    at, end = info[4], info[4] + info[5]
    while at < end:
        form, kind, short = struct.unpack_from("<BBH", cubin, at)
        if form == _SIZED and kind in values:
            symbol, value = struct.unpack_from("<II", cubin, at + 4)
            values[kind][symbol] = value
        at += 4 + (short if form == _SIZED else 0)
    found = {}
    for symbol, registers in values[_REGISTERS].items():
        (name_at,) = struct.unpack_from("<I", cubin, symbols[4] + symbol * 24)
        found[_text(cubin, strings[4] + name_at)] = Resources(registers, values[_FRAME].get(symbol, 0))
    return found


def _text(data: bytes, at: int) -> str:
    end = data.find(b"\0", at)
    if end < 0:
        raise IndexError("a name without an end")
    return data[at:end].decode("ascii")
