"""A GPU for the back end `cuda`: the fake one, with a file of compiled kernels that suits it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fake_launch
import pytest
from install import installed

from watchkeeper.preprocess.backends import BACKENDS, Preprocessor, open_preprocessor
from watchkeeper.preprocess.cubin_pack import CUBIN, Image, packed


@pytest.fixture(scope="module")
def gpu(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file of compiled kernels, where `cuda` looks for it."""
    cache = tmp_path_factory.mktemp("cache")
    pack = cache / "kernels" / "preprocess.cubins"
    pack.parent.mkdir()
    pack.write_bytes(packed([Image("preprocess", CUBIN, (8, 7), (12, 6), fake_launch.IMAGE)]))
    with installed(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("WATCHKEEPER_CACHE", str(cache))
        yield pack


@pytest.fixture(params=sorted(BACKENDS))
def preprocessor(request: pytest.FixtureRequest) -> Preprocessor:
    """Every back end in turn."""
    if request.param == "cuda":
        request.getfixturevalue("gpu")
    return open_preprocessor(request.param)
