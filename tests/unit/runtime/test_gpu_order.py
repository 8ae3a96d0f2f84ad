"""On the GPU a network waits for its crop on the device, over the unforgiving fakes: the CPU only waits for outputs."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from typing import Any

import pytest
from gpu_drive import FRAMES, landmarks_of, open_camera

from watchkeeper.board import load_board
from watchkeeper.inference.engine import EngineError
from watchkeeper.runtime.perception import Perception

pytestmark = pytest.mark.needs_models


def test_no_crop_is_waited_for_by_the_cpu(gpu: None, drive: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks wait for their crops on the GPU: the CPU waits once a run, for the outputs, and for the statistics."""
    from watchkeeper.inference.tensorrt import TensorRtEngine
    from watchkeeper.preprocess.cuda import CudaPreprocessor

    with (
        closing(open_camera(drive, "io=userptr&memory=cuda")) as camera,
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
        landmarks_of(perception, camera)
    assert waits["TensorRtEngine._wait"] >= 2 * FRAMES + 1  # landmarks and eyes, and the detector
    assert waits["CudaPreprocessor._wait"] == waits["CudaPreprocessor._measured"]


def test_a_network_that_does_not_wait_for_its_crop_is_found_out(
    gpu: None, drive: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from watchkeeper.memory.cuda import PrimaryContext

    monkeypatch.setattr(PrimaryContext, "wait_on_device", lambda *_: None)
    with (
        closing(open_camera(drive, "io=userptr&memory=cuda")) as camera,
        Perception(load_board("host").camera, "tensorrt", "cuda") as perception,
        pytest.raises(EngineError, match="read before it was written"),
    ):
        landmarks_of(perception, camera)
