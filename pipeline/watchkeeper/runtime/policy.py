"""Which files vision may open, from what it was told to do. Nothing here is opened.

Folders of Python, of this package and of the system's libraries are for reading; so are the weights and what the
options name. Devices are those of the source and the engine. Nothing may be written, but recordings of times where
--trace-out asks for them, and engine files where the engine makes its own.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from watchkeeper.board import detect_board, load_board
from watchkeeper.confine.landlock import DEVICE, READ, WRITE, Access, Rule
from watchkeeper.data import data_path
from watchkeeper.files import cache_root

_LIBRARIES = ("/usr", "/lib", "/lib64", "/opt", "/etc/ld.so.cache", "/etc/alternatives")
_FACTS = (
    "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys/vm", "/proc/sys/kernel",
    "/proc/device-tree", "/sys", "/etc/nv_tegra_release",
)  # fmt: skip
_ALWAYS = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
_CAMERAS = {
    "v4l2": ("/dev/video*", "/dev/v4l", "/dev/media*", "/dev/udmabuf", "/dev/dma_heap"),
    "picamera2": ("/dev/video*", "/dev/v4l*", "/dev/media*", "/dev/dma_heap", "/dev/vcsm-cma", "/run/udev"),
    "csi": ("/dev/video*", "/dev/media*", "/dev/nv*", "/dev/dri", "/dev/dma_heap", "/tmp/argus_socket"),
}  # fmt: skip
_GPU = ("/dev/nv*", "/dev/dri", "/dev/dma_heap")  # nvidia*, nvhost*, nvmap, nvgpu
_GPU_ENGINES = frozenset({"tensorrt"})
_PACKAGE = Path(__file__).parents[1]
DATA_LIMIT_BYTES = 2 << 30
"""Private memory of vision on a processor engine: it uses a tenth of it, and a runaway must not take the board."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What `confine` is told. read, written: what vision cannot do without, whoever it is."""

    rules: tuple[Rule, ...]
    read: tuple[Path, ...]
    written: tuple[Path, ...]
    local_sockets: bool
    data_limit_bytes: int | None


def policy_for(args: argparse.Namespace) -> Policy:
    """From vision's options (vision_options). Raises BadInputError as load_board does."""
    settings = load_board(args.board or detect_board(), args.geometry)
    uri = args.source or settings.source
    kind, _, rest = uri.partition(":")
    engine = args.engine or settings.engines[0]
    gpu = engine in _GPU_ENGINES
    rules = [
        *(Rule(path, READ | Access.EXECUTE) for path in _code()),
        *(Rule(Path(path), READ | Access.EXECUTE) for path in _LIBRARIES),
        *(Rule(Path(path), READ) for path in _FACTS),
        *(Rule(Path(path), DEVICE) for path in _ALWAYS),
        *(Rule(data_path(folder), READ) for folder in ("boards", "models", "demo", "vehicles")),
        Rule(cache_root(), READ),
    ]
    named = [Path(path) for path in (args.camera, args.profile, args.geometry) if path is not None]
    if kind == "file":
        named.append(Path(rest))
    rules += [Rule(path, READ) for path in named]
    rules += [Rule(path, DEVICE) for pattern in _CAMERAS.get(kind, ()) for path in _matching(pattern)]
    written = () if args.trace_out is None else (args.trace_out.parent,)
    if gpu:
        rules += [Rule(path, DEVICE) for pattern in _GPU for path in _matching(pattern)]
        rules.append(Rule(cache_root() / "models", WRITE))
    rules += [Rule(folder, WRITE) for folder in written]
    read = (*_code(), cache_root(), *named)
    limit = None if gpu else DATA_LIMIT_BYTES
    return Policy(tuple(rules), read, written, local_sockets=kind == "csi", data_limit_bytes=limit)


def _code() -> list[Path]:
    """Where Python imports from. The working folder, which `-m` puts there, is no library: it may be /."""
    found = [Path(place) for place in (sys.prefix, sys.base_prefix, sys.exec_prefix, *sys.path) if place]
    here = Path.cwd()
    return [_PACKAGE, *(place for place in dict.fromkeys(found) if place != here)]


def _matching(pattern: str) -> list[Path]:
    return sorted(Path("/").glob(pattern.lstrip("/")))
