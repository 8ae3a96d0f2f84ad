"""Checks that hold on every machine."""

from __future__ import annotations

from watchkeeper.board import detect_board, load_board
from watchkeeper.commands.checks import FAIL, PASS, Finding
from watchkeeper.inference.manifest import file_problem, load_manifests


def weights() -> Finding:
    """Every network's file is in the cache and is the right one."""
    found = ((m.name, file_problem(m.cached_path, m.sha256, m.size_bytes)) for m in load_manifests())
    problems = [f"{name}: {problem}" for name, problem in found if problem]
    if problems:
        return Finding(FAIL, "; ".join(problems), "run `watchkeeper models build`")
    return Finding(PASS, f"{len(load_manifests())} networks in the cache")


def board() -> Finding:
    """The board this machine is, and that its file is right."""
    found = load_board(detect_board())
    return Finding(PASS, f"{found.name}, engines {', '.join(found.engines)}", data={"board": found.name})
