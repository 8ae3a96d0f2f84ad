"""The state file through power loss, damage and a process of its own."""

from __future__ import annotations

import os
import random
import resource
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from watchkeeper.errors import BadInputError
from watchkeeper.supervisor.uds.dtc import Snapshot
from watchkeeper.supervisor.uds.keeper import FileKeeper
from watchkeeper.supervisor.uds.memory import LAZY_NS, DiagnosticMemory
from watchkeeper.supervisor.uds.state_file import last_good_path, load, save, unwrap, wrap
from watchkeeper.types import Cause


def test_it_comes_back_and_the_one_before_too(tmp_path: Path) -> None:
    path = tmp_path / "diagnostics"
    assert load(path) == ([], None)
    for content in (b"one", b"two", b"three"):
        save(path, content)
    assert load(path) == ([b"three", b"two"], None)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["diagnostics", "diagnostics.last"]


def test_any_cut_and_any_flipped_bit_is_noticed() -> None:
    data = wrap(b'{"content": 1}')
    assert unwrap(data) == b'{"content": 1}'
    assert all(unwrap(data[:length]) is None for length in range(len(data)))
    for bit in range(8 * len(data)):
        spoilt = bytearray(data)
        spoilt[bit // 8] ^= 1 << bit % 8
        assert unwrap(bytes(spoilt)) is None, bit
    assert unwrap(data + b"x") is None


@pytest.mark.parametrize("spoil", [b"", b"something else", wrap(b"new")[:-1], b"\0" * 200, wrap(b"x" * 70_000)])
def test_a_damaged_file_gives_the_last_good_copy(tmp_path: Path, spoil: bytes) -> None:
    path = tmp_path / "diagnostics"
    save(path, b"old")
    save(path, b"new")
    path.write_bytes(spoil)
    contents, problem = load(path)
    assert contents == [b"old"]
    assert problem is not None
    assert str(path) in problem
    save(path, b"newer")
    assert load(path) == ([b"newer", b"old"], None), "damage never becomes the last good copy"
    path.write_bytes(spoil)
    last_good_path(path).write_bytes(spoil)
    assert load(path)[0] == []


def test_power_lost_between_any_two_calls_leaves_a_whole_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call into the system in turn is the one that is never made."""

    class PowerLossError(Exception):
        pass

    calls: list[int] = []
    fuse = 0

    def cut(real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            calls.append(1)
            if len(calls) == fuse:
                raise PowerLossError
            return real(*args, **kwargs)

        return call

    for name in ("open", "write", "fsync"):
        monkeypatch.setattr(os, name, cut(getattr(os, name)))
    monkeypatch.setattr(Path, "replace", cut(Path.replace))
    reached = 0
    for fuse in range(1, 50):
        folder = tmp_path / str(fuse)
        folder.mkdir()
        path = folder / "diagnostics"
        path.write_bytes(wrap(b"old"))
        last_good_path(path).write_bytes(wrap(b"older"))
        calls.clear()
        try:
            save(path, b"new")
        except PowerLossError:
            reached += 1
        else:
            break
        contents, problem = load(path)
        assert contents[0] in (b"old", b"new"), fuse
        assert problem is None
    assert reached >= 6


def test_a_full_disk_leaves_what_was(tmp_path: Path) -> None:
    path = tmp_path / "diagnostics"
    save(path, b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            save(path, b"x" * 2**20)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert load(path) == ([b"old"], None)
    assert [p.name for p in tmp_path.iterdir()] == ["diagnostics"]


def _until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def _settled(keeper: FileKeeper, number: int | None) -> bool | None:
    keeper.poll()
    assert number is not None
    return keeper.settled(number)


def _is_refused(keeper: FileKeeper, number: int | None) -> bool:
    return _settled(keeper, number) is False


def test_the_writer_process_keeps_and_says_so(tmp_path: Path) -> None:
    said: list[str] = []
    keeper = FileKeeper(tmp_path / "diagnostics", said.append)
    assert keeper.load() == []
    number = keeper.put(b"one", 0)
    _until(lambda: _settled(keeper, number))
    assert load(tmp_path / "diagnostics") == ([b"one"], None)
    keeper.put(b"two", 0)
    keeper.close()
    assert load(tmp_path / "diagnostics")[0][0] == b"two", "what was handed over is written at the end"
    assert said == []


def test_a_folder_that_takes_nothing_is_said_once(tmp_path: Path) -> None:
    said: list[str] = []
    folder = tmp_path / "state"
    folder.mkdir()
    keeper = FileKeeper(folder / "diagnostics", said.append)
    folder.rmdir()
    for _ in range(3):
        number = keeper.put(b"one", 0)
        _until(partial(_is_refused, keeper, number))
    keeper.close()
    assert len(said) == 1
    assert "No such file" in said[0]


def test_a_killed_writer_is_started_again(tmp_path: Path) -> None:
    said: list[str] = []
    keeper = FileKeeper(tmp_path / "diagnostics", said.append)
    process = keeper._process
    assert process is not None
    process.kill()
    process.wait()
    _until(lambda: keeper.put(b"one", 1) is None)
    assert said == ["the state writer has ended"]
    number = keeper.put(b"two", 10**12)
    _until(lambda: _settled(keeper, number))
    keeper.close()
    assert load(tmp_path / "diagnostics")[0] == [b"two"]


def test_a_kill_at_any_moment_leaves_a_whole_state(tmp_path: Path) -> None:
    path, rng = tmp_path / "diagnostics", random.Random(3)
    save(path, b"0")
    for round_ in range(10):
        keeper = FileKeeper(path, lambda _text: None)
        process = keeper._process
        assert process is not None
        end = time.monotonic() + rng.uniform(0.05, 0.15)
        count = 0
        while time.monotonic() < end:
            count += 1
            keeper.put(f"{round_}-{count}".encode() * 500, 0)
            keeper.poll()
        process.kill()
        keeper.close()
        assert load(path)[0], "nothing whole is left"


@pytest.mark.parametrize("name", ["nosuch", "file"])
def test_a_folder_that_is_none_is_bad_input(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInputError, match="--state-dir"):
        FileKeeper(tmp_path / name / "diagnostics", lambda _text: None)


class CountingKeeper:
    """Counts what it is given."""

    damaged = False

    def __init__(self) -> None:
        self.count = 0

    def load(self) -> list[bytes]:
        return []

    def put(self, content: bytes, t_ns: int) -> int | None:
        self.count += 1
        return self.count

    def settled(self, number: int) -> bool | None:
        return True

    def poll(self) -> None: ...

    def close(self) -> None: ...


def test_a_toggling_trouble_and_a_flood_of_clears_do_not_wear_the_card_out() -> None:
    keeper = CountingKeeper()
    memory = DiagnosticMemory(keeper)
    for slot in range(1200):  # a minute
        t_ns = slot * 50_000_000
        memory.dtcs.report(Cause.CAMERA_LOST, slot // 50 % 2 == 0, t_ns, Snapshot())
        memory.step(t_ns)
    assert keeper.count <= 60 * 10**9 // LAZY_NS + 1
    memory.dtcs.clear()
    assert memory.settle(10**12)(10**12)
    before = keeper.count
    for _ in range(1000):
        memory.dtcs.clear()
        assert memory.settle(10**12)(10**12)
    assert keeper.count == before
