"""The fused pass reads no byte outside its planes: with every lane type, near every edge."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from watchkeeper.preprocess.cpu import LANES
from watchkeeper.types import PixelFormat

_GUARD_PAGES = """
import ctypes, mmap, sys
import numpy as np
sys.path[:0] = {path!r}
from watchkeeper.preprocess.cpu import LANES, CpuPreprocessor
from watchkeeper.preprocess.spec import OutputSpec
from watchkeeper.types import ColorMatrix, Frame, PixelFormat, Region
from test_preprocess_oracle import plane_sizes

libc = ctypes.CDLL(None, use_errno=True)
PAGE = mmap.PAGESIZE

def walled(nbytes, at_end):
    '''`nbytes` of readable memory with forbidden pages right after them (or right before).'''
    pages = -(-nbytes // PAGE)
    area = mmap.mmap(-1, (pages + 2) * PAGE)
    base = ctypes.addressof(ctypes.c_char.from_buffer(area))
    for page in (0, pages + 1):
        assert libc.mprotect(ctypes.c_void_p(base + page * PAGE), PAGE, 0) == 0
    start = (pages + 1) * PAGE - nbytes if at_end else PAGE
    return memoryview(area)[start : start + nbytes]

done = 0
for pixel_format in PixelFormat:
    for width, height in ((1, 1), (2, 3), (5, 5), (16, 9), (33, 31), (64, 48)):
        for at_end in (True, False):
            sizes = plane_sizes(pixel_format, width, height)
            planes = tuple(walled(row * rows, at_end) for row, rows in sizes)
            frame = Frame(0, 0, width, height, pixel_format, ColorMatrix.BT601_FULL, planes, tuple(r for r, _ in sizes))
            for size in (0.5, 1.0, 3.0, 20.0, 36.0, 90.0):
                for rotation in (0.0, 0.3):
                    for border in (None, (0.0, 0.0, 0.0)):
                        for lanes, side in ((lanes, side) for lanes in LANES for side in (9, 24)):
                            spec = OutputSpec(side, side - 2, border=border)
                            region = Region(width / 2, height / 2, size, size, rotation)
                            CpuPreprocessor(lanes=lanes).run(frame, region, spec, spec.empty())
                            CpuPreprocessor(lanes=lanes).statistics(frame, region, 1)
                            done += 1
print(done)
"""


def test_no_byte_outside_the_planes_is_touched() -> None:
    """The planes lie against forbidden pages: one byte too far ends the child with SIGSEGV."""
    path = [str(Path(__file__).parent), *sys.path]
    child = subprocess.run(
        [sys.executable, "-c", _GUARD_PAGES.format(path=path)], capture_output=True, text=True, check=False
    )
    assert child.returncode == 0, child.stderr
    assert int(child.stdout) == len(PixelFormat) * 6 * 2 * 6 * 2 * 2 * len(LANES) * 2
