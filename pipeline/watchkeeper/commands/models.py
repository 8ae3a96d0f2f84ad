"""`watchkeeper models list | build | verify`."""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from typing import Any

from watchkeeper.errors import WatchkeeperError
from watchkeeper.inference import fetch
from watchkeeper.inference.engine import KeepsEngines, open_engine
from watchkeeper.inference.manifest import Manifest, cache_dir, file_problem, golden_problem, load_manifests, model_file
from watchkeeper.inference.onnx_file import FP16, FP32, onnx_bytes, onnx_path

_BAR_WIDTH = 24


def run_list(args: argparse.Namespace) -> int:
    """Every manifest, and whether its weights are in the cache."""
    rows = [_row(manifest) for manifest in load_manifests()]
    if args.json:
        print(json.dumps(rows, indent=2))
        return 0
    for row in rows:
        condition = "cached" if row["cached"] else f"not in the cache ({row['problem']})"
        if row["packaged"] and not row["cached"]:
            condition = "in this package"
        print(f"{row['name']:<20} {row['package']} {row['version']:<8} {row['size_bytes'] / 1e6:5.2f} MB  {condition}")
        print(f"{'':<20} {row['description']}")
    return 0


def run_build(args: argparse.Namespace) -> int:
    """Fill the cache."""
    manifests = load_manifests()
    progress = _Progress(len(manifests), "models build")
    try:
        built = fetch.build(manifests, progress.step)
    finally:
        progress.end()
    converted = _convert(manifests)
    if getattr(args, "engine", None):
        for manifest in manifests:
            open_engine(args.engine, manifest).close()  # builds what is missing and checks its golden output
    if args.json:
        made = {"cache": str(cache_dir()), "built": built, "onnx": converted, "models": [m.name for m in manifests]}
        print(json.dumps(made, indent=2))
    elif built:
        print(f"{len(built)} of {len(manifests)} models built into {cache_dir()}")
    else:
        print(f"all {len(manifests)} models are in {cache_dir()} already; nothing was downloaded")
    return 0


def _convert(manifests: list[Manifest]) -> list[str]:
    """The networks as ONNX, where the package for it is there; names of the files. Elsewhere a line says what to do."""
    if importlib.util.find_spec("onnx") is None:
        print(
            "models build: no ONNX files: only TensorRT and ONNX Runtime need them (pip install onnx)", file=sys.stderr
        )
        return []
    wanted = [(model_file(manifest), precision) for manifest in manifests for precision in (FP32, FP16)]
    for path, precision in wanted:
        onnx_bytes(path, precision)
    return [onnx_path(path, precision).name for path, precision in wanted]


def run_verify(args: argparse.Namespace) -> int:
    """Hash, shapes and golden output of each; exit status 1 when one fails."""
    manifests = load_manifests()
    progress = _Progress(len(manifests), "models verify")
    rows: list[dict[str, Any]] = []
    try:
        for manifest in manifests:
            rows.append(_verified(manifest, getattr(args, "engine", None) or "litert"))
            progress.step(manifest.name, "pass" if rows[-1]["ok"] else "fail")
    finally:
        progress.end()
    if args.json:
        print(json.dumps(rows, indent=2))
    else:
        for row in rows:
            print(f"{row['name']:<20} " + ("pass" if row["ok"] else f"FAIL  {row['problem']}"))
    return 0 if all(row["ok"] for row in rows) else 1


def _row(manifest: Manifest) -> dict[str, Any]:
    problem = file_problem(manifest.cached_path, manifest.sha256, manifest.size_bytes)
    return {
        "name": manifest.name,
        "description": manifest.description,
        "package": manifest.package,
        "version": manifest.version,
        "licence": manifest.licence,
        "origin": manifest.origin,
        "sha256": manifest.sha256,
        "size_bytes": manifest.size_bytes,
        "packaged": manifest.packaged,
        "path": str(manifest.cached_path),
        "cached": problem is None,
        "problem": problem,
    }


def _verified(manifest: Manifest, engine_name: str) -> dict[str, Any]:
    """One model's verdict. `open_engine` checks hash and shapes; a failure is a row, not the end of the command."""
    try:
        with open_engine(engine_name, manifest) as engine:
            problem = golden_problem(manifest, engine, engine.golden_slack if isinstance(engine, KeepsEngines) else 1.0)
    except WatchkeeperError as error:
        problem = str(error)
    return {"name": manifest.name, "engine": engine_name, "ok": problem is None, "problem": problem}


class _Progress:
    """A bar on stderr when that is a terminal, plain lines otherwise."""

    def __init__(self, total: int, title: str) -> None:
        self._total, self._title, self._done = total, title, 0
        self._bar = sys.stderr.isatty()
        self._draw("")

    def step(self, name: str, what: str) -> None:
        self._done += 1
        if self._bar:
            self._draw(name)
        else:
            print(f"{self._title}: {name}: {what}", file=sys.stderr)

    def end(self) -> None:
        if self._bar:
            print(file=sys.stderr)

    def _draw(self, name: str) -> None:
        if self._bar:
            filled = "#" * (_BAR_WIDTH * self._done // max(1, self._total))
            text = f"{self._title} [{filled:<{_BAR_WIDTH}}] {self._done}/{self._total} {name:<20}"
            print(f"\r{text}", end="", file=sys.stderr, flush=True)
