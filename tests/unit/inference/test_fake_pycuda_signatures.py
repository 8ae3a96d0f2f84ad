"""The fake pycuda takes the arguments the real one takes, by name and order, and we call nothing that is not in it.

The table was read from the sources of pycuda 2025.1.2: src/wrapper/wrap_cudadrv.cpp and pycuda/driver.py. Where
WATCHKEEPER_PYCUDA names a folder with those sources (an unpacked sdist; nothing is built), they are read again.
"""

from __future__ import annotations

import ast
import inspect
import os
import re
import sys
from pathlib import Path
from typing import Any

import fake_gpu
import fake_launch
import pytest
from install import installed

import watchkeeper

Names = tuple[str, ...]
# Parameters that can be given by name, in order; UNNAMED: so many that cannot (Boost.Python knows no names for them)
UNNAMED: dict[str, int] = {"Device.get_attribute": 1, "Device.__init__": 1, "Stream.wait_for_event": 1}
REAL: dict[str, Names] = {
    "init": ("flags",),
    "get_driver_version": (),
    "module_from_buffer": ("buffer", "options", "message_handler"),
    "pagelocked_zeros": ("shape", "dtype", "order", "mem_flags"),
    "Device.__init__": (),
    "Device.name": (),
    "Device.compute_capability": (),
    "Device.get_attribute": (),
    "Device.retain_primary_context": (),
    "Context.push": (),
    "Context.pop": (),
    "Context.detach": (),
    "Stream.__init__": ("flags",),
    "Stream.synchronize": (),
    "Stream.wait_for_event": (),
    "Event.__init__": ("flags",),
    "Event.record": ("stream",),
    "Event.synchronize": (),
    "Module.get_function": ("name",),
    "Function.prepare": ("arg_types", "texrefs"),
    "Function.prepared_async_call": ("grid", "block", "stream", "args", "kwargs"),
    "HostPointer.get_device_pointer": (),
}
STATIC = {"Context.pop"}
PROPERTIES = {"Stream.handle"}
ENUMS: dict[str, Names] = {
    "device_attribute": ("MULTIPROCESSOR_COUNT", "INTEGRATED"),
    "host_alloc_flags": ("PORTABLE", "DEVICEMAP"),
    "event_flags": ("DEFAULT", "BLOCKING_SYNC", "DISABLE_TIMING"),
}
_FAKES: dict[str, Any] = {
    "Device": fake_gpu.Device, "Context": fake_gpu.Context, "Stream": fake_gpu.Stream, "Event": fake_gpu.Event,
    "Module": fake_launch.Module, "Function": fake_launch.Function, "HostPointer": fake_gpu._Allocation,
    "module_from_buffer": fake_launch.module_from_buffer,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(REAL))
def test_fake_has_the_real_parameters(name: str) -> None:
    owner, _, method = name.rpartition(".")
    thing = getattr(_FAKES[owner], method) if owner else _FAKES.get(method) or getattr(fake_gpu, method)
    found = tuple(inspect.signature(thing).parameters)
    if owner and name not in STATIC:
        found = found[1:]
    if name in UNNAMED:
        assert (len(found), REAL[name]) == (UNNAMED[name], ())
    else:
        assert found == REAL[name]


def test_fake_offers_no_more_than_the_real_one() -> None:
    for owner in ("Device", "Context", "Stream", "Event", "Module", "Function"):
        public = {name for name in vars(_FAKES[owner]) if not name.startswith("_")}
        known = {name.partition(".")[2] for name in (*REAL, *PROPERTIES) if name.startswith(owner + ".")}
        ours = {"Stream": {"put", "until"}, "Event": {"reached"}}.get(owner, set())  # how the fakes do a stream's work
        assert public - ours <= known, owner
    for name, members in ENUMS.items():
        assert {member for member in vars(getattr(fake_gpu, name)) if not member.startswith("_")} == set(members)


def test_we_use_nothing_of_pycuda_that_is_not_in_the_table() -> None:
    """Every `driver.x` and `driver.x.y` in the package."""
    known = {name.partition(".")[0] for name in REAL} | set(ENUMS) | {"Error"}
    used: set[tuple[str, ...]] = set()
    for path in Path(watchkeeper.__file__).parent.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if "pycuda.driver" in text:
            used |= {
                tuple(m.split(".")[1:]) for m in re.findall(r"\bdriver\.\w+(?:\.\w+)?", text.replace("pycuda.", ""))
            }
    assert used
    for first, *rest in used:
        assert first in known
        if first in ENUMS and rest:
            assert rest[0] in ENUMS[first]
        elif rest:
            assert f"{first}.{rest[0]}" in REAL


def test_installed_fake_has_everything_we_use() -> None:
    with installed():
        driver = sys.modules["pycuda.driver"]
        for name in {n.partition(".")[0] for n in REAL} - {"HostPointer", "Module", "Function"}:
            assert hasattr(driver, name)


def test_real_sources_still_say_so() -> None:
    folder = os.environ.get("WATCHKEEPER_PYCUDA")
    if not folder:
        pytest.skip("needs pycuda's sources: set WATCHKEEPER_PYCUDA to the folder of an unpacked sdist")
    wrapper = (Path(folder) / "src/wrapper/wrap_cudadrv.cpp").read_text(encoding="utf-8")
    functions = _python_functions((Path(folder) / "pycuda/driver.py").read_text(encoding="utf-8"))
    for name, expected in REAL.items():
        owner, _, method = name.rpartition(".")
        if owner == "Function":
            assert functions[f"function_{method}"][1:] == expected, name
        elif method in functions and not owner:
            assert functions[method] == expected, name
        else:
            assert _bound(wrapper, owner, method) == expected, name
    for name, members in ENUMS.items():
        start = wrapper.index(f'"{name}"')
        body = wrapper[start : wrapper.index(";\n  }" if name == "host_alloc_flags" else "    ;", start)]
        assert all(f'"{member}"' in body for member in members), name
    assert '.add_property("handle"' in _class(wrapper, "Stream")


def _class(wrapper: str, name: str) -> str:
    start = re.search(rf'py::class_<[^;]*?"{name}"', wrapper)
    assert start is not None, name
    end = wrapper.find("py::class_<", start.end())
    return wrapper[start.end() : end]


def _bound(wrapper: str, owner: str, method: str) -> Names:
    """Names of the parameters that Boost.Python is told for a function, method or constructor."""
    body = _class(wrapper, owner) if owner else wrapper
    if owner and re.search(rf"DEF_SIMPLE_METHOD\({method}\)", body):
        return ()
    if owner and method == "__init__" and "no_init" not in body[:40]:
        head = body[: body.index(".DEF_SIMPLE") if ".DEF_SIMPLE" in body else len(body)].split(".def")[0]
        return tuple(re.findall(r'py::args?\("(\w+)"\)', head))
    found = re.search(rf'(?:\.|py::)def\("{method}",(.*?)(?:\n\s*\.|;\n|\n#)', body, re.DOTALL)
    assert found is not None, f"{owner}.{method}"
    listed = [one for group in re.findall(r"py::args?\(([^)]*)\)", found[1]) for one in re.findall(r'"(\w+)"', group)]
    return tuple(name for name in listed if name != "self")


def _python_functions(source: str) -> dict[str, Names]:
    """Parameters of every function of driver.py, nested ones too; of two of a name the last one counts."""
    found = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            a = node.args
            every = [*a.posonlyargs, *a.args, *([a.vararg] if a.vararg else []), *([a.kwarg] if a.kwarg else [])]
            found[node.name] = tuple(one.arg for one in every)
    return found
