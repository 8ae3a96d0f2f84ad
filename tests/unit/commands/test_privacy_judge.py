"""What the report calls a breach: each kind, from lines as strace writes them, and its silence on what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchkeeper.commands.privacy import judge
from watchkeeper.commands.privacy.calls import read_calls
from watchkeeper.commands.privacy.observe import Seen

STATE = Path("/state")
RUN = 'execve("/usr/bin/python3", ["python3", "-m", "watchkeeper", "run"], 0x7ffe /* 35 vars */) = 0\n'
SUPERVISOR = (
    'execve("/usr/bin/python3", ["python3", "-m", "x", "watchkeeper-supervisor", "--", "python3", "-m", "y", '
    '"watchkeeper-vision"], 0x7ffe /* 35 vars */) = 0\n'
)
VISION = 'execve("/usr/bin/python3", ["python3", "-m", "y", "watchkeeper-vision"], 0x7ffe /* 35 vars */) = 0\n'
USUAL = {
    100: RUN + "vfork() = 200\n",
    200: SUPERVISOR
    + "socket(AF_UNIX, SOCK_DGRAM|SOCK_NONBLOCK, 0) = 5<UNIX-DGRAM:[1]>\n"
    + 'bind(5<UNIX-DGRAM:[1]>, {sa_family=AF_UNIX, sun_path=@"watchkeeper-can:demo:0"}, 25) = 0\n'
    + "socket(AF_CAN, SOCK_RAW, CAN_RAW) = 6\n"
    + "bind(6, {sa_family=AF_CAN, can_ifindex=if_nametoindex(\"can0\")}, 24) = 0\n"
    + 'openat(AT_FDCWD</>, "/state/dtc", O_WRONLY|O_CREAT, 0666) = 7</state/dtc>\n'
    + 'openat(AT_FDCWD</>, "/dev/null", O_RDWR) = 8</dev/null>\n'
    + "clone3({flags=CLONE_VM|CLONE_THREAD}, 88) = 201\nvfork() = 300\n",
    201: 'openat(AT_FDCWD</state>, "log", O_WRONLY|O_CREAT, 0666) = 9</state/log>\n',
    300: VISION + "clone(child_stack=0x7f, flags=CLONE_VM|CLONE_THREAD) = 301\n"
    + 'openat(AT_FDCWD</>, "/proc/self/oom_score_adj", O_WRONLY|O_CREAT, 0666) = 4</proc/300/oom_score_adj>\n'
    + 'openat(AT_FDCWD</>, "/state/key", O_RDONLY) = -1 EACCES (Permission denied)\n'
    + "socket(AF_INET, SOCK_STREAM, 0) = -1 EPERM (Operation not permitted)\n",
    301: "",
}  # fmt: skip


def seen(folder: Path, extra: dict[int, str]) -> Seen:
    for tid in {**USUAL, **extra}:
        (folder / f"trace.{tid}").write_text(USUAL.get(tid, "") + extra.get(tid, ""))
    return Seen(events=read_calls(folder))


def breaches(found: Seen) -> list[str]:
    return [*judge.sockets(found), *judge.files(found, [STATE]), *judge.others(found), *judge.pictures(found)]


def test_the_product_as_it_is_has_none(tmp_path: Path) -> None:
    assert breaches(seen(tmp_path, {})) == []


@pytest.mark.parametrize(
    ("tid", "line", "told"),
    [
        (300, "socket(AF_UNIX, SOCK_DGRAM, 0) = 9", "vision: socket AF_UNIX"),
        (301, "socket(AF_INET, SOCK_STREAM, 0) = 9", "vision: socket AF_INET"),
        (200, "socket(AF_INET6, SOCK_STREAM, 0) = 9", "supervisor: socket AF_INET6"),
        (100, "socket(AF_CAN, SOCK_RAW, CAN_RAW) = 9", "run: socket AF_CAN"),
        (
            200,
            'connect(9, {sa_family=AF_UNIX, sun_path="/run/dbus/system_bus_socket"}, 110) = 0',
            'supervisor: connect {sa_family=AF_UNIX, sun_path="/run/dbus/system_bus_socket"}',
        ),
        (300, "io_uring_setup(8, {flags=0}) = 9", "vision: socket io_uring, which this observation cannot see into"),
        (300, 'openat(AT_FDCWD</drive>, "a.jpg", O_RDWR|O_CREAT, 0666) = 9</drive/a.jpg>', "vision: /drive/a.jpg"),
        (201, 'openat(8</var>, "b.jpg", O_WRONLY|O_CREAT, 0666) = 9</var/b.jpg>', "supervisor: /var/b.jpg"),
        (200, 'rename("/state/a", "/var/www/a") = 0', "supervisor: /var/www/a"),
        (300, "shmget(0x1267, 4096, IPC_CREAT|0600) = 0", "vision: shmget(0x1267, 4096, IPC_CREAT|0600)"),
        (300, "process_vm_readv(200, [], 1, [], 1, 0) = 4", "vision: process_vm_readv(200, [], 1, [], 1, 0)"),
        (300, 'execve("/bin/sh", ["sh", "-c", "id"], 0x7f /* 1 vars */) = 0', "vision: /bin/sh sh -c id"),
    ],
)
def test_each_way_out_is_told(tmp_path: Path, tid: int, line: str, told: str) -> None:
    assert breaches(seen(tmp_path, {tid: line + "\n"})) == [told]


def test_a_picture_anywhere_but_in_vision_is_told() -> None:
    found = Seen(picture_in={"memory of vision": 48, "memory of supervisor": 0, "/state/dtc": 2})
    assert breaches(found) == ["/state/dtc: 2 planted rows"]
    assert judge.search_works(found)
    assert not judge.search_works(Seen(picture_in={"memory of vision": 0}))
