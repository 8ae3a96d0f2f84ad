"""Networks that come with the package: where they are found, what is refused, and what they answer."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from watchkeeper.errors import BadInputError
from watchkeeper.inference import fetch
from watchkeeper.inference.engine import open_engine
from watchkeeper.inference.manifest import (
    Manifest,
    ModelFileError,
    golden_problem,
    load_manifest,
    model_file,
    read_manifest,
)
from watchkeeper.measure import eye_patch

EYES = ("eye_clear", "eye_research")
TEXT = """
name = "own"
description = "ours"
version = "1"
file = "{file}"
licence = "Apache-2.0"
origin = "here"
sha256 = "{sha256}"
size_bytes = {size}
[[input]]
name = "x"
shape = [1, 4]
dtype = "float32"
layout = "x"
low = 0.0
high = 1.0
[[output]]
name = "y"
shape = [1]
dtype = "float32"
quantity = "y"
meaning = "y"
golden = {{indices = [0], values = [1.0], tolerance = 0.1}}
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WATCHKEEPER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "models"


def _own(tmp_path: Path, data: bytes = b"weights", file: str = "own.tflite") -> Manifest:
    path = tmp_path / "own.toml"
    path.write_text(TEXT.format(file=file, sha256=hashlib.sha256(data).hexdigest(), size=len(data)))
    return read_manifest(path)


def test_they_reach_the_cache_without_a_network(tmp_path: Path, cache: Path) -> None:
    manifest = _own(tmp_path)
    manifest.packaged_path.write_bytes(b"weights")
    assert model_file(manifest).read_bytes() == b"weights"
    manifest.cached_path.write_bytes(b"damaged")
    said: list[tuple[str, str]] = []
    assert fetch.build([manifest], lambda *row: said.append(row), _no_pip) == ["own"]
    assert said == [("own", "copied from this package")]
    assert manifest.cached_path.read_bytes() == b"weights"
    assert fetch.build([manifest], lambda *row: None, _no_pip) == []


def test_they_are_used_in_place_where_the_cache_cannot_be_written(tmp_path: Path, cache: Path) -> None:
    """Vision may not write; and a cache may be on a read-only disk."""
    manifest = _own(tmp_path)
    manifest.packaged_path.write_bytes(b"weights")
    cache.parent.write_text("a file where the folder should be")
    assert model_file(manifest) == manifest.packaged_path


def test_a_damaged_package_is_told(tmp_path: Path, cache: Path) -> None:
    manifest = _own(tmp_path)
    manifest.packaged_path.write_bytes(b"weight")
    with pytest.raises(ModelFileError, match=r"own\.tflite: weights of own: expected 7 bytes, got 6; install"):
        model_file(manifest)
    assert not cache.exists()


def test_a_file_elsewhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="file: expected the name of a file beside the manifest"):
        _own(tmp_path, file="../own.tflite")


def test_a_manifest_has_either_a_wheel_or_a_file(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(TEXT.format(file="own.tflite", sha256="0" * 64, size=1) + '\n[wheel_sha256]\nx = "1"\n')
    with pytest.raises(BadInputError, match="wheel_sha256: unknown field"):
        read_manifest(path)


@pytest.mark.parametrize("name", EYES)
@pytest.mark.parametrize("engine_name", ["litert", "onnxruntime"])
def test_eye_networks_give_their_golden_output(name: str, engine_name: str, cache: Path) -> None:
    manifest = load_manifest(name)
    with open_engine(engine_name, manifest) as engine:
        assert golden_problem(manifest, engine) is None


@pytest.mark.parametrize("name", EYES)
def test_drawn_eyes_are_told_apart_at_any_contrast(name: str, cache: Path) -> None:
    """Two drawings: a dark iris in a bright opening, and a lid with a dark rim. Dim and bright must read alike: the
    network itself evens contrast out."""
    y, x = np.mgrid[:32, :32] + 0.5
    skin = 0.6 - 0.004 * y
    slit = np.abs(y - 16) < 6 * np.clip(1 - ((x - 16) / 12) ** 2, 0, 1)
    opened = np.where(slit, 0.75, skin)
    opened = np.where(slit & ((x - 16) ** 2 + (y - 16) ** 2 < 30), 0.1, opened)
    rim = np.abs(y - 16 - 2.5 * np.clip(1 - ((x - 16) / 12) ** 2, 0, 1))
    shut = np.where((rim < 1.0) & (np.abs(x - 16) < 11), 0.25, skin)
    answers = []
    with open_engine("litert", load_manifest(name)) as engine:
        for contrast in (1.0, 0.2):
            engine.input(0)[...] = np.stack([opened, shut])[..., None] * contrast
            engine.run()
            answers.append([eye_patch.read(row) for row in engine.output(0)])
    for eye, lid in answers:
        assert eye.p_closed < 0.4 < 0.6 < lid.p_closed
        assert lid.gap_mm < eye.gap_mm
    assert answers[0][0].p_closed == pytest.approx(answers[1][0].p_closed, abs=0.05)


def _no_pip(arguments: object) -> tuple[int, str]:
    raise AssertionError(f"pip was asked: {arguments}")
