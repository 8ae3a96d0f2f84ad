"""The file of a kept engine: anything cut off, any bit flipped, any other key is as good as no file."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.inference import tensorrt_cache
from watchkeeper.inference.tensorrt_cache import EngineKey

KEY = EngineKey("ab" * 32, "10.3.0", "12060", "8.7", 8, "# R36 (release), REVISION: 4.3", "fp16,dla=none")
PLAN = bytes(range(256)) * 4 + b"\n\n\n"
FOREIGN: dict[str, Any] = {
    "onnx_sha256": "cd" * 32, "tensorrt": "10.3.1", "cuda": "12080", "compute_capability": "8.6", "multiprocessors": 16,
    "l4t": "# R36 (release), REVISION: 4.4", "flags": "fp16,dla=0",
}  # fmt: skip


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cache") / "x.engine"
    tensorrt_cache.save(path, KEY, PLAN)
    return path


def test_what_was_kept_comes_back(file: Path) -> None:
    assert tensorrt_cache.load(file, KEY) == PLAN
    assert tensorrt_cache.load(file.with_name("none"), KEY) is None


def test_every_part_of_the_key_counts(file: Path) -> None:
    assert set(FOREIGN) == {field.name for field in dataclasses.fields(EngineKey)}
    for name, value in FOREIGN.items():
        other = dataclasses.replace(KEY, **{name: value})
        assert other.digest != KEY.digest, name
        assert tensorrt_cache.load(file, other) is None, name  # under the same name, another's


def test_every_length_but_the_whole_is_refused(file: Path, tmp_path: Path) -> None:
    whole, cut = file.read_bytes(), tmp_path / "cut.engine"
    for length in range(len(whole)):
        cut.write_bytes(whole[:length])
        assert tensorrt_cache.load(cut, KEY) is None, length
    cut.write_bytes(whole + b"\0")
    assert tensorrt_cache.load(cut, KEY) is None


@given(st.data())
def test_every_flipped_bit_is_refused(data: st.DataObject) -> None:
    whole = KEY.header(PLAN) + PLAN
    bit = data.draw(st.integers(0, 8 * len(whole) - 1))
    damaged = bytearray(whole)
    damaged[bit // 8] ^= 1 << bit % 8
    parsed = tensorrt_cache.parsed(bytes(damaged), KEY)
    assert parsed is None
