"""Checks of the logs: the gravest symptom of a group, and what to do about it."""

from __future__ import annotations

from watchkeeper.commands.checks import PASS, SKIP, Finding
from watchkeeper.commands.checks.symptoms import found_in
from watchkeeper.commands.checks.tree import Tree

_SHOWN = 140


def power(tree: Tree) -> Finding:
    """Supply and heat, as the kernel noticed them."""
    return _group(tree, "power-log")


def storage(tree: Tree) -> Finding:
    """The card and its file systems."""
    return _group(tree, "storage-log")


def memory(tree: Tree) -> Finding:
    """Memory that ran out."""
    return _group(tree, "memory-log")


def camera(tree: Tree) -> Finding:
    """Cameras that were not found or went silent."""
    return _group(tree, "camera-log")


def can(tree: Tree) -> Finding:
    """CAN controllers and the bus."""
    return _group(tree, "can-log")


def _group(tree: Tree, group: str) -> Finding:
    logs = [log for which in ("kernel", "services") if (log := tree.log(which)) is not None]
    if not logs:
        return Finding(SKIP, "the logs cannot be read", "run doctor as root, or as a member of adm")
    hits = found_in("\n".join(logs), group)
    if not hits:
        return Finding(PASS, "nothing since the start")
    worst, line, count = hits[0]
    times = "" if count == 1 else f" ({count} times)"
    data = {"symptoms": [{"name": s.name, "count": n, "last": text} for s, text, n in hits]}
    return Finding(worst.status, f"{worst.meaning}{times}: {line[:_SHOWN]}", worst.action, data)
