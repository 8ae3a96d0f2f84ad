"""Compiles kernels/preprocess.cu for the boards and packs the images: what tools/cubins runs. Needs no GPU.

python -m watchkeeper.preprocess.cubin_build [--out FILE] [--source FILE]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from watchkeeper.data import data_path
from watchkeeper.errors import BadInputError, WatchkeeperError
from watchkeeper.files import write_atomically
from watchkeeper.preprocess.cubin_pack import CUBIN, PTX, Image, Version, pack_path, packed
from watchkeeper.preprocess.cubin_resources import Resources, resources, spill_bytes
from watchkeeper.preprocess.nvrtc import Compiler, find_compiler

# JetPack 6 (Orin, a driver of CUDA 12) loads nothing of CUDA 13; JetPack 7 (Orin and Thor) is of CUDA 13.
TARGETS: dict[int, tuple[tuple[str, Version], ...]] = {
    12: ((CUBIN, (8, 7)), (PTX, (7, 5))),
    13: ((CUBIN, (8, 7)), (CUBIN, (11, 0)), (PTX, (7, 5))),
}
WHEELS = {12: "nvidia-cuda-nvrtc-cu12", 13: "nvidia-cuda-nvrtc"}


@dataclass(frozen=True, slots=True)
class Built:
    """One image, and for a cubin what each kernel needs and how many bytes of registers it spills."""

    image: Image
    resources: dict[str, Resources]
    spills: dict[str, int]


def build_with(compiler: Compiler, source: Path) -> list[Built]:
    """Every image this compiler is there for. Raises CompilerError."""
    built = []
    for kind, capability in TARGETS[compiler.version[0]]:
        data, log = compiler.compile(source, kind, capability)
        image = Image(source.stem, kind, capability, compiler.version, data)
        built.append(Built(image, resources(data), spill_bytes(log)) if kind == CUBIN else Built(image, {}, {}))
    return built


def table(built: Built) -> str:
    """Registers, stack, spills and occupancy of each kernel, one line each, for blocks of 256 threads."""
    lines = [
        f"{built.image}",
        f"  {'kernel':<14}{'registers':>10}{'stack':>7}{'spills':>8}{'blocks':>8}{'occupancy':>11}",
    ]
    for name, need in sorted(built.resources.items(), key=lambda item: (len(item[0]), item[0])):
        share = f"{need.occupancy():.0%}"
        lines.append(
            f"  {name:<14}{need.registers:>10}{need.stack_bytes:>7}{built.spills[name]:>8}{need.blocks():>8}{share:>11}"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 when at least one compiler was there and its images are packed; else 2, with one line why."""
    parser = argparse.ArgumentParser(prog="tools/cubins", description="Compile the GPU kernels into one file.")
    parser.add_argument("--out", type=Path, help="the file to write (default: in the cache, where the back end looks)")
    parser.add_argument(
        "--source", type=Path, default=data_path("kernels", "preprocess.cu"), help="the kernels' source"
    )
    options = parser.parse_args(arguments)
    try:
        _build(options.source, options.out or pack_path())
    except WatchkeeperError as error:
        print(f"tools/cubins: {error}", file=sys.stderr)
        return error.exit_status
    return 0


def _build(source: Path, out: Path) -> None:
    if not source.is_file():
        raise BadInputError.at(source, "no kernel source; expected a checkout of the project")
    built = []
    for major in sorted(TARGETS):
        compiler = find_compiler(major)
        if compiler is None:
            wanted = ", ".join(f"{kind} for {a}.{b}" for kind, (a, b) in TARGETS[major])
            print(f"no compiler of CUDA {major}: left out {wanted}; pip install {WHEELS[major]}", file=sys.stderr)
            continue
        for one in build_with(compiler, source):
            built.append(one)
            print(table(one) if one.resources else f"{one.image}")
    if not built:
        raise BadInputError(f"no compiler for GPUs; pip install {' or '.join(WHEELS.values())}, or install nvcc")
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(out, packed([one.image for one in built]))
    print(f"{out}: {len(built)} images, {out.stat().st_size} bytes")


if __name__ == "__main__":
    sys.exit(main())
