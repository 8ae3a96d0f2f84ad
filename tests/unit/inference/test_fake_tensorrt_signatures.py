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
# what our calibrator has to override; until 10
CALIBRATOR: dict[str, tuple[str, ...]] = {
    "get_batch": ("names",), "get_batch_size": (), "read_calibration_cache": (), "write_calibration_cache": ("cache",),
}  # fmt: skip
PROPERTIES: dict[str, tuple[str, ...]] = {
    "Builder": ("num_DLA_cores",),
    "Runtime": ("num_DLA_cores", "DLA_core"),
    "IBuilderConfig": ("default_device_type", "DLA_core", "progress_monitor"),
    "ICudaEngine": ("num_io_tensors",),
    "OnnxParser": ("num_errors",),
}
OLD_PROPERTIES = {"Builder": ("platform_has_fast_int8",), "IBuilderConfig": ("int8_calibrator",)}

_READ = """
import json, re, sys
import tensorrt
wanted = json.loads(sys.argv[1]).items()
print(json.dumps({
    c: {m: getattr(getattr(getattr(tensorrt, c), m, None), "__doc__", None) or "" for m in ms}
    for c, ms in wanted if hasattr(tensorrt, c)
} | {"version": tensorrt.__version__, "properties": {c: dir(getattr(tensorrt, c)) for c in json.loads(sys.argv[2])}}))
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
        assert hasattr(module.Builder, "platform_has_fast_int8") == (not version.startswith("11"))
        assert hasattr(module.BuilderFlag, "FP16") == (not version.startswith("11"))
        assert hasattr(module.NetworkDefinitionCreationFlag, "EXPLICIT_BATCH") == (not version.startswith("11"))


def test_our_calibrator_overrides_what_tensorrt_calls() -> None:
    with installed("10.3.0"):
        from watchkeeper.inference.tensorrt_int8 import calibrator

        made = calibrator([], b"kept", lambda cache: None)
        for method, parameters in CALIBRATOR.items():
            assert tuple(inspect.signature(getattr(made, method)).parameters) == parameters


def test_real_bindings_still_say_so() -> None:
    folder = os.environ.get("WATCHKEEPER_TENSORRT")
    if not folder:
        pytest.skip("needs TensorRT's Python bindings: set WATCHKEEPER_TENSORRT to the folder that has them")
    table = {name: methods for name, (_, methods) in REAL.items()} | {"IInt8EntropyCalibrator2": CALIBRATOR}
    wanted = json.dumps({name: list(methods) for name, methods in table.items()})
    done = subprocess.run(
        [sys.executable, "-c", _READ, wanted, json.dumps(PROPERTIES)],
        env={**os.environ, "PYTHONPATH": folder}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    said = json.loads(done.stdout)
    old = int(said.pop("version").split(".")[0]) < 11
    for name, found_names in said.pop("properties").items():
        assert set(PROPERTIES[name]) <= set(found_names), name
        assert (set(OLD_PROPERTIES.get(name, ())) <= set(found_names)) == (old or name not in OLD_PROPERTIES), name
    assert ("IInt8EntropyCalibrator2" in said) == old
    for name, methods in said.items():
        for method, text in methods.items():
            documented = re.findall(rf"(?<!\w){method}\(self: [\w.]+(?:, )?(.*)\) ->", text)
            found = [tuple(re.findall(r"(?:^|, )(\w+): ", signature)) for signature in documented]
            assert table[name][method] in found, f"{name}.{method}: {text[:200]}"
