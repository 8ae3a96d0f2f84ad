"""Puts the fake GPU where `import tensorrt` and `import pycuda.driver` look, and takes it away again."""

from __future__ import annotations

import ctypes
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import fake_gpu
import fake_launch
import fake_tensorrt
import pytest

_OURS = (
    "watchkeeper.memory.cuda", "watchkeeper.memory.cuda_graph", "watchkeeper.inference.tensorrt",
    "watchkeeper.inference.tensorrt_build", "watchkeeper.inference.tensorrt_int8", "watchkeeper.preprocess.cuda",
)  # fmt: skip


@contextmanager
def installed(version: str = "10.3.0") -> Iterator[None]:
    """A fresh fake GPU with TensorRT of this version; modules of ours that import either are loaded anew."""
    real, library = ctypes.CDLL, fake_gpu.LibCuda()

    def load(name: Any, *rest: Any, **named: Any) -> Any:
        return library if name == "libcuda.so.1" else real(name, *rest, **named)

    with pytest.MonkeyPatch.context() as patch:
        for name in _OURS:
            patch.delitem(sys.modules, name, raising=False)
        for name, module in {**fake_gpu.pycuda_modules(), "tensorrt": fake_tensorrt.tensorrt_module(version)}.items():
            patch.setitem(sys.modules, name, module)
        sys.modules["pycuda.driver"].__dict__["module_from_buffer"] = fake_launch.module_from_buffer
        patch.setattr(ctypes, "CDLL", load)
        try:
            yield
        finally:
            cuda = sys.modules.get("watchkeeper.memory.cuda")
            if cuda is not None:
                cuda.__dict__["_give_back"]()
            for name in _OURS:  # those were bound to the fakes
                sys.modules.pop(name, None)
                package, _, attribute = name.rpartition(".")
                importlib.import_module(package).__dict__.pop(attribute, None)
