"""Preprocessing and networks on the GPU inside the product, over the unforgiving fakes: same landmarks, no copies.

The kernels are the real ones, executed on the CPU; the networks are the real ones, executed by ONNX Runtime.
"""

from __future__ import annotations

import gc
import itertools
import json
import os
import shutil
import subprocess
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import av
import fake_gpu
import fake_launch
import fake_tensorrt
import numpy as np
import pytest
from install import installed
from numpy.typing import NDArray

from watchkeeper.board import load_board, read_board
from watchkeeper.capture import v4l2_abi as abi
from watchkeeper.capture.source import Source, open_source
from watchkeeper.capture.v4l2 import V4l2Source, parse
from watchkeeper.capture.v4l2_fake import FakeKernel
from watchkeeper.errors import BadInputError
from watchkeeper.inference.engine import EngineError
from watchkeeper.inference.manifest import load_manifest, model_file
from watchkeeper.memory.ledger import DOWNLOAD, UPLOAD
from watchkeeper.preprocess.cubin_pack import CUBIN, Image, packed
from watchkeeper.runtime import settings
from watchkeeper.runtime.frame_work import Unhurried
from watchkeeper.runtime.networks import network_names
from watchkeeper.runtime.perception import Perception
from watchkeeper.trace.rows import Kind, Network
from watchkeeper.types import Frame

pytestmark = pytest.mark.needs_models
FRAMES = 6


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
        for _ in range(FRAMES):
            lease = source.next(10.0)
            assert lease is not None
            with lease:
                pictures.append(_tight(lease.frame))
    return width, height, pictures


def _tight(frame: Frame) -> bytes:
    parts = []
    for plane, stride, share in zip(frame.planes, frame.strides, (1, 2, 2), strict=True):
        rows = np.frombuffer(plane, np.uint8)[: stride * (frame.height // share)].reshape(-1, stride)
        parts.append(rows[:, : frame.width // share].tobytes())
    return b"".join(parts)


def _camera(drive: tuple[int, int, list[bytes]], options: str) -> V4l2Source:
    width, height, pictures = drive
    kernel = FakeKernel(width, height, 30, None)
    kernel.picture = lambda number: pictures[number % FRAMES]
    wanted = parse(f"/dev/video0?format=YU12&{options}")
    assert wanted.format == abi.fourcc("YU12")
    return V4l2Source(wanted, paced=False, clock=lambda: 1 << 60, kernel=kernel)


def _landmarks(perception: Perception, source: Source) -> list[NDArray[np.float32]]:
    found = []
    for _ in range(FRAMES):
        lease = source.next(10.0)
        assert lease is not None
        with lease:
            assert perception.process(lease.frame).face is not None
        found.append(perception._points.copy())
    return found


def _cpu_landmarks(drive: tuple[int, int, list[bytes]]) -> list[NDArray[np.float32]]:
    with closing(_camera(drive, "io=mmap")) as camera, Perception(load_board("host").camera, threads=1) as perception:
        return _landmarks(perception, camera)


@pytest.mark.parametrize(("version", "limit_px"), [("10.3.0", 0.1), ("11.4.0", 0.3)])
def test_landmarks_are_those_of_the_cpu_and_no_byte_is_copied(
    version: str, limit_px: float, cache: Path, drive: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0.1 px where networks are in float32, 0.3 px where precision is in the ONNX (TensorRT 11): `models parity`."""
    monkeypatch.setenv("WATCHKEEPER_CACHE", str(cache))
    expected = _cpu_landmarks(drive)
    with (
        installed(version),
        closing(_camera(drive, "io=userptr&memory=cuda")) as camera,
        Perception(load_board("host").camera, "tensorrt", "cuda") as opened,
    ):
        from watchkeeper.memory.cuda import primary

        perception: Any = opened
        known = len(primary()._mapped)
        found = _landmarks(perception, camera)
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
        closing(_camera(drive, "io=mmap")) as camera,
        Perception(load_board("host").camera, "tensorrt", "cuda") as perception,
    ):
        _landmarks(perception, camera)
        assert perception.copies.per_frame() == {UPLOAD: drive[0] * drive[1] * 1.5}


def test_no_crop_is_waited_for_by_the_cpu(gpu: None, drive: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks wait for their crops on the GPU: the CPU waits once a run, for the outputs, and for the statistics."""
    from watchkeeper.inference.tensorrt import TensorRtEngine
    from watchkeeper.preprocess.cuda import CudaPreprocessor

    with (
        closing(_camera(drive, "io=userptr&memory=cuda")) as camera,
        Perception(load_board("host").camera, "tensorrt", "cuda") as perception,
    ):
        waits: Counter[str] = Counter()
        for owner, method in ((CudaPreprocessor, "_wait"), (CudaPreprocessor, "_measured"), (TensorRtEngine, "_wait")):
            real = getattr(owner, method)

            def counted(
                self: Any, *args: Any, real: Any = real, what: str = f"{owner.__name__}.{method}", **kw: Any
            ) -> Any:
                waits[what] += 1
                return real(self, *args, **kw)

            monkeypatch.setattr(owner, method, counted)
        _landmarks(perception, camera)
    assert waits["TensorRtEngine._wait"] >= 2 * FRAMES + 1  # landmarks and eyes, and the detector
    assert waits["CudaPreprocessor._wait"] == waits["CudaPreprocessor._measured"]


def test_a_network_that_does_not_wait_for_its_crop_is_found_out(
    gpu: None, drive: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from watchkeeper.memory.cuda import PrimaryContext

    monkeypatch.setattr(PrimaryContext, "wait_on_device", lambda *_: None)
    with (
        closing(_camera(drive, "io=userptr&memory=cuda")) as camera,
        Perception(load_board("host").camera, "tensorrt", "cuda") as perception,
        pytest.raises(EngineError, match="read before it was written"),
    ):
        _landmarks(perception, camera)


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
        closing(_camera(drive, "io=userptr&memory=cuda")) as camera,
        Perception(load_board("host").camera, "litert", "cuda", threads=1, work=work) as perception,
    ):
        _landmarks(perception, camera)
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
        with closing(_camera(drive, "io=userptr&memory=cuda")) as camera:
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


def test_a_board_file_chooses_the_gpu(gpu: None, tmp_path: Path, drive: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    text = load_board("host").path.read_text()
    changed = text.replace('engines = ["litert"]', 'engines = ["tensorrt", "litert"]\npreprocess = "cuda"')
    (tmp_path / "board.toml").write_text(changed)
    jetson = read_board(tmp_path / "board.toml")
    assert jetson.preprocess == "cuda"
    monkeypatch.setattr(settings, "load_board", lambda *_: jetson)
    chosen = settings.resolve("any", None, None, None)
    assert (chosen.engine, chosen.preprocess) == ("tensorrt", "cuda")
    with Perception(chosen.camera, chosen.engine, chosen.preprocess) as perception:
        assert type(perception._preprocess).__name__ == "CudaPreprocessor"
        assert type(perception._networks.full.engine).__name__ == "TensorRtEngine"
    (tmp_path / "board.toml").write_text(changed.replace('"cuda"', '"opencl"'))
    with pytest.raises(BadInputError, match=r"board\.toml:\d+: preprocess: expected one of cpu, cuda, got 'opencl'"):
        read_board(tmp_path / "board.toml")


_VISION = """
import json, sys
sys.path[:0] = [sys.argv[1]]
import fake_gpu
from pathlib import Path
from install import installed
from watchkeeper.board import read_board
from watchkeeper.mailbox.layout import VEHICLE, VISION
from watchkeeper.mailbox.reader import Reader
from watchkeeper.mailbox.writer import Mailbox, Writer
from watchkeeper.runtime import settings, vision
from watchkeeper.types import VehicleReport
board = read_board(Path(sys.argv[2]))
settings.load_board = lambda *_: board
state, vehicle = Mailbox.create(VISION), Mailbox.create(VEHICLE)
Writer(vehicle, VEHICLE).write(VehicleReport())
with installed():
    status = vision.main(
        ["watchkeeper-vision", "--source", sys.argv[3], "--state-fd", str(state), "--vehicle-fd", str(vehicle)]
    )
    report = Reader(state, VISION).read()
    print(json.dumps({
        "status": status, "ended": report.ended, "processed": report.health.frames_processed,
        "written": len(fake_gpu.gpu.written), "graphs": len(fake_gpu.gpu.graphs), "launches": fake_gpu.gpu.launches,
    }))
"""


def test_the_vision_process_runs_on_the_gpu_its_board_names(cache: Path, demo_clip: Path, tmp_path: Path) -> None:
    """From the command line of `watchkeeper-vision` to a published report; the source is a short cut of the drive."""
    clip = tmp_path / "short.mp4"
    with av.open(str(demo_clip)) as whole, av.open(str(clip), "w") as short:
        stream = short.add_stream_from_template(whole.streams.video[0])
        for packet in itertools.islice(whole.demux(video=0), 30):
            packet.stream = stream
            short.mux(packet)
    text = load_board("host").path.read_text()
    changed = text.replace('engines = ["litert"]', 'engines = ["tensorrt"]\npreprocess = "cuda"')
    (tmp_path / "board.toml").write_text(changed)
    fakes = str(Path(fake_gpu.__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", _VISION, fakes, str(tmp_path / "board.toml"), f"file:{clip}"],
        env={**os.environ, "WATCHKEEPER_CACHE": str(cache)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    said = json.loads(done.stdout.splitlines()[-1])
    assert (said["status"], said["ended"]) == (0, True)
    assert said["processed"] >= 1
    assert said["launches"] > 8
    assert said["written"] >= 2  # the inputs of both engines, in place
    assert said["graphs"] == 0  # all given back
