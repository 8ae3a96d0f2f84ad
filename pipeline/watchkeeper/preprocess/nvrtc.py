"""The compilers that make GPU code of kernels/preprocess.cu: NVRTC's library of CUDA 12 or 13, and nvcc.

NVRTC (documentation: NVRTC, Basic Usage) needs neither a GPU nor a driver: the wheels nvidia-cuda-nvrtc-cu12 (CUDA 12)
and nvidia-cuda-nvrtc (CUDA 13) are it.
"""

from __future__ import annotations

import ctypes
import importlib.util
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from watchkeeper.errors import WatchkeeperError
from watchkeeper.preprocess.cubin_pack import CUBIN, Version

# No fused multiply-add, as the CPU's -ffp-contract=off; ptxas tells registers and spills.
_OPTIONS = ("--std=c++17", "--fmad=false")
_LONGEST_S = 600


class CompilerError(WatchkeeperError):
    """The compiler refused; its own words."""


class Compiler(Protocol):
    """Makes GPU code."""

    @property
    def version(self) -> Version:
        """Of its CUDA."""
        ...

    def compile(self, source: Path, kind: str, capability: Version) -> tuple[bytes, str]:
        """The cubin or PTX and the compiler's log. Headers are looked for beside `source`. Raises CompilerError."""
        ...


class Nvrtc:
    """One loaded NVRTC. OSError when there is no such library."""

    def __init__(self, library: str) -> None:
        self._nvrtc = ctypes.CDLL(library)
        self._nvrtc.nvrtcGetErrorString.restype = ctypes.c_char_p
        major, minor = ctypes.c_int(), ctypes.c_int()
        self._check("nvrtcVersion", self._nvrtc.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor)))
        self.version: Version = (major.value, minor.value)

    def compile(self, source: Path, kind: str, capability: Version) -> tuple[bytes, str]:
        """See Compiler.compile."""
        program = ctypes.c_void_p()
        text, name = source.read_bytes(), source.name.encode()
        created = self._nvrtc.nvrtcCreateProgram(ctypes.byref(program), text, name, 0, None, None)
        self._check("nvrtcCreateProgram", created)
        try:
            options = [*_OPTIONS, f"--gpu-architecture={_architecture(kind, capability)}", f"-I{source.parent}"]
            if kind == CUBIN:
                options.append("--ptxas-options=-v")
            array = (ctypes.c_char_p * len(options))(*(o.encode() for o in options))
            status = self._nvrtc.nvrtcCompileProgram(program, len(options), array)
            log = self._bytes(program, "ProgramLog").rstrip(b"\0").decode(errors="replace")
            if status:
                raise CompilerError(f"{source.name}: NVRTC {self.version[0]}.{self.version[1]}: {log.strip()}")
            return self._bytes(program, "CUBIN" if kind == CUBIN else "PTX"), log
        finally:
            self._nvrtc.nvrtcDestroyProgram(ctypes.byref(program))

    def _bytes(self, program: ctypes.c_void_p, what: str) -> bytes:
        size = ctypes.c_size_t()
        self._check(what, getattr(self._nvrtc, f"nvrtcGet{what}Size")(program, ctypes.byref(size)))
        buffer = ctypes.create_string_buffer(size.value)
        self._check(what, getattr(self._nvrtc, f"nvrtcGet{what}")(program, buffer))
        return buffer.raw

    def _check(self, what: str, status: int) -> None:
        if status:
            raise CompilerError(f"{what}: {self._nvrtc.nvrtcGetErrorString(status).decode()}")


@dataclass(frozen=True, slots=True)
class Nvcc:
    """The toolkit's own compiler, where it is installed."""

    path: str
    version: Version

    def compile(self, source: Path, kind: str, capability: Version) -> tuple[bytes, str]:
        """See Compiler.compile."""
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "image"
            command = [
                self.path, f"--{kind}", f"-arch={_architecture(kind, capability)}", *_OPTIONS,
                "-Xptxas", "-v", str(source), "-o", str(out),
            ]  # fmt: skip
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_LONGEST_S)
            if done.returncode:
                raise CompilerError(f"{source.name}: nvcc: {done.stderr.strip()}")
            return out.read_bytes(), done.stderr


def find_compiler(major: int) -> Compiler | None:
    """NVRTC of CUDA `major` from its wheel or the system, else nvcc if it is of that version; None without."""
    for library in _libraries(major):
        try:
            nvrtc = Nvrtc(library)
        except OSError:
            continue
        if nvrtc.version[0] == major:
            return nvrtc
    nvcc = find_nvcc()
    return nvcc if nvcc is not None and nvcc.version[0] == major else None


def find_nvcc() -> Nvcc | None:
    """The nvcc in PATH, if it answers."""
    path = shutil.which("nvcc")
    if path is None:
        return None
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False, timeout=_LONGEST_S)
    found = re.search(r"release (\d+)\.(\d+)", done.stdout)
    return Nvcc(path, (int(found[1]), int(found[2]))) if found else None


def _libraries(major: int) -> Iterator[str]:
    name = f"libnvrtc.so.{major}"
    wheels = importlib.util.find_spec("nvidia")
    for root in (wheels.submodule_search_locations or ()) if wheels is not None else ():
        yield from (str(path) for path in sorted(Path(root).glob(f"*/lib/{name}")))
    yield name


def _architecture(kind: str, capability: Version) -> str:
    return f"{'sm' if kind == CUBIN else 'compute'}_{capability[0]}{capability[1]}"
