"""Manifests: the packaged ones, and what a bad one says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from watchkeeper.errors import BadInputError
from watchkeeper.inference.engine import TensorSpec
from watchkeeper.inference.manifest import (
    InputSpec,
    cache_dir,
    golden_input,
    load_manifest,
    load_manifests,
    manifest_names,
    read_manifest,
)

GOOD = """
name = "net"
description = "a net"
package = "some-package"
version = "1.0"
wheel_sha256 = "{wheel}"
member = "some/net.tflite"
licence = "MIT"
origin = "here"
sha256 = "{file}"
size_bytes = 10

[[input]]
name = "x"
shape = [1, 2, 2, 3]
dtype = "float32"
layout = "NHWC RGB"
low = 0.0
high = 1.0

[[output]]
name = "y"
shape = [1, 4]
dtype = "float32"
quantity = "face presence"
meaning = "something"
[output.golden]
indices = [0, 3]
values = [1.0, 2.0]
tolerance = 0.01
""".format(wheel="a" * 64, file="b" * 64)


def _written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "net.toml"
    path.write_text(text)
    return path


def test_packaged_manifests_are_complete() -> None:
    manifests = load_manifests()
    assert [m.name for m in manifests] == manifest_names()
    assert {"face_detector", "face_landmarks"} <= {m.name for m in manifests}
    for manifest in manifests:
        assert manifest.inputs
        assert all(output.golden.tolerance > 0 for output in manifest.outputs)


def test_packaged_hashes_are_the_documented_ones() -> None:
    assert load_manifest("face_detector").sha256.startswith("b4578f35")


def test_good_manifest_is_read(tmp_path: Path) -> None:
    manifest = read_manifest(_written(tmp_path, GOOD))
    assert manifest.inner_member is None
    assert manifest.inputs[0].spec == TensorSpec("x", (1, 2, 2, 3), "float32")
    assert manifest.outputs[0].golden.indices == (0, 3)


@pytest.mark.parametrize(
    ("old", "new", "field", "expected"),
    [
        ('version = "1.0"', "version = 1.0", "version", "expected a text"),
        ('version = "1.0"\n', "", "version", "expected a text"),
        ('name = "net"', 'name = "other"', "name", "the file's own name"),
        ("a" * 64, "A" * 64, "wheel_sha256", "64 lower-case"),
        ("b" * 64, "b" * 63, "sha256", "64 lower-case"),
        ("size_bytes = 10", "size_bytes = 0", "size_bytes", "from 1 to"),
        ("size_bytes = 10", "size_bytes = true", "size_bytes", "whole number"),
        ("size_bytes = 10", "size_bytes = 10\nsise = 1", "sise", "unknown field"),
        ("high = 1.0", "high = nan", "input.high", "finite"),
        ("high = 1.0", "high = -1.0", "input.high", "more than low"),
        ("shape = [1, 4]", "shape = [1, 0]", "output.shape", "at least 1"),
        ('dtype = "float32"\nlayout', 'dtype = "float99"\nlayout', "input.dtype", "expected one of"),
        ("indices = [0, 3]", "indices = [0, 4]", "output.golden.indices", "from 0 to 3"),
        ("indices = [0, 3]", "indices = [0]", "output.golden.values", "one number for each"),
        ("[output.golden]", "[output.silver]", "output.silver", "unknown field"),
    ],
)
def test_bad_manifest_names_file_field_and_expectation(
    tmp_path: Path, old: str, new: str, field: str, expected: str
) -> None:
    assert old in GOOD
    path = _written(tmp_path, GOOD.replace(old, new))
    with pytest.raises(BadInputError) as caught:
        read_manifest(path)
    text = str(caught.value)
    assert re.match(rf"{re.escape(str(path))}(:\d+)?: {re.escape(field)}: ", text)
    assert expected in text
    assert "\n" not in text


@pytest.mark.parametrize("content", [b"not = [toml", b"\xff\xfe\x00"])
def test_not_toml(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "net.toml"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=r"expected (TOML|UTF-8 text)"):
        read_manifest(path)


def test_unknown_model_lists_the_known() -> None:
    with pytest.raises(BadInputError, match="face_detector"):
        load_manifest("no_such_net")


def test_cache_folder_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("WATCHKEEPER_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_dir() == tmp_path / "home" / ".cache" / "watchkeeper" / "models"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_dir() == tmp_path / "home" / ".cache" / "watchkeeper" / "models"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_dir() == tmp_path / "xdg" / "watchkeeper" / "models"
    monkeypatch.setenv("WATCHKEEPER_CACHE", str(tmp_path / "own"))
    assert cache_dir() == tmp_path / "own" / "models"


def test_golden_input_is_exact_and_in_range() -> None:
    values = golden_input(InputSpec(TensorSpec("x", (1, 2, 2, 3), "float32"), "NHWC", -1.0, 1.0)).reshape(-1)
    assert values.dtype == np.float32
    assert values[0] == -1.0
    # 1 * 2654435761 / 2^32 and 2 * 2654435761 mod 2^32 / 2^32, by hand
    assert values[1] == np.float32(-1.0 + 2.0 * 2654435761 / 4294967296)
    assert values[2] == np.float32(-1.0 + 2.0 * 1013904226 / 4294967296)
    assert float(values.min()) >= -1.0
    assert float(values.max()) <= 1.0
