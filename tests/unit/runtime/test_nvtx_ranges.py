"""Ranges for NVIDIA's profilers against a module with nvtx's calls, and without one."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from watchkeeper.runtime.nvtx_ranges import NvtxRanges
from watchkeeper.trace.rows import Kind, Network


class FakeNvtx(ModuleType):
    """push_range and pop_range as a stack: popping an empty one is an error, as it would corrupt a real profile."""

    def __init__(self) -> None:
        super().__init__("nvtx")
        self.depth, self.said = 0, list[str]()

    def push_range(self, message: str) -> None:
        self.depth += 1
        self.said.append(f"[{message}")

    def mark(self, message: str) -> None:
        self.said.append(message)

    def pop_range(self) -> None:
        assert self.depth > 0
        self.depth -= 1
        self.said.append("]")


def test_a_frame_is_a_range_with_its_stages_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    nvtx = FakeNvtx()
    monkeypatch.setitem(sys.modules, "nvtx", nvtx)
    ranges = NvtxRanges()
    ranges.begin()
    ranges.mark(Kind.QUALITY, 0)
    ranges.mark(Kind.INFER, Network.LANDMARKS)
    ranges.finish()
    ranges.finish()
    assert nvtx.said == ["[frame", "quality", "infer landmarks", "]"]
    assert nvtx.depth == 0


def test_without_nvtx_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nvtx", None)
    ranges = NvtxRanges()
    ranges.begin()
    ranges.mark(Kind.INFER, Network.DETECTOR)
    ranges.finish()
