"""From vision to the camera's service to the board: when, how often, and what is remembered."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from watchkeeper.clock import NS_PER_S
from watchkeeper.errors import BadInputError
from watchkeeper.supervisor.ladder import (
    BOARD_AFTER_NS,
    BOARD_IN_A_ROW,
    RestartCounts,
    Restarter,
    RestartLadder,
    Rung,
    choose,
)


def _fault_for(ladder: RestartLadder, seconds: int) -> list[tuple[int, Rung]]:
    found: list[tuple[int, Rung]] = []
    for second in range(seconds):
        rung = ladder.step(second // 10, min(8, second), second >= 8, False, second * NS_PER_S)
        if rung is not Rung.NONE:
            found.append((second, rung))
    return found


def test_the_camera_service_comes_first_and_at_its_distance_then_the_board_once() -> None:
    counts = RestartCounts()
    found = _fault_for(RestartLadder(counts, camera_service=True, board=True), 200)
    board_s = 8 + BOARD_AFTER_NS // NS_PER_S
    assert found[:3] == [(3, Rung.CAMERA_SERVICE), (33, Rung.CAMERA_SERVICE), (63, Rung.CAMERA_SERVICE)]
    assert [second for second, rung in found if rung is Rung.BOARD] == [board_s]
    assert (counts.board, counts.board_in_a_row, counts.vision) == (1, 1, 19)


def test_without_commands_nothing_is_asked_for() -> None:
    assert _fault_for(RestartLadder(RestartCounts(), camera_service=False, board=False), 200) == []


def test_a_board_that_gets_no_better_stops_restarting_and_a_good_run_forgives() -> None:
    counts = RestartCounts(board=7, board_in_a_row=BOARD_IN_A_ROW)
    ladder = RestartLadder(counts, camera_service=False, board=True)
    assert _fault_for(ladder, 200) == []
    for second in range(200, 262):
        ladder.step(19, 0, False, True, second * NS_PER_S)
    assert (counts.board, counts.board_in_a_row) == (7, 0)


def test_counts_are_kept_over_restarts_and_damage_is_zeros(tmp_path: Path) -> None:
    path = tmp_path / "restarts.json"
    first = Restarter(path, ["true"], None)
    assert first.step(2, 3, False, False, 0) is Rung.CAMERA_SERVICE
    while first.busy:
        time.sleep(0.01)
    assert RestartCounts.read(path) == RestartCounts(vision=2, camera_service=1)
    Restarter(path, None, None).step(1, 0, False, True, 0)
    assert RestartCounts.read(path) == RestartCounts(vision=3, camera_service=1)
    for damage in ("", "[1]", '{"vision": -1, "board": true, "camera_service": "x"}', "\xff"):
        path.write_text(damage, encoding="latin-1")
        assert RestartCounts.read(path) == RestartCounts()


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="existing folder"):
        Restarter(tmp_path / "no" / "file", None, None)
    with pytest.raises(BadInputError, match="--restart-state"):
        Restarter(None, None, ["reboot"])
    with pytest.raises(BadInputError, match="command line"):
        choose("--board-restart", "'", None)


def test_a_command_that_cannot_be_started_is_told(tmp_path: Path) -> None:
    restarter = Restarter(tmp_path / "restarts.json", [str(tmp_path / "none")], None)
    with pytest.raises(FileNotFoundError):
        restarter.step(0, 3, False, False, 0)


def test_a_command_outlives_whoever_started_it(tmp_path: Path) -> None:
    """In a session of its own, so that a signal to ours does not reach it."""
    said = tmp_path / "session"
    program = f"import os, pathlib; pathlib.Path({str(said)!r}).write_text(str(os.getsid(0) == os.getpid()))"
    restarter = Restarter(None, [sys.executable, "-c", program], None)
    assert restarter.step(2, 3, False, False, 0) is Rung.CAMERA_SERVICE
    while restarter.busy:
        time.sleep(0.01)
    assert said.read_text() == "True"


def test_an_option_comes_before_the_boards_own_command() -> None:
    own = ("systemctl", "restart", "argus")
    assert choose("--x", None, own) == own
    assert choose("--x", "none", own) is None
    assert choose("--x", "touch '/run/a b'", own) == ["touch", "/run/a b"]
    assert choose("--x", None, None) is None


def test_a_command_that_fails_is_told_once_and_the_ladder_goes_on(tmp_path: Path) -> None:
    restarter = Restarter(tmp_path / "restarts.json", ["false"], None)
    assert restarter.step(2, 3, False, False, 0) is Rung.CAMERA_SERVICE
    while (told := restarter.take_failure()) is None:
        time.sleep(0.01)
    assert told == "false ended with status 1"
    assert restarter.take_failure() is None
    assert restarter.step(3, 4, False, False, 40 * NS_PER_S) is Rung.CAMERA_SERVICE
    while restarter.take_failure() is None:
        time.sleep(0.01)


def test_no_shell_sees_a_boards_words(tmp_path: Path) -> None:
    """What a shell would do something with arrives as it is."""
    said = tmp_path / "words"
    program = f"import sys, pathlib; pathlib.Path({str(said)!r}).write_text('|'.join(sys.argv[1:]))"
    restarter = Restarter(None, [sys.executable, "-c", program, "$HOME", "*", ";true"], None)
    restarter.step(2, 3, False, False, 0)
    while restarter.busy:
        time.sleep(0.01)
    assert said.read_text() == "$HOME|*|;true"
