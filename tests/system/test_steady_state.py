"""Steady state of capture and perception: no heap growth, no page faults a frame, no bytes copied.

Short by default; WATCHKEEPER_STEADY_FRAMES=10000 is the full run. Figures are printed.
"""

from __future__ import annotations

import ctypes
import gc
import os
import resource
from contextlib import closing

import pytest

from watchkeeper.capture.source import Source, open_source
from watchkeeper.runtime.perception import Perception
from watchkeeper.runtime.settings import resolve

FRAMES = int(os.environ.get("WATCHKEEPER_STEADY_FRAMES", "150"))
WARM_UP = 60


class _Mallinfo2(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_size_t) for name in
        ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")
    ]  # fmt: skip


def _heap_bytes() -> int:
    """Bytes in use by malloc in all arenas' books and by mapped blocks (glibc 2.33 and later)."""
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallinfo2"):
        pytest.skip("needs glibc 2.33 or later for mallinfo2")
    libc.mallinfo2.restype = _Mallinfo2
    info = libc.mallinfo2()
    return int(info.uordblks + info.hblkhd)


def _run(source: Source, perception: Perception, frames: int) -> None:
    for _ in range(frames):
        lease = source.next(10.0)
        assert lease is not None
        with lease:
            perception.process(lease.frame)


@pytest.mark.needs_models
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    "uri", ["v4l2-fake:640x360@30?format=NV12&io=userptr", "v4l2-fake:640x360@30?format=YU12&io=dmabuf", "demo:"]
)
def test_nothing_grows_faults_or_is_copied(uri: str) -> None:
    settings = resolve("host", uri, None, None)
    with closing(open_source(uri, paced=False, repeat=True)) as source:
        with Perception(settings.camera, engine_name="litert", threads=1) as perception:
            _run(source, perception, WARM_UP)
            gc.collect()
            gc.freeze()
            heap, faults = _heap_bytes(), resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            _run(source, perception, FRAMES)
            gc.collect()
            grown = _heap_bytes() - heap
            faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
            gc.unfreeze()
        copied = source.copied_bytes
    print(f"{uri}: {FRAMES} frames, heap {grown:+d} B, {faults / FRAMES:.3f} page faults a frame, {copied} B copied")
    assert copied == 0
    assert grown < 256 * 1024 + 16 * FRAMES
    if not uri.startswith("demo"):  # a decoder's frame pool is not ours
        assert faults / FRAMES < 1.0
