"""A fake GPU with weights and kernels, and pictures for a camera, for the tests of the GPU's path."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import fake_launch
import gpu_drive
import pytest
from install import installed

from watchkeeper.capture.source import open_source
from watchkeeper.inference.manifest import load_manifest, model_file
from watchkeeper.preprocess.cubin_pack import CUBIN, Image, packed
from watchkeeper.runtime.networks import network_names


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of its own: weights, and kernels compiled for the fake GPU."""
    folder = tmp_path_factory.mktemp("cache")
    (folder / "models").mkdir()
    for name in network_names("clear"):
        shutil.copy(model_file(load_manifest(name)), folder / "models")
    (folder / "kernels").mkdir()
    image = Image("preprocess", CUBIN, (8, 7), (12, 6), fake_launch.IMAGE)
    (folder / "kernels" / "preprocess.cubins").write_bytes(packed([image]))
    return folder


@pytest.fixture
def gpu(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("WATCHKEEPER_CACHE", str(cache))
    with installed():
        yield


@pytest.fixture(scope="module")
def drive() -> tuple[int, int, list[bytes]]:
    """Width, height and the first pictures of the demo drive, as a camera delivers them in YU12."""
    pictures = []
    with closing(open_source("demo:", paced=False)) as source:
        width, height = source.info.width, source.info.height
        for _ in range(gpu_drive.FRAMES):
            lease = source.next(10.0)
            assert lease is not None
            with lease:
                pictures.append(gpu_drive.tight(lease.frame))
    return width, height, pictures
