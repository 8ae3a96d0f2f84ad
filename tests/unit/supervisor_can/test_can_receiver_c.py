"""The receiver in C: compiled with every warning an error, run against recorded traffic whole and damaged."""

from __future__ import annotations

import dataclasses
import random
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from watchkeeper.supervisor.candump import LoggedFrame, format_line, read_log
from watchkeeper.supervisor.e2e import Checker
from watchkeeper.supervisor.frames import CanFrame, message_of
from watchkeeper.supervisor.spec import TRANSMITTED

ROOT = Path(__file__).resolve().parents[3]
SOURCES = ROOT / "examples" / "receiver"
RECORDED = ROOT / "tests" / "data" / "can" / "supervisor.log"
_MS = 1_000_000

Log = list[LoggedFrame]


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    program = tmp_path_factory.mktemp("receiver") / "dms_example"
    command = [compiler, "-std=c99", "-pedantic", "-O1", "-Wall", "-Wextra", "-Werror", "-o", str(program)]
    done = subprocess.run([*command, "main.c", "dms_receiver.c"], cwd=SOURCES, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return program


@pytest.fixture
def recorded() -> Log:
    """Six seconds of a real supervisor with a vision that says something else in every frame."""
    return list(read_log(RECORDED))


def _run(receiver: Path, log: Log, *, go_on_s: float = 0.0) -> tuple[list[str], dict[str, dict[str, int]]]:
    """(what was said frame by frame, counts a message)."""
    text = "".join(format_line(line.t_ns, line.channel, line.frame) + "\n" for line in log)
    done = subprocess.run([receiver, str(go_on_s)], input=text, capture_output=True, text=True, check=True)
    said, counts = [], {}
    for line in done.stdout.splitlines():
        first, *rest = line.split()
        if first == "count":
            counts[rest[0]] = {k: int(v) for k, v in (part.split("=") for part in rest[1:])}
        else:
            said.append(line)
    return said, counts


def _python_counts(log: Log) -> dict[str, Counter[str]]:
    checkers = {m.name: Checker(m.data_ids) for m in TRANSMITTED}
    counts: dict[str, Counter[str]] = {m.name: Counter() for m in TRANSMITTED}
    for line in log:
        message = message_of(line.frame.id)
        if message is not None and message.name in checkers:
            counts[message.name][checkers[message.name].check(line.frame.data).value] += 1
    return counts


def _same(theirs: dict[str, dict[str, int]], ours: dict[str, Counter[str]]) -> bool:
    return all(count == ours[name][verdict] for name, row in theirs.items() for verdict, count in row.items())


def _status_indices(log: Log) -> list[int]:
    return [i for i, line in enumerate(log) if line.frame.id == 0x3A0]


def _damaged(line: LoggedFrame, bit: int) -> LoggedFrame:
    data = bytearray(line.frame.data)
    data[bit // 8] ^= 1 << (bit % 8)
    return LoggedFrame(line.t_ns, line.channel, CanFrame(line.frame.id, bytes(data)))


def test_recorded_traffic_is_all_in_order(receiver: Path, recorded: Log) -> None:
    said, counts = _run(receiver, recorded)
    assert all(" show " in line for line in said), said
    assert _same(counts, _python_counts(recorded))
    assert counts["DMS_Status"]["ok"] == len(_status_indices(recorded)) - 1
    assert any(line.endswith("show warning") for line in said)


def test_a_damaged_frame_is_counted_and_never_read(receiver: Path, recorded: Log) -> None:
    at = _status_indices(recorded)[40]
    for bit in (0, 9, 12, 13, 40, 63):  # 12 and 13: SystemState, which would change what is shown
        log = [*recorded[:at], _damaged(recorded[at], bit), *recorded[at + 1 :]]
        said, counts = _run(receiver, log)
        assert counts["DMS_Status"]["wrong_crc"] == 1
        assert counts["DMS_Status"]["ok_some_lost"] == 1  # the one after it is two steps on
        without = [line for i, line in enumerate(recorded) if i != at]
        shown = [line for line in said if " show " in line]
        assert shown == [line for line in _run(receiver, without)[0] if " show " in line]


def test_a_repeated_frame_is_rejected(receiver: Path, recorded: Log) -> None:
    at = _status_indices(recorded)[30]
    log = [*recorded[: at + 1], recorded[at], *recorded[at + 1 :]]
    said, counts = _run(receiver, log)
    assert counts["DMS_Status"]["repeated"] == 1
    assert [line.split()[1:] for line in said if "DMS_Status" in line] == [["DMS_Status", "repeated"]]
    assert _same(counts, _python_counts(log))


def test_a_sender_that_is_stuck_is_shown_as_unavailable(receiver: Path, recorded: Log) -> None:
    first = _status_indices(recorded)[30]
    stuck = recorded[first].frame
    log = [
        line if i <= first or line.frame.id != 0x3A0 else LoggedFrame(line.t_ns, line.channel, stuck)
        for i, line in enumerate(recorded)
    ]
    said, counts = _run(receiver, log)
    assert counts["DMS_Status"]["repeated"] == len(_status_indices(recorded)) - 31
    shown = [line for line in said if " show " in line]
    assert shown[-1].endswith("show unavailable")
    late_ms = int(shown[-1].split()[0]) - recorded[first].t_ns // _MS
    # the tell-tale comes with the time-out, unless the last frame that was read asked for it already
    assert late_ms <= 520


@pytest.mark.parametrize(("lost", "verdict"), [(1, "ok_some_lost"), (4, "ok_some_lost"), (5, "wrong_sequence")])
def test_a_gap_is_tolerated_up_to_four_lost_frames(receiver: Path, recorded: Log, lost: int, verdict: str) -> None:
    gone = set(_status_indices(recorded)[20 : 20 + lost])
    log = [line for i, line in enumerate(recorded) if i not in gone]
    said, counts = _run(receiver, log)
    assert counts["DMS_Status"][verdict] == 1
    assert [line.split()[2] for line in said if line.split()[1] == "DMS_Status"] == [verdict]
    assert _same(counts, _python_counts(log))


def test_silence_is_shown_within_the_time_out(receiver: Path, recorded: Log) -> None:
    # cut where the last status and warning leave a warning on display
    said, _ = _run(receiver, recorded)
    start_ms = next(int(line.split()[0]) for line in said if line.endswith("show warning"))
    log = [line for line in recorded if line.t_ns // _MS <= start_ms]
    said, _ = _run(receiver, log, go_on_s=2.0)
    assert said[-1].endswith("show unavailable")
    last_ms = max(line.t_ns for line in log if line.frame.id == 0x3A0) // _MS
    assert 500 < int(said[-1].split()[0]) - last_ms <= 520


def test_it_agrees_with_our_own_checker_on_wild_traffic(receiver: Path, recorded: Log) -> None:
    rng = random.Random(7)
    log: Log = []
    rounds = [[dataclasses.replace(line, t_ns=line.t_ns + n * 6000 * _MS) for line in recorded] for n in range(4)]
    for line in (line for one in rounds for line in one):
        kind, heard = rng.random(), line
        if kind < 0.1:
            continue
        if kind < 0.2:
            heard = _damaged(line, rng.randrange(64))
        elif kind < 0.25:
            short = CanFrame(line.frame.id, line.frame.data[: rng.randrange(8)])
            heard = LoggedFrame(line.t_ns, line.channel, short)
        log += [heard] * (2 if rng.random() < 0.1 else 1)
    _, counts = _run(receiver, log)
    assert _same(counts, _python_counts(log))
    assert all(counts["DMS_Status"][v] for v in ("repeated", "wrong_crc", "wrong_sequence", "ok_some_lost"))
