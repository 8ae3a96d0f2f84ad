"""Checks that hold on every machine."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from watchkeeper.board import detect_board, load_board
from watchkeeper.commands.checks import FAIL, PASS, WARN, Finding
from watchkeeper.inference.manifest import file_problem, load_manifests
from watchkeeper.state.profile_file import changes, resolve_profile


def weights() -> Finding:
    """Every network's file is in the cache, or comes with this package, and is the right one."""
    found = (
        (m.name, file_problem(m.packaged_path if m.packaged else m.cached_path, m.sha256, m.size_bytes))
        for m in load_manifests()
    )
    problems = [f"{name}: {problem}" for name, problem in found if problem]
    if problems:
        return Finding(FAIL, "; ".join(problems), "run `watchkeeper models build`")
    return Finding(PASS, f"{len(load_manifests())} networks in the cache")


def board() -> Finding:
    """The board this machine is, and that its file is right."""
    found = load_board(detect_board())
    return Finding(PASS, f"{found.name}, engines {', '.join(found.engines)}", data={"board": found.name})


def profile(name: str) -> Finding:
    """The rule set that `--profile` names, and whether it is an experimental one."""
    chosen = resolve_profile(name)
    rows = changes(Path(name)) if name.endswith(".toml") else []
    data = {
        "name": chosen.name, "base": chosen.base, "experimental": chosen.experimental,
        "limits": [dataclasses.asdict(row) for row in rows],
    }  # fmt: skip
    if not chosen.experimental:
        found = chosen.name if not rows else f"{chosen.name} over {chosen.base}, {len(rows)} limits set, none laxer"
        return Finding(PASS, found, data=data)
    laxer = [f"{row.field} {row.value:g} {row.unit} ({row.base:g})" for row in rows if row.laxer]
    found = (
        f"{chosen.name} over {chosen.base}, EXPERIMENTAL and shown so on the bus; laxer: {', '.join(laxer) or 'none'}"
    )
    return Finding(WARN, found, "not for the road: remove `experimental` and what is laxer", data)
