"""The live text of `aim`: a pure rendering, and how it gets onto a terminal or into a log."""

from __future__ import annotations

import os
from typing import TextIO

from watchkeeper.commands.aim.session import Session
from watchkeeper.commands.aim.verdict import Verdict, next_action, overall

_MARK = {Verdict.PASS: "ok  ", Verdict.WARN: "warn", Verdict.FAIL: "FAIL", Verdict.UNKNOWN: "-   "}


def render(session: Session, t_ns: int) -> list[str]:
    """The table's lines, without colour or cursor movement."""
    supervisor = session.supervisor
    bus = "starting" if supervisor is None else f"{supervisor.state.name.capitalize()} / {supervisor.cause.label}"
    head = f"aim   {session.left_s(t_ns)} s left; the bus says {bus}"
    rows = [f"{_MARK[item.verdict]}  {item.name:13} {item.found}" for item in session.items]
    return [head, *rows, f"next: {next_action(session.items) or 'nothing; mounting and light will do'}"]


class Screen:
    """Redraws in place on a terminal; elsewhere a line whenever what is to be done changes."""

    def __init__(self, out: TextIO) -> None:
        self._out, self._terminal = out, out.isatty()
        self._height = 0
        self._said = ""

    def show(self, session: Session, t_ns: int) -> None:
        """Bring it up to date."""
        if not self._terminal:
            said = f"{overall(session.items).value}: {next_action(session.items) or 'nothing to do'}"
            if said != self._said:
                print(f"aim: {said}", file=self._out, flush=True)
                self._said = said
            return
        lines = render(session, t_ns)
        width = os.get_terminal_size(self._out.fileno()).columns
        up = f"\x1b[{self._height}F" if self._height else ""
        self._out.write(up + "".join(f"\x1b[2K{line[: width - 1]}\n" for line in lines) + "\x1b[J")
        self._out.flush()
        self._height = len(lines)
