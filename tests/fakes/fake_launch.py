"""Modules and kernels of the fake GPU: a launch runs kernels/preprocess.cu itself, built for the CPU, when waited for.

Rules kept: an image of another kind of GPU is refused; parameters have to be as many bytes as the kernel takes; every
address in them has to lie in live memory of the device, at the launch and when it is done; blocks have at most 1024
threads; what a launch will write holds 0xff bytes (NaN) until somebody waits.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fake_gpu
import numpy as np
import pytest

_ROOT = Path(__file__).parents[2]
_ENTRIES = [*(f"preprocess_{number}" for number in range(11)), "exposure"]
_MAX_RANGES, _MAX_REGIONS = 32, 8
IMAGE = b"\x7fELF stands for a cubin, sm_87"


@functools.cache
def _library() -> Any:
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("g++ is not installed: the fake GPU's kernels cannot be built")
    folder = tempfile.mkdtemp()
    target, kernels = Path(folder) / "launch.so", _ROOT / "kernels"
    source = _ROOT / "tests" / "kernels" / "launch_library.cc"
    flags = ["-std=c++17", "-O1", "-ffp-contract=off", "-shared", "-fPIC", f"-I{kernels}", f"-I{source.parent}"]
    try:
        subprocess.run([compiler, *flags, str(source), "-o", str(target)], check=True)
        # PyDLL keeps the GIL: the shim's thread and block indices are one set for the whole process.
        library = ctypes.PyDLL(str(target))
    finally:
        shutil.rmtree(folder)
    library.parameter_bytes.restype = ctypes.c_int64
    return library


class Function:
    """pycuda.driver.Function as documented: `prepare` with the parameters' struct formats, then prepared calls."""

    def __init__(self, module: Module, name: str) -> None:
        self._module, self._entry = module, _ENTRIES.index(name)
        self._format: str | None = None

    def prepare(self, arg_types: list[str], texrefs: list[Any] | None = None) -> Function:
        if texrefs:
            raise fake_gpu.LogicError("the kernels have no textures")
        self._format = "".join(arg_types)
        return self

    def prepared_async_call(
        self, grid: tuple[int, ...], block: tuple[int, int, int], stream: Any, *args: Any, **kwargs: Any
    ) -> None:
        if kwargs.keys() - {"shared_size"}:
            raise TypeError("unknown keyword arguments: " + ", ".join(kwargs))
        fake_gpu.gpu.check_current("cuLaunchKernel")
        if self._format is None:
            raise AttributeError("arg_format")  # as there, where nobody has called prepare
        if stream is None:
            raise fake_gpu.LogicError("the default stream is not to be used")
        grid = (*grid, 1)[:3]
        if not 0 < int(np.prod(block)) <= 1024 or min(grid) < 1 or max(grid[1:]) > 65535:
            raise fake_gpu.LogicError("cuLaunchKernel failed: invalid argument")
        data = struct.pack(self._format, *args)
        # pack cuts and fills bytes to the format in silence
        if any(isinstance(one, bytes) and one not in data for one in args):
            raise fake_gpu.LogicError("parameters were cut to the prepared format")
        if len(data) != _library().parameter_bytes(self._entry):
            raise fake_gpu.LogicError("cuLaunchKernel failed: invalid argument (parameters)")
        if self._entry != _ENTRIES.index("exposure") and grid[2] > _MAX_REGIONS:
            raise fake_gpu.LogicError("an illegal memory access was encountered (regions)")
        launch = functools.partial(self._execute, data, grid, tuple(block))
        stream.put(lambda: self._addressed(data, grid, issued=True), launch)

    def _addressed(self, data: bytes, grid: tuple[int, ...], *, issued: bool = False) -> Any:
        """The parameters with the host's addresses in place of the device's, every one of them checked.

        issued: the launch is put on its stream; otherwise it is being done.
        """
        buffer = ctypes.create_string_buffer(data, len(data))
        ranges = (ctypes.c_int64 * (3 * _MAX_RANGES))()
        count = _library().address_ranges(self._entry, buffer, grid[2], ranges)
        if count < 0:
            raise fake_gpu.LogicError("an illegal memory access was encountered (another format's kernel)")
        for at, nbytes, overwritten in itertools.islice(zip(*[iter(ranges)] * 3, strict=True), count):
            device = int.from_bytes(buffer.raw[at : at + 8], "little")
            host = fake_gpu.gpu.host_address(device, nbytes)
            (fake_gpu.gpu.written if overwritten else fake_gpu.gpu.read).add(device)
            ctypes.memmove(ctypes.addressof(buffer) + at, host.to_bytes(8, "little"), 8)
            if overwritten and issued:
                ctypes.memset(host, 0xFF, nbytes)
                fake_gpu.gpu.unwritten.append((device, nbytes))
            elif overwritten:
                fake_gpu.gpu.unwritten.remove((device, nbytes))
        return buffer

    def _execute(self, data: bytes, grid: tuple[int, ...], block: tuple[int, ...]) -> None:
        buffer = self._addressed(data, grid)
        _library().launch(self._entry, buffer, (ctypes.c_uint * 3)(*grid), (ctypes.c_uint * 3)(*block))


class Module:
    """pycuda.driver.Module."""

    def get_function(self, name: str) -> Function:
        fake_gpu.gpu.check_current("cuModuleGetFunction")
        if name not in _ENTRIES:
            raise fake_gpu.LogicError("cuModuleGetFunction failed: named symbol not found")
        return Function(self, name)


def module_from_buffer(buffer: bytes, options: Sequence[Any] = (), message_handler: Any = None) -> Module:
    fake_gpu.gpu.check_current("cuModuleLoadDataEx")
    if not (buffer.startswith(b"\x7fELF") and b"sm_87" in buffer):
        raise fake_gpu.LogicError("cuModuleLoadDataEx failed: device kernel image is invalid")
    return Module()
