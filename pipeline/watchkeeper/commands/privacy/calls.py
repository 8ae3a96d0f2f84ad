"""What strace wrote (one file a thread: `strace -ff -y -o trace`), as events of named processes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

TRACED = (
    "socket,socketpair,bind,connect,open,openat,openat2,creat,mkdir,mkdirat,mknod,mknodat,rename,renameat,renameat2,"
    "link,linkat,symlink,symlinkat,execve,execveat,clone,clone3,fork,vfork,shmget,shmat,mq_open,msgget,ptrace,"
    "process_vm_readv,process_vm_writev,io_uring_setup,memfd_create"
)
"""The calls that open a way out or leave something behind, and those that tell processes apart."""

_CALL = re.compile(r"^(?P<name>\w+)\((?P<arguments>.*)\)\s+= (?P<result>-?\d+|\?|0x[0-9a-f]+)(?P<rest>.*)$")
_STARTS = ("clone", "clone3", "fork", "vfork")
_WRITING = ("O_WRONLY", "O_RDWR", "O_CREAT", "O_TMPFILE")
_MAKES = (
    "creat", "mkdir", "mkdirat", "mknod", "mknodat", "rename", "renameat", "renameat2", "link", "linkat", "symlink",
    "symlinkat",
)  # fmt: skip
_NAMES = ("watchkeeper-vision", "watchkeeper-supervisor")


@dataclass(frozen=True, slots=True)
class Event:
    """process: vision, supervisor or run. kind: socket, bind, connect, write, shared, other-process, execute.
    what: the address, path, call or command line."""

    process: str
    kind: str
    what: str


@dataclass(frozen=True, slots=True)
class _Thread:
    calls: list[tuple[str, str, str]]  # name, arguments, result
    program: str  # vision or supervisor, by the command line it executed; "" for neither


def read_calls(folder: Path, stem: str = "trace") -> list[Event]:
    """Events of all files `stem.TID` in `folder`. Calls that the kernel refused are no events: nothing happened."""
    threads = {int(path.suffix[1:]): _thread(path) for path in sorted(folder.glob(f"{stem}.*"))}
    parents: dict[int, int] = {}
    for tid, thread in threads.items():
        for name, _, result in thread.calls:
            if name in _STARTS and result.isdigit():
                parents[int(result)] = tid
    events = []
    for tid, thread in threads.items():
        name = _process(tid, threads, parents)
        events += [event for call in thread.calls if (event := _event(name, *call)) is not None]
    return events


def _process(tid: int, threads: dict[int, _Thread], parents: dict[int, int]) -> str:
    """A thread, or a child that is neither, goes by the name of whoever started it."""
    seen = set()
    while tid in threads and tid not in seen:
        if threads[tid].program:
            return threads[tid].program
        seen.add(tid)
        if tid not in parents:
            break
        tid = parents[tid]
    return "run"


def _thread(path: Path) -> _Thread:
    calls, program = [], ""
    for line in path.read_text(errors="replace").splitlines():
        found = _CALL.match(line)
        if found is None or found["result"].startswith("-") or found["result"] == "?":
            continue
        name, arguments = found["name"], found["arguments"]
        calls.append((name, arguments, found["result"]))
        if name in ("execve", "execveat") and program in (
            "",
            "run",
        ):  # whoever is vision stays it, whatever it executes
            # the supervisor's command line ends with vision's: the first name is its own
            named = [text for text in _quoted(arguments) if text in _NAMES]
            program = named[0].removeprefix("watchkeeper-") if named else ""
    return _Thread(calls, program)


def _event(process: str, name: str, arguments: str, result: str) -> Event | None:
    if name in ("socket", "socketpair"):
        return Event(process, "socket", arguments.split(",")[0].strip())
    if name in ("bind", "connect"):
        address = re.search(r"\{.*\}", arguments)
        return Event(process, name, address[0] if address else arguments)
    if name in ("open", "openat", "openat2"):
        if not any(flag in arguments for flag in _WRITING):
            return None
        return Event(process, "write", _path(name, arguments))
    if name in _MAKES:
        return Event(process, "write", _path(name, arguments))
    if name in ("shmget", "shmat", "mq_open", "msgget"):
        return Event(process, "shared", f"{name}({arguments})")
    if name in ("ptrace", "process_vm_readv", "process_vm_writev"):
        return Event(process, "other-process", f"{name}({arguments})")
    if name == "io_uring_setup":
        return Event(process, "socket", "io_uring, which this observation cannot see into")
    if name in ("execve", "execveat"):
        return Event(process, "execute", " ".join(_quoted(arguments)))
    return None


def _path(name: str, arguments: str) -> str:
    """Absolute: `-y` writes the folder of each descriptor behind it. The last path is the one that is made."""
    names = _quoted(arguments) or [arguments]
    folders = re.findall(r"<([^<>]*)>", arguments.split('"')[0] if name.startswith("open") else arguments)
    path = names[-1]
    return path if path.startswith("/") or not folders else f"{folders[-1]}/{path}"


def _quoted(arguments: str) -> list[str]:
    return re.findall(r'"((?:[^"\\]|\\.)*)"', arguments)
