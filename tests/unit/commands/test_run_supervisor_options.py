"""What `run` tells the supervisor: its own options reach it, and what is not given is left to the board."""

from __future__ import annotations

import pytest

from watchkeeper.cli import _parser
from watchkeeper.commands.run import _supervisor_command
from watchkeeper.runtime.settings import resolve


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], []),
        (["--listen-only"], ["--listen-only"]),
        (["--watchdog", "/dev/watchdog1"], ["--watchdog", "/dev/watchdog1"]),
        (["--watchdog", "none"], ["--watchdog", "none"]),
        (["--state-dir", "kept"], ["--state-dir", "kept"]),
    ],
)
def test_options_reach_the_supervisor(given: list[str], told: list[str]) -> None:
    args = _parser().parse_args(["run", "--board", "host", *given])
    command = _supervisor_command(args, resolve("host", None, None, None, args.profile), 0, "virtual:x", 3, 4)
    supervisor = command[: command.index("--")]
    assert [word for word in supervisor if word in told] == told
    assert ("--watchdog" in supervisor, "--listen-only" in supervisor) == (
        "--watchdog" in told,
        "--listen-only" in told,
    )
