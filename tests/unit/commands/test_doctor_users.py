"""doctor on vision's own user."""

from __future__ import annotations

import pytest

from watchkeeper.commands.checks import users
from watchkeeper.confine.account import Account


@pytest.mark.parametrize(
    ("there", "status", "found"),
    [
        ({}, "skip", "vision keeps its caller's user"),
        ({"watchkeeper": (5, 5, ())}, "fail", "no user watchkeeper-vision"),
        ({"watchkeeper": (5, 5, ()), "watchkeeper-vision": (6, 6, (44,))}, "pass", "in g6, video"),
        ({"watchkeeper": (5, 5, ()), "watchkeeper-vision": (6, 6, (5, 44))}, "fail", "is open to it"),
        ({"watchkeeper": (5, 5, ()), "watchkeeper-vision": (5, 5, (44,))}, "fail", "is open to it"),
        ({"watchkeeper": (5, 5, ()), "watchkeeper-vision": (6, 6, ())}, "fail", "is not in video"),
    ],
)
def test_what_is_found(
    monkeypatch: pytest.MonkeyPatch, there: dict[str, tuple[int, int, tuple[int, ...]]], status: str, found: str
) -> None:
    names = {44: "video"}
    monkeypatch.setattr(users, "account", lambda name: Account(name, *there[name]) if name in there else None)
    monkeypatch.setattr(users, "in_groups", lambda of: [names.get(n, f"g{n}") for n in (of.gid, *of.groups)])
    finding = users.vision_user()
    assert (finding.status, found in finding.found) == (status, True), finding
    assert bool(finding.action) == (status == "fail")
