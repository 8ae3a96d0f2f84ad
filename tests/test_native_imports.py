"""Who may import the native modules. import-linter cannot see extension modules, so the sources are read."""

from __future__ import annotations

import ast
from pathlib import Path

import watchkeeper

PACKAGE = Path(watchkeeper.__file__).parent
ALLOWED = {"_kernels": {"preprocess", "memory"}, "_geometry": {"measure"}, "_mailbox": {"mailbox"}}


def _imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.removeprefix("watchkeeper.").split(".")[0] for name in names if name.startswith("watchkeeper.")}


def test_native_modules_have_one_owner_each() -> None:
    users: dict[str, set[str]] = {name: set() for name in ALLOWED}
    for path in PACKAGE.rglob("*.py"):
        for name in ALLOWED.keys() & _imported(path):
            users[name].add(path.relative_to(PACKAGE).parts[0])
    assert users["_kernels"] == {"preprocess"} or users["_kernels"] == ALLOWED["_kernels"]
    assert users["_mailbox"] == ALLOWED["_mailbox"]
