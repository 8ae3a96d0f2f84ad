"""The fused pass on the GPU: kernels/preprocess.cu, compiled ahead by tools/cubins, launched over pycuda.

Planes and outputs in mapped memory (memory.cuda: a CudaBuffer that a camera writes, an engine's input) are used in
place; others go through mapped buffers of our own, a picture once however many crops are cut from it, and each such
copy is in `copies`. No GPU has run this yet: what is tested is this file over a fake driver that runs the same kernels
on the CPU.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pycuda.driver as driver
from numpy.typing import NDArray

from watchkeeper import _kernels
from watchkeeper.errors import one_line
from watchkeeper.memory.cuda import CudaError, primary
from watchkeeper.memory.ledger import DOWNLOAD, UPLOAD, CopyLedger
from watchkeeper.preprocess import cubin_pack, plan
from watchkeeper.preprocess.spec import Exposure, Histogram, Layout, Output, OutputSpec
from watchkeeper.types import Frame, PixelFormat, Region

_BLOCK = (32, 8, 1)  # a warp along a row: neighbours read and write neighbouring bytes


class CudaPreprocessor:
    """`Preprocessor` on the primary context and a stream of its own; one call at a time, from any thread.

    pack: the compiled kernels (default: in the cache). copies: bytes that were copied because they lay elsewhere.
    Raises BadInputError for a missing or damaged pack or one without this GPU, CudaError without a GPU or when the
    driver refuses.
    """

    def __init__(self, *, pack: Path | None = None) -> None:
        self._lock, self.copies = threading.Lock(), CopyLedger()
        self._cuda = primary()
        path = pack or cubin_pack.pack_path()
        major, minor = self._cuda.device.compute_capability()
        version = cubin_pack.driver_version(int(driver.get_driver_version()))
        self.image = cubin_pack.choose(cubin_pack.read_pack(path), (int(major), int(minor)), version, path)
        self._open = True
        self._own: dict[str, tuple[NDArray[Any], int]] = {}
        self._frame: Frame | None = None  # the one whose planes lie at _planes_at
        self._planes_at: list[int] = []
        self._busy = False  # a started launch may still be reading planes
        with self._launching(f"{path}: {self.image}"):
            self._module: Any = driver.module_from_buffer(self.image.data)
            self._entries: dict[int, Any] = {
                number: self._module.get_function(f"preprocess_{int(number)}") for number in PixelFormat
            }
            self._exposure: Any = self._module.get_function("exposure")
            # Prepared: pycuda's plain call keeps each call's parameters for ever in some versions, and refuses arrays.
            for entry in self._entries.values():
                entry.prepare([f"{_kernels.BATCH_BYTES}s"])
            self._exposure.prepare([f"{_kernels.EXPOSURE_JOB_BYTES}s", "P", "P"])
            self._stream: Any = driver.Stream()
            self._done: Any = driver.Event(driver.event_flags.BLOCKING_SYNC | driver.event_flags.DISABLE_TIMING)
            self._started: Any = driver.Event(driver.event_flags.DISABLE_TIMING)  # no CPU waits for it
        self._counts, self._counts_at = self._cuda.mapped((256,), "uint32")
        self._totals, self._totals_at = self._cuda.mapped((2,), "uint64")

    def run(self, frame: Frame, region: Region, spec: OutputSpec, out: Output) -> None:
        """See Preprocessor.run."""
        self.run_many(frame, (region,), spec, (out,))

    def run_many(self, frame: Frame, regions: Sequence[Region], spec: OutputSpec, outs: Sequence[Output]) -> None:
        """See Preprocessor.run_many. One launch; returns when it is done."""
        with self._launching("preprocess"):
            self._copied_back(outs, self._launched(frame, regions, spec, outs))

    def start_many(self, frame: Frame, regions: Sequence[Region], spec: OutputSpec, outs: Sequence[Output]) -> None:
        """See Preprocessor.start_many. One launch; the engine's stream waits for its end, this thread does not.

        Outputs that the GPU cannot write in place are waited for and copied, as in `run_many`.
        """
        with self._launching("preprocess"):
            targets = self._launched(frame, regions, spec, outs)
            if any(ours is not None for ours, _ in targets):
                self._copied_back(outs, targets)
                return
            self._busy = True
            self._started.record(self._stream)
            for out, (_, address) in zip(outs, targets, strict=True):
                self._cuda.written_after(address, out.nbytes, self._started)

    def _launched(
        self, frame: Frame, regions: Sequence[Region], spec: OutputSpec, outs: Sequence[Output]
    ) -> list[tuple[NDArray[Any] | None, int]]:
        """Where each output is written; the launch is on the stream."""
        for out in outs:
            spec.check(out)
        affines = [plan.affine(region, spec.width, spec.height) for region in regions]
        targets = [self._target(number, out) for number, out in enumerate(outs)]
        batch = _kernels.preprocess_batch(
            frame.format, frame.color, frame.width, frame.height, frame.planes, frame.strides,
            affines, [plan.taps(m, frame.format) for m in affines],
            tuple(outs), spec.width, spec.height, spec.channels, spec.layout is Layout.NCHW,
            spec.scale, spec.bias, spec.border, self._planes(frame), [address for _, address in targets],
        )  # fmt: skip
        grid = (*_blocks(spec.width, spec.height), len(outs))
        self._entries[frame.format].prepared_async_call(grid, _BLOCK, self._stream, batch)
        return targets

    def _copied_back(self, outs: Sequence[Output], targets: Sequence[tuple[NDArray[Any] | None, int]]) -> None:
        """Waits; afterwards every output is written, also where the GPU does not reach."""
        self._wait()
        for out, (ours, _) in zip(outs, targets, strict=True):
            if ours is not None:
                out[...] = ours.view(out.dtype).reshape(out.shape)
                self.copies.enter(DOWNLOAD, out.nbytes)

    def statistics(self, frame: Frame, region: Region | None, step_px: int, out: Histogram | None = None) -> Histogram:
        """See Preprocessor.statistics."""
        histogram: Histogram = np.empty(256, np.uint32) if out is None else out
        histogram[...] = self._measured(frame, region, step_px, sharpness=False)[0]
        return histogram

    def exposure(self, frame: Frame, region: Region | None, step_px: int) -> Exposure:
        """See Preprocessor.exposure."""
        return Exposure.of(*self._measured(frame, region, step_px, sharpness=True))

    def close(self) -> None:
        """Give kernels, stream and buffers back; may be called again. Later calls raise CudaError."""
        with self._lock:
            if not self._open:
                return
            self._open, self._frame = False, None
            with self._cuda.active():
                self._stream.synchronize()  # a launch that no engine waited for may still be writing
                self._cuda.forget_event(self._started)
                self._own.clear()
                self._entries.clear()
                del self._exposure, self._module, self._done, self._started, self._stream, self._counts, self._totals

    def _measured(
        self, frame: Frame, region: Region | None, step_px: int, *, sharpness: bool
    ) -> tuple[Histogram, int, int]:
        m, columns, rows = plan.grid(region, frame.width, frame.height, step_px)
        with self._launching("exposure"):
            job = _kernels.exposure_job(
                frame.format, frame.color, frame.width, frame.height, frame.planes, frame.strides,
                m, columns, rows, sharpness, self._planes(frame),
            )  # fmt: skip
            self._counts[...] = 0
            self._totals[...] = 0
            grid = (*_blocks(columns, rows), 1)
            self._exposure.prepared_async_call(grid, _BLOCK, self._stream, job, self._counts_at, self._totals_at)
            self._wait()
            histogram: Histogram = np.array(self._counts, np.uint32)
            return histogram, int(self._totals[0]), int(self._totals[1])

    def _planes(self, frame: Frame) -> list[int]:
        """The GPU's address of each plane, copied to where it has one if need be: once a frame."""
        if frame is not self._frame:
            self._frame = None
            self._planes_at = [self._plane(number, plane) for number, plane in enumerate(frame.planes)]
            self._frame = frame
            self.copies.frame_done()
        return self._planes_at

    def _plane(self, number: int, plane: Any) -> int:
        nbytes = memoryview(plane).nbytes
        if nbytes == 0:
            return 0  # too short for any picture, which the kernels' module is about to say
        flat = np.frombuffer(plane, np.uint8)
        found = self._cuda.device_address(int(flat.__array_interface__["data"][0]), nbytes)
        if found is not None:
            return found
        ours, address = self._staging(f"plane {number}", nbytes)
        if self._busy:
            self._wait()
        ours[...] = flat
        self.copies.enter(UPLOAD, nbytes)
        return address

    def _target(self, number: int, out: Output) -> tuple[NDArray[Any] | None, int]:
        """Where the GPU writes an output: in place, or (the array to copy from, its address)."""
        found = self._cuda.device_address(int(out.__array_interface__["data"][0]), out.nbytes)
        return (None, found) if found is not None else self._staging(f"out {number}", out.nbytes)

    def _staging(self, name: str, nbytes: int) -> tuple[NDArray[Any], int]:
        kept = self._own.get(name)
        if kept is None or kept[0].nbytes < nbytes:
            self._own.pop(name, None)
            kept = self._own[name] = self._cuda.mapped((nbytes,), "uint8")
        return kept[0][:nbytes], kept[1]

    def _wait(self) -> None:
        self._done.record(self._stream)
        self._done.synchronize()
        self._busy = False

    @contextmanager
    def _launching(self, what: str) -> Iterator[None]:
        with self._lock:
            if not self._open:
                raise CudaError(f"{what}: the preprocessor is closed")
            try:
                with self._cuda.active():
                    yield
            except driver.Error as error:
                raise CudaError(f"{what}: the driver refused: {one_line(error)}") from error


def _blocks(width: int, height: int) -> tuple[int, int]:
    return -(-width // _BLOCK[0]), -(-height // _BLOCK[1])
