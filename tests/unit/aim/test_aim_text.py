"""The live text: a line an item and the one next action; in a log only what changes."""

from __future__ import annotations

import io
import os
import pty

from readings import GOOD, S, session, spoilt

from watchkeeper.commands.aim.text import Screen, render


def test_a_line_an_item_and_what_to_do_next() -> None:
    made = session(spoilt(face={"right_deg": 8.0}))
    lines = render(made, 2 * S)
    assert lines[0] == "aim   599 s left; the bus says starting"
    assert len(lines) == 1 + len(made.items) + 1
    assert "warn  across        8.0 deg right of the middle" in lines
    assert lines[-1] == "next: turn the camera 8 deg to its right, towards the door"


def test_a_log_gets_a_line_when_it_changes() -> None:
    out = io.StringIO()
    screen = Screen(out)
    for made in (session(None), session(GOOD), session(GOOD), session(spoilt(mean=5.0))):
        screen.show(made, 2 * S)
    assert out.getvalue().splitlines() == [
        "aim: unknown: wait; without a picture in 20 s run `watchkeeper doctor`",
        "aim: pass: nothing to do",
        "aim: fail: too dark: switch the infrared light on, expose longer",
    ]


def test_a_terminal_is_drawn_over() -> None:
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as out:
        screen = Screen(out)
        os.set_blocking(master, False)
        said = b""
        for made in (session(GOOD), session(spoilt(face={"right_deg": 8.0}))):
            screen.show(made, 2 * S)
            said += os.read(master, 1 << 16)
    os.close(master)
    height = 2 + len(session(GOOD).items)
    assert said.count(f"\x1b[{height}F".encode()) == 1
    assert said.count(b"ok    across") == 1
    assert said.count(b"warn  across") == 1
