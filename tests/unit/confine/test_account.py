"""A user of vision's own: chosen where it can be, told where it cannot, and for good. With real users as root."""

from __future__ import annotations

import json
import os
import pwd
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from watchkeeper.confine import account, kernel
from watchkeeper.confine.account import Account, choose

UID, GID, GROUP = 61234, 61235, 61236
"""Nobody's on this machine."""

PROGRAM = """
import encodings.ascii, json, os, resource, sys, time
from pathlib import Path
from watchkeeper.confine import kernel, landlock, process
from watchkeeper.confine.account import Account
kernel.set_death_signal(9)
process.confine(
    [landlock.Rule(Path("/"), landlock.READ)], locked=sys.argv[1] == "locked",
    user=Account("nobody-s", UID, GID, GROUP),
)
def tried(what, *how):
    try:
        what(*how)
    except OSError as error:
        return error.strerror
    return "done"
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(json.dumps({
    "uid": os.getresuid(), "gid": os.getresgid(), "groups": os.getgroups(), "effective": int(status["CapEff"], 16),
    "bounding": int(status["CapBnd"], 16), "dies by": kernel.death_signal(), "back": tried(os.setuid, 0),
    "key": tried(Path(sys.argv[2]).read_bytes), "kill": tried(os.kill, os.getppid(), 0),
    "tasks": resource.getrlimit(resource.RLIMIT_NPROC), "dumpable": Path("/proc/self/stat").stat().st_uid,
}), flush=True)
time.sleep(60)
""".replace("UID, GID, GROUP", f"{UID}, {GID}, ({GROUP},)")


def _needs_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to become another user")
    try:
        pwd.getpwuid(UID)
    except KeyError:
        return
    pytest.skip(f"user {UID} is somebody's on this machine")


@pytest.mark.parametrize("memory", ["locked", "not locked"])
def test_it_is_another_user_with_nothing_of_the_firsts(tmp_path: Path, memory: str) -> None:
    _needs_root()
    key = tmp_path / "unit.key"
    key.write_bytes(b"a unit's own key")
    key.chmod(0o600)
    with subprocess.Popen([sys.executable, "-c", PROGRAM, memory, str(key)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)  # the supervisor can still end it
        assert process.wait(10) == -signal.SIGKILL
    assert (told["uid"], told["gid"], told["groups"]) == ([UID] * 3, [GID] * 3, [GROUP])
    assert told["effective"] in (0, 1 << kernel.CAP_IPC_LOCK)
    assert told["effective"] == 0 or memory == "locked"
    assert told["bounding"] in (0, 1 << kernel.CAP_IPC_LOCK)
    assert told["dies by"] == signal.SIGKILL
    assert (told["back"], told["kill"]) == ("Operation not permitted",) * 2
    assert told["key"] == "Permission denied"
    assert told["dumpable"] == 0
    assert told["tasks"] == [256, 256]


def test_it_dies_with_its_parent_after_the_change_of_user() -> None:
    """The kernel forgets what was asked for when a process becomes another user."""
    _needs_root()
    parent = (
        "import subprocess, sys, os, time\n"
        "p = subprocess.Popen([sys.executable, '-c', sys.argv[1], 'not', '/none'], stdout=subprocess.PIPE)\n"
        "p.stdout.readline(); print(p.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", parent, PROGRAM], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        vision = int(process.stdout.readline())
        assert Path(f"/proc/{vision}").exists()
        process.kill()
        process.wait(10)
    end = time.monotonic() + 10
    while _runs(vision):
        assert time.monotonic() < end, "left behind"
        time.sleep(0.01)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


SERVICE = """
import encodings.ascii, json, os, sys
from pathlib import Path
from watchkeeper.confine import account
if sys.argv[1] == "there":
    account.account = lambda name: account.Account(name, UID, GID, GROUP)
problem = account.become_supervisor("watchkeeper-nobody")
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
rights = [int(status[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")]
print(json.dumps([problem, os.getresuid(), os.getresgid(), os.getgroups(), rights]))
""".replace("UID, GID, GROUP", f"{UID}, {GID}, ({GROUP},)")


def _service(there: str) -> list[Any]:
    done = subprocess.run([sys.executable, "-c", SERVICE, there], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told: list[Any] = json.loads(done.stdout)
    return told


def test_a_service_that_root_starts_is_not_roots_and_may_do_two_things() -> None:
    _needs_root()
    two = 1 << kernel.CAP_SETUID | 1 << kernel.CAP_SETGID
    assert _service("there") == [None, [UID] * 3, [GID] * 3, [GROUP], [two] * 4]


def test_without_its_user_the_service_says_so_and_goes_on() -> None:
    if os.geteuid() != 0:
        assert _service("not there")[0] is None
        return
    problem, uid, _, _, rights = _service("not there")
    assert problem == "there is no user watchkeeper-nobody on this system: the supervisor runs as root"
    assert uid == [0, 0, 0]
    assert rights[3] == 0


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Account:
    """There is such a user, and this process may become it."""
    there = Account(account.VISION_USER, UID, GID, (GROUP,))
    monkeypatch.setattr(account, "account", lambda name: there)
    monkeypatch.setattr(kernel, "may_change_user", lambda: True)
    return there


def test_by_hand_the_user_stays_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "may_change_user", lambda: False)
    chosen, why = choose([])
    assert chosen is None
    assert why is not None
    assert why.startswith("a user of its own: not started as root; vision runs as ")


def test_where_there_is_no_such_user_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "may_change_user", lambda: True)
    chosen, why = choose([], name="watchkeeper-nobody")
    assert chosen is None
    assert "there is no watchkeeper-nobody on this system" in str(why)


def test_what_it_needs_decides(found: Account, tmp_path: Path) -> None:
    open_to_all, closed = Path("/usr"), tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "weights").write_bytes(b"")
    assert choose([open_to_all, tmp_path / "not there"]) == (found, None)
    chosen, why = choose([open_to_all, closed / "weights"])
    assert chosen is None
    assert "is closed to watchkeeper-vision; vision runs as" in str(why)
    assert choose([open_to_all], [open_to_all])[0] is None  # /usr is root's to write


def test_bits_of_owner_group_and_others() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to give files away")
    who = Account("x", UID, GID, (GROUP,))
    folder = Path("/var/tmp") / f"watchkeeper-account-{os.getpid()}"
    folder.mkdir(mode=0o755)
    try:
        file = folder / "file"
        for owner, group, mode, writing, is_open in (
            (0, 0, 0o644, False, True), (0, 0, 0o640, False, False), (0, GID, 0o640, False, True),
            (0, GROUP, 0o640, False, True), (0, GROUP, 0o640, True, False), (UID, 0, 0o400, False, True),
            (UID, GID, 0o044, False, False), (UID, 0, 0o600, True, True),
        ):  # fmt: skip
            file.write_bytes(b"")
            os.chown(file, owner, group)
            file.chmod(mode)
            assert (account._closed_to(who, file, writing) is None) == is_open, (owner, group, oct(mode), writing)
    finally:
        file.unlink()
        folder.rmdir()


def test_an_account_of_this_system() -> None:
    mine = pwd.getpwuid(os.getuid())
    found = account.account(mine.pw_name)
    assert found is not None
    assert (found.uid, found.gid) == (mine.pw_uid, mine.pw_gid)
    assert found.gid not in found.groups
    assert account.account("watchkeeper-nobody") is None


def test_accounts_are_read_from_the_systems_own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No socket to a name service, and nothing but those two files."""
    passwd, group = tmp_path / "passwd", tmp_path / "group"
    passwd.write_text("root:x:0:0:root:/root:/bin/sh\n+::::\nshort\ncam:x:950:951::/nonexistent:/usr/sbin/nologin\n")
    group.write_text("video:x:44:other,cam\ncamera:x:951:cam\nrender:x:104:camera\nbroken:x:nan:cam\n")
    monkeypatch.setattr(account, "PASSWD", passwd)
    monkeypatch.setattr(account, "GROUP", group)
    found = account.account("cam")
    assert found == Account("cam", 950, 951, (44,))
    assert account.in_groups(found) == ["camera", "video"]
    assert account.account("video") is None
    passwd.unlink()
    assert account.account("cam") is None
