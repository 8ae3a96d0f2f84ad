"""Preprocessing and networks on the GPU inside the product, over the unforgiving fakes: same landmarks, no copies.

The kernels are the real ones, executed on the CPU; the networks are the real ones, executed by ONNX Runtime.
"""

from __future__ import annotations

import gc
import shutil
import zlib
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import fake_gpu
import fake_tensorrt
import numpy as np
import pytest
from gpu_drive import FRAMES, landmarks_of, open_camera
from install import installed
from numpy.typing import NDArray

from watchkeeper.board import load_board
from watchkeeper.errors import BadInputError
from watchkeeper.memory.ledger import DOWNLOAD, UPLOAD
from watchkeeper.runtime.frame_work import Unhurried
from watchkeeper.runtime.perception import Perception
from watchkeeper.trace.rows import Kind, Network

pytestmark = pytest.mark.needs_models


def _cpu_landmarks(drive: tuple[int, int, list[bytes]]) -> list[NDArray[np.float32]]:
    with (
        closing(open_camera(drive, "io=mmap")) as camera,
        Perception(load_board("host").camera, threads=1) as perception,
    ):
        return landmarks_of(perception, camera)


@pytest.mark.parametrize(("version", "limit_px"), [("10.3.0", 0.1), ("11.4.0", 0.3)])
def test_landmarks_are_those_of_the_cpu_and_no_byte_is_copied(
    version: str, limit_px: float, cache: Path, drive: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0.1 px where networks are in float32, 0.3 px where precision is in the ONNX (TensorRT 11): `models parity`."""
    monkeypatch.setenv("WATCHKEEPER_CACHE", str(cache))
    expected = _cpu_landmarks(drive)
    with (
        installed(version),
        closing(open_camera(drive, "io=userptr&memory=cuda")) as camera,
        Perception(load_board("host").camera, "tensorrt", "cuda") as opened,
    ):
        from watchkeeper.memory.cuda import primary

        perception: Any = opened
        known = len(primary()._mapped)
        found = landmarks_of(perception, camera)
        assert len(primary()._mapped) == known  # no frame takes mapped memory of its own
        assert perception.detector_runs == 1
        assert perception.copies.per_frame() == {}
        assert perception.copies.frames == FRAMES
        assert camera.copied_bytes == 0
        # what the kernels read is what the camera wrote, what they wrote is what TensorRT reads
        buffers = {slot.device_address or 0 for slot in camera.slots}
        sums = {perception._preprocess._counts_at, perception._preprocess._totals_at}
        read = fake_gpu.gpu.read - sums
        assert buffers <= read
        assert all(any(start <= at < start + camera.slots[0].nbytes for start in buffers) for at in read)
        networks: Any = perception._networks
        engines: tuple[Any, ...] = (networks._detector, networks.full.engine, networks.quick.engine, networks._eyes)
        written = {engine.device_address(engine.inputs[0].name) for engine in engines}
        second_eye = networks._eyes.device_address(networks._eyes.inputs[0].name) + 32 * 32 * 4
        assert fake_gpu.gpu.written <= {*written, second_eye}
        assert fake_gpu.gpu.written >= written - {
            networks.quick.engine.device_address(networks.quick.engine.inputs[0].name)
        }
    differences = [np.abs(a[:, :2] - b[:, :2]).mean() for a, b in zip(found, expected, strict=True)]
    print(
        f"TensorRT {version}: landmarks differ by {np.mean(differences):.2g} px mean, {max(differences):.2g} at worst"
    )
    assert np.mean(differences) < limit_px


def test_frames_outside_mapped_memory_are_uploaded_once_each(gpu: None, drive: Any) -> None:
    """Detector, two crops and the statistics of one frame share the upload."""
    with (
        closing(open_camera(drive, "io=mmap")) as camera,
        Perception(load_board("host").camera, "tensorrt", "cuda") as perception,
    ):
        landmarks_of(perception, camera)
        assert perception.copies.per_frame() == {UPLOAD: drive[0] * drive[1] * 1.5}


class _Counted(Unhurried):
    """How often each network ran."""

    def __init__(self) -> None:
        self.runs: Counter[Network] = Counter()

    def mark(self, kind: Kind, detail: int = 0) -> int:
        if kind is Kind.INFER:
            self.runs[Network(detail)] += 1
        return 0


def test_an_engine_outside_mapped_memory_gets_its_crops_copied_and_that_is_told(gpu: None, drive: Any) -> None:
    work = _Counted()
    with (
        closing(open_camera(drive, "io=userptr&memory=cuda")) as camera,
        Perception(load_board("host").camera, "litert", "cuda", threads=1, work=work) as perception,
    ):
        landmarks_of(perception, camera)
        sides = {Network.DETECTOR: 128, Network.LANDMARKS: 256, Network.QUICK: 192}
        crops = sum(work.runs[network] * side * side * 3 * 4 for network, side in sides.items())
        assert work.runs[Network.DETECTOR] == 1
        assert work.runs[Network.EYES] == FRAMES
        assert perception.copies.by_place() == {DOWNLOAD: crops + FRAMES * 2 * 32 * 32 * 4}


def test_a_hundred_openings_and_closings_leave_nothing(gpu: None, drive: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real, seen = fake_tensorrt.ExecutionContext._execute, dict[Any, Any]()

    def remembered(self: Any, addresses: dict[str, int]) -> None:
        """The same input gives the same output: a hundred openings check one golden output."""
        inputs = [n for n in addresses if self._engine.get_tensor_mode(n) == fake_tensorrt.TensorIOMode.INPUT]
        key = (*addresses, *(zlib.crc32(self._array(n, addresses)) for n in inputs))
        if key not in seen:
            real(self, addresses)
            seen[key] = {n: self._array(n, addresses).copy() for n in addresses if n not in inputs}
        for name, values in seen[key].items():
            self._array(name, addresses)[...] = values

    monkeypatch.setattr(fake_tensorrt.ExecutionContext, "_execute", remembered)
    geometry = load_board("host").camera
    for _ in range(100):
        with closing(open_camera(drive, "io=userptr&memory=cuda")) as camera:
            perception = Perception(geometry, "tensorrt", "cuda")
            lease = camera.next(10.0)
            assert lease is not None
            with lease:
                assert perception.process(lease.frame).face is not None
            perception.close()
            perception.close()
    del perception, camera, lease
    gc.collect()
    assert not fake_gpu.gpu.graphs
    assert len(fake_gpu.gpu.streams) == 0
    assert not [address for address, array in fake_gpu.gpu.memory.items() if array() is not None]
    assert not any(fake_gpu.gpu.stacks.values())
    assert fake_gpu.gpu.retained == 1


def test_who_writes_an_engines_input_is_closed_before_the_engine(gpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from watchkeeper.inference.tensorrt import TensorRtEngine
    from watchkeeper.preprocess.cuda import CudaPreprocessor

    order: list[str] = []
    for owner, name in ((CudaPreprocessor, "preprocessor"), (TensorRtEngine, "engine")):
        real = owner.close

        def close(self: Any, real: Any = real, name: str = name) -> None:
            order.append(name)
            real(self)

        monkeypatch.setattr(owner, "close", close)
    with Perception(load_board("host").camera, "tensorrt", "cuda"):
        order.clear()  # openings may close what they try
    assert order == ["preprocessor", *["engine"] * 4]
    assert fake_gpu.gpu.retained == 1


def test_without_compiled_kernels_the_engines_are_given_back(
    gpu: None, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(cache / "models", tmp_path / "models")
    monkeypatch.setenv("WATCHKEEPER_CACHE", str(tmp_path))
    with pytest.raises(BadInputError, match="no compiled kernels"):
        Perception(load_board("host").camera, "tensorrt", "cuda")
    gc.collect()
    assert not fake_gpu.gpu.graphs
    assert not any(array() is not None for array in fake_gpu.gpu.memory.values())
