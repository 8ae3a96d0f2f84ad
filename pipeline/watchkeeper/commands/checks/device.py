"""Checks of a board's accelerator: what nobody could run while this was written, run by who has the board.

Where a part is absent the check says `skip` and why; nothing is guessed.
"""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from watchkeeper.board import detect_board, load_board
from watchkeeper.capture.source import open_source
from watchkeeper.commands.checks import FAIL, PASS, SKIP, WARN, Finding
from watchkeeper.inference.engine import KeepsEngines, open_engine
from watchkeeper.inference.manifest import golden_problem, load_manifests
from watchkeeper.memory.ledger import DECODE, UPLOAD
from watchkeeper.preprocess.backends import open_preprocessor
from watchkeeper.preprocess.cubin_pack import pack_path
from watchkeeper.preprocess.spec import OutputSpec
from watchkeeper.runtime.copies import bytes_per_frame
from watchkeeper.runtime.perception import Perception
from watchkeeper.runtime.settings import engine_options
from watchkeeper.types import Region

_FRAMES = 30
_CLOCKS = "devices/system/cpu/cpu*/cpufreq/scaling_cur_freq", "class/devfreq/*/cur_freq"
_SYS = Path("/sys")
_TOLERANCE = 1e-4  # of an output on 0..1: both are the same source, compiled twice without contraction


def _missing(*modules: str) -> str | None:
    absent = [name for name in modules if importlib.util.find_spec(name) is None]
    return f"not installed: {', '.join(absent)}" if absent else None


def gpu() -> Finding:
    """A CUDA device answers on its primary context."""
    if why := _missing("pycuda"):
        return Finding(SKIP, why, "on a Jetson: pip install pycuda")
    from watchkeeper.memory.cuda import primary

    context = primary()
    major, minor = context.device.compute_capability()
    data = {"name": str(context.device.name()), "compute_capability": f"{major}.{minor}"}
    return Finding(PASS, f"{data['name']}, compute capability {major}.{minor}", data=data)


def kernel_twin() -> Finding:
    """The GPU's preprocessing kernel gives what its CPU twin gives, on frames of the demo drive."""
    if why := _missing("pycuda"):
        return Finding(SKIP, why, "on a Jetson: pip install pycuda")
    if not pack_path().is_file():
        return Finding(SKIP, f"{pack_path()}: no compiled kernels", "on a PC: tools/cubins; copy its file there")
    spec, worst = OutputSpec.ranged(192, 192, 0.0, 1.0), 0.0
    cpu, ours, theirs = open_preprocessor("cpu"), spec.empty(), spec.empty()
    with closing(open_preprocessor("cuda")) as cuda, closing(open_source("demo:", paced=False)) as source:
        for number in range(5):
            lease = source.next(10.0)
            if lease is None:
                return Finding(FAIL, "the demo drive gave no frame within 10 s", "")
            with lease:
                frame = lease.frame
                region = Region(frame.width / 2, frame.height / 2, 300.0, 300.0, 0.2 * number)
                cpu.run(frame, region, spec, ours)
                cuda.run(frame, region, spec, theirs)
            worst = max(worst, float(np.abs(ours - theirs).max()))
    status = PASS if worst <= _TOLERANCE else FAIL
    action = "" if status == PASS else "send this report"
    return Finding(status, f"largest difference {worst:.3g} of 1", action, {"worst": worst})


def engine_golden() -> Finding:
    """Every network in the board's own engine gives its golden output."""
    board = load_board(detect_board())
    name = board.engines[0]
    if name == "tensorrt" and (why := _missing("tensorrt", "pycuda")):
        return Finding(SKIP, why, "install JetPack's tensorrt, and pycuda")
    problems = {}
    for manifest in load_manifests():
        with open_engine(name, manifest, options=engine_options(board, name)) as engine:
            slack = engine.golden_slack if isinstance(engine, KeepsEngines) else 1.0
            problems[manifest.name] = golden_problem(manifest, engine, slack)
    wrong = [f"{model}: {problem}" for model, problem in problems.items() if problem]
    if wrong:
        return Finding(FAIL, "; ".join(wrong), "run `watchkeeper models build`", {"engine": name})
    return Finding(PASS, f"{len(problems)} networks in {name}", data={"engine": name})


def copies() -> Finding:
    """Bytes the CPU copies a frame from the board's own source to its own engine's inputs, by place."""
    board = load_board(detect_board())
    uri, engine = board.source, board.engines[0]
    with (
        closing(open_source(uri, paced=True)) as source,
        Perception(board.camera, engine, board.preprocess, options=engine_options(board, engine)) as perception,
    ):
        for _ in range(_FRAMES):
            lease = source.next(2.0)
            if lease is None:
                return Finding(FAIL, f"{uri}: no frame within 2 s", "check the camera")
            with lease:
                perception.process(lease.frame)
        places = bytes_per_frame(source.copied_bytes, perception.copies, _FRAMES)
    each = sum(places.values())
    data: dict[str, Any] = {"source": uri, "copied_bytes_per_frame": each, "by_place": places}
    if not each:
        return Finding(PASS, f"{uri}: 0 bytes copied a frame", data=data)
    told = ", ".join(f"{place} {count:.0f}" for place, count in places.items() if count)
    return Finding(WARN, f"{uri}: {each:.0f} bytes copied a frame ({told})", _advice(places), data)


def _advice(places: dict[str, float]) -> str:
    if places[DECODE]:
        return "choose a pixel format that needs no conversion"
    if places[UPLOAD]:
        return "let the camera write where the GPU reads: io=userptr&memory=cuda"
    return "choose the engine tensorrt, or preprocess cpu, in the board file"


def clocks() -> Finding:
    """Present clock of every core and memory or GPU device that says it."""
    read = {str(p.relative_to(_SYS)): int(p.read_text()) for pattern in _CLOCKS for p in sorted(_SYS.glob(pattern))}
    if not read:
        return Finding(SKIP, "this machine shows no clocks in sysfs")
    return Finding(PASS, f"{len(read)} clocks read", data=read)


def power_mode() -> Finding:
    """Jetson's power mode, by nvpmodel."""
    try:
        done = subprocess.run(["nvpmodel", "-q"], capture_output=True, text=True, timeout=10, check=False)
    except FileNotFoundError:
        return Finding(SKIP, "no nvpmodel: not a Jetson")
    except subprocess.TimeoutExpired:
        return Finding(FAIL, "nvpmodel did not answer within 10 s", "reboot the board")
    lines = done.stdout.split("\n")
    mode = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("NV Power Mode:")), "")
    if done.returncode or not mode:
        return Finding(WARN, f"nvpmodel: {(done.stderr or done.stdout).strip()[:120]}", "run doctor as root")
    wanted = load_board(detect_board()).hardware.power_mode or "MAXN"
    status = PASS if mode.upper().startswith(wanted) else WARN
    action = "" if status == PASS else f"sudo nvpmodel -m N, with the number that /etc/nvpmodel.conf gives {wanted}"
    return Finding(status, mode, action, {"mode": mode})
