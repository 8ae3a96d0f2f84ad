"""A mounting's items: what was found, whether it will do, and the one thing to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """UNKNOWN: cannot be told yet, for want of a face."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Item:
    """action: empty when there is nothing to do."""

    name: str
    verdict: Verdict
    found: str
    action: str = ""


def next_action(items: list[Item]) -> str:
    """The one thing to do: of the first that fails, cannot be told, or could be better; else nothing."""
    for verdict in (Verdict.FAIL, Verdict.UNKNOWN, Verdict.WARN):
        for item in items:
            if item.verdict is verdict and item.action:
                return item.action
    return "" if all(item.verdict is Verdict.PASS for item in items) else "sit in front of the camera, look ahead"


def overall(items: Iterable[Item]) -> Verdict:
    """The worst of them; what cannot be told is no pass."""
    return worst(item.verdict for item in items)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Of several; PASS of none."""
    found = set(verdicts)
    return next((v for v in (Verdict.FAIL, Verdict.UNKNOWN, Verdict.WARN) if v in found), Verdict.PASS)


def banded(value: float, good: tuple[float, float], fair: tuple[float, float]) -> Verdict:
    """PASS within `good`, WARN within `fair`, both ends included."""
    if good[0] <= value <= good[1]:
        return Verdict.PASS
    return Verdict.WARN if fair[0] <= value <= fair[1] else Verdict.FAIL


def at_least(value: float, good: float, fair: float) -> Verdict:
    """PASS from `good` up, WARN from `fair` up."""
    return banded(value, (good, float("inf")), (fair, float("inf")))


def item(name: str, value: float | None, of: Callable[[float], tuple[Verdict, str, str]]) -> Item:
    """`of` makes verdict, text and action of the value; without one the item is unknown. A pass asks for nothing."""
    if value is None:
        return Item(name, Verdict.UNKNOWN, "no face to measure")
    verdict, found, action = of(value)
    return Item(name, verdict, found, "" if verdict is Verdict.PASS else action)
