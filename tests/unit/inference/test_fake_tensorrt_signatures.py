"""The fake TensorRT takes the arguments the real bindings take, by name and order.

The table was read from the docstrings of tensorrt-cu12-bindings 10.3.0 and tensorrt-cu13-bindings 11.4.0.106. Where
WATCHKEEPER_TENSORRT names a folder with an importable `tensorrt` (the bindings need no GPU to be imported, only
stand-ins for three shared objects), they are read again.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys

import fake_tensorrt
import pytest
from install import installed

# class of TensorRT -> (the fake's class, method -> parameters after self)
REAL: dict[str, tuple[str, dict[str, tuple[str, ...]]]] = {
    "Builder": ("Builder", {
        "create_network": ("flags",), "create_builder_config": (), "build_serialized_network": ("network", "config"),
    }),
    "Runtime": ("Runtime", {"deserialize_cuda_engine": ("serialized_engine",)}),
    "ICudaEngine": ("Engine", {
        "get_tensor_name": ("index",), "get_tensor_shape": ("name",), "get_tensor_dtype": ("name",),
        "get_tensor_mode": ("name",),
    }),
    "IExecutionContext": ("ExecutionContext", {
        "set_tensor_address": ("name", "memory"), "execute_async_v3": ("stream_handle",),
    }),
    "IBuilderConfig": ("BuilderConfig", {
        "set_flag": ("flag",), "set_memory_pool_limit": ("pool", "pool_size"),
        "create_timing_cache": ("serialized_timing_cache",), "set_timing_cache": ("cache", "ignore_mismatch"),
        "get_timing_cache": (),
    }),
    "OnnxParser": ("OnnxParser", {"parse": ("model", "path"), "get_error": ("index",)}),
    "ITimingCache": ("TimingCache", {"serialize": ()}),
    "ParserError": ("ParserError", {"desc": ()}),
}  # fmt: skip

_READ = """
import json, re, sys
import tensorrt
wanted = json.loads(sys.argv[1]).items()
print(json.dumps({c: {m: getattr(getattr(tensorrt, c), m).__doc__ or "" for m in ms} for c, ms in wanted}))
"""


@pytest.mark.parametrize("name", sorted(REAL))
def test_fake_has_the_real_parameters(name: str) -> None:
    fake, methods = REAL[name]
    for method, parameters in methods.items():
        found = tuple(inspect.signature(getattr(getattr(fake_tensorrt, fake), method)).parameters)[1:]
        assert found == parameters, f"{name}.{method}"


@pytest.mark.parametrize(
    ("version", "present", "absent"),
    [
        ("8.5.3.1", ("IInt8EntropyCalibrator2",), ("IProgressMonitor",)),
        ("10.3.0", ("IInt8EntropyCalibrator2", "IProgressMonitor"), ()),
        ("11.4.0", ("IProgressMonitor",), ("IInt8EntropyCalibrator2",)),
    ],
)
def test_versions_differ_as_the_real_ones(version: str, present: tuple[str, ...], absent: tuple[str, ...]) -> None:
    with installed(version):
        module = sys.modules["tensorrt"]
        assert all(hasattr(module, name) for name in present)
        assert not any(hasattr(module, name) for name in absent)
        assert hasattr(module.BuilderFlag, "FP16") == (not version.startswith("11"))
        assert hasattr(module.NetworkDefinitionCreationFlag, "EXPLICIT_BATCH") == (not version.startswith("11"))


def test_real_bindings_still_say_so() -> None:
    folder = os.environ.get("WATCHKEEPER_TENSORRT")
    if not folder:
        pytest.skip("needs TensorRT's Python bindings: set WATCHKEEPER_TENSORRT to the folder that has them")
    wanted = json.dumps({name: list(methods) for name, (_, methods) in REAL.items()})
    done = subprocess.run(
        [sys.executable, "-c", _READ, wanted], env={**os.environ, "PYTHONPATH": folder}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    for name, methods in json.loads(done.stdout).items():
        for method, text in methods.items():
            documented = re.findall(rf"(?<!\w){method}\(self: [\w.]+(?:, )?(.*)\) ->", text)
            found = [tuple(re.findall(r"(?:^|, )(\w+): ", signature)) for signature in documented]
            assert REAL[name][1][method] in found, f"{name}.{method}: {text[:200]}"
