"""One commissioning: what is known now, as numbers for text, page and report. Pure; `command` feeds it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from watchkeeper.clock import NS_PER_S
from watchkeeper.commands.aim.judge import judge
from watchkeeper.commands.aim.place_items import Setup
from watchkeeper.commands.aim.verdict import Item, next_action, overall
from watchkeeper.commands.aim.window import Window
from watchkeeper.types import AimReading, SupervisorReport, SystemState

OLD_NS = NS_PER_S
"""Without a new reading for so long there is no picture: what the last ones said is not shown any more."""


@dataclass
class Session:
    """limit_ns: what was asked for. standing_ns: when vision's first picture came, which is only after the vehicle was
    known to stand; None before."""

    setup: Setup
    limit_ns: int
    window: Window = field(default_factory=Window)
    supervisor: SupervisorReport | None = None
    standing_ns: int | None = None
    causes: list[str] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    over: bool = False
    _news_ns: int = 0

    def step(self, reading: AimReading | None, supervisor: SupervisorReport | None, t_ns: int) -> None:
        """Take in what the mailboxes say at t_ns."""
        if supervisor is not None and supervisor.state is SystemState.STANDBY:
            self.over = True  # which it says in commissioning only while it ends: what was measured last stays
        elif reading is not None and reading != self.window.newest:
            self.standing_ns = t_ns if self.standing_ns is None else self.standing_ns
            self.window.take(reading)
            self._news_ns = t_ns
        elif not self.over and t_ns - self._news_ns > OLD_NS:
            self.window.readings.clear()
        if supervisor is not None:
            self.supervisor = supervisor
            shown = f"{supervisor.state.name.capitalize()} / {supervisor.cause.label}"
            if not self.causes or self.causes[-1] != shown:
                self.causes.append(shown)
        self.items = judge(self.window, self.setup)

    def numbers(self, t_ns: int) -> dict[str, Any]:
        """For the page: what it draws and writes. No picture is in it, nor can be."""
        newest, supervisor = self.window.newest, self.supervisor
        face = None if newest is None else newest.face
        return {
            "overall": overall(self.items).value,
            "action": next_action(self.items),
            "items": [item_row(item) for item in self.items],
            "picture": None if newest is None else {"width_px": newest.width_px, "height_px": newest.height_px},
            "face": None if face is None else [round(v, 1) for v in (face.x_px, face.y_px, face.w_px, face.h_px)],
            "bus": None if supervisor is None else {"state": supervisor.state.name, "cause": supervisor.cause.label},
            "left_s": self.left_s(t_ns),
        }

    def left_s(self, t_ns: int) -> int:
        """Whole seconds until it ends by itself, as far as known."""
        begun_ns = t_ns if self.standing_ns is None else self.standing_ns
        return max(0, (self.limit_ns - (t_ns - begun_ns)) // NS_PER_S)


def item_row(item: Item) -> dict[str, str]:
    """One item for JSON."""
    return {"item": item.name, "verdict": item.verdict.value, "found": item.found, "action": item.action}
