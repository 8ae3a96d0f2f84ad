"""One run of a command under observation: its system calls, its sockets and shared memory, and where the picture is."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from watchkeeper.commands.privacy import planted
from watchkeeper.commands.privacy.calls import TRACED, Event, read_calls
from watchkeeper.errors import BadInputError, CheckFailedError

_SAMPLE_S = 0.5
_END_WAIT_S = 20.0
_Where = TypeVar("_Where")
_OURS = re.compile(rb"watchkeeper-(vision|supervisor)\0")


@dataclass(slots=True)
class Seen:
    """events: of the system calls. confinement: of each process by name. picture_in: place -> planted rows found.
    not_looked: places that the kernel would not show, with its reason. samples: how often memory was searched."""

    events: list[Event] = field(default_factory=list)
    confinement: dict[str, dict[str, str]] = field(default_factory=dict)
    picture_in: dict[str, int] = field(default_factory=dict)
    not_looked: dict[str, str] = field(default_factory=dict)
    searched_files: int = 0
    samples: int = 0


def observe(
    command: Sequence[str], seconds: float, rows: list[bytes], folder: Path, places: Iterable[Path], exempt: Path
) -> Seen:
    """Run `command` in `folder` for about `seconds`, then end it, and tell what was seen.

    places: folders whose files, where changed since the start, are searched for `rows` at the end. exempt: the clip
    itself. Raises BadInputError where strace is not installed, CheckFailedError when the command does not live so long.
    """
    strace = shutil.which("strace")
    if strace is None:
        raise BadInputError("privacy-report: strace: not found; expected it to be installed (apt install strace)")
    traces = folder / "strace"
    traces.mkdir()
    seen = Seen()
    began = time.time()
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}  # Python's own cache is no part of the product
    with subprocess.Popen(
        [strace, "-ff", "-y", "-qq", "-s", "256", "-o", str(traces / "trace"), "-e", f"trace={TRACED}", *command],
        cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:  # fmt: skip
        try:
            end = time.monotonic() + seconds
            while time.monotonic() < end and process.poll() is None:
                time.sleep(_SAMPLE_S)
                _sample(_processes(process.pid), rows, seen)
            if process.poll() is None:
                for pid in _children(process.pid):
                    os.kill(pid, signal.SIGTERM)
            message = process.communicate(timeout=_END_WAIT_S)[1].decode(errors="replace")
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise CheckFailedError(f"{command[0]} did not end within {_END_WAIT_S:g} s of being asked") from None
    if process.returncode not in (0, 130, -signal.SIGTERM, 128 + signal.SIGTERM):
        last = message.strip().splitlines()[-1:] or ["nothing on stderr"]
        raise CheckFailedError(f"the observed run ended with exit status {process.returncode}: {last[0]}")
    seen.events = read_calls(traces)
    _search_files(places, rows, began, exempt, traces, seen)
    return seen


def _sample(processes: dict[str, int], rows: list[bytes], seen: Seen) -> None:
    seen.samples += 1
    for name, pid in processes.items():
        seen.confinement[name] = seen.confinement.get(name, {}) | _confinement(pid)
        _look(seen, f"memory of {name}", rows, planted.in_memory, pid)
        for place in _shared(pid):
            _look(seen, f"shared memory of {name}", rows, planted.in_descriptor, place)


def _look(seen: Seen, place: str, rows: list[bytes], search: Callable[[_Where, list[bytes]], int], at: _Where) -> None:
    try:
        _note(seen, place, search(at, rows))
    except OSError as error:
        seen.not_looked[place] = error.strerror or "refused"


def _note(seen: Seen, place: str, found: int) -> None:
    seen.picture_in[place] = max(found, seen.picture_in.get(place, 0))


def _shared(pid: int) -> list[Path]:
    """Descriptors of memory that two processes can have: memfd and /dev/shm."""
    try:
        links = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return []
    return [link for link in links if _target(link).startswith(("/memfd:", "/dev/shm/"))]


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:  # closed since
        return ""


def _confinement(pid: int) -> dict[str, str]:
    """Of /proc/PID/status and limits: what the process cannot do any more."""
    try:
        status = dict(
            line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line
        )
        limits = Path(f"/proc/{pid}/limits").read_text()
        network = Path(f"/proc/{pid}/ns/net").readlink()
    except OSError:
        return {}
    core = re.search(r"Max core file size +(\S+)", limits)
    return {
        "no new privileges": status.get("NoNewPrivs", "?").strip(),
        "seccomp filters": status.get("Seccomp_filters", "?").strip(),
        "capabilities": status.get("CapEff", "?").strip(),
        "core file limit": core[1] if core else "?",
        "network of its own": "yes" if network != Path("/proc/self/ns/net").readlink() else "no",
    }


def _processes(root: int) -> dict[str, int]:
    """vision, supervisor and run, of all that `root` has started."""
    found: dict[str, int] = {}
    for pid in _descendants(root):
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        names = [match.decode() for match in _OURS.findall(line)]
        # the supervisor's command line ends with vision's: the first name is its own
        found.setdefault(names[0] if names else "run", pid)
    return found


def _descendants(root: int) -> list[int]:
    found = []
    for pid in _children(root):
        found += [pid, *_descendants(pid)]
    return found


def _children(pid: int) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(text) for task in tasks for text in (task / "children").read_text().split()]
    except OSError:
        return []


def _search_files(
    places: Iterable[Path], rows: list[bytes], began: float, exempt: Path, traces: Path, seen: Seen
) -> None:
    """Every file that changed since, in `places` and where the run opened one for writing."""
    opened = [Path(event.what) for event in seen.events if event.kind == "write"]
    candidates = {path for place in places for path in place.rglob("*")} | set(opened)
    for path in sorted(candidates):
        try:
            if not path.is_file() or path == exempt or traces in path.parents or path.stat().st_mtime < began - 1:
                continue
            found = planted.in_file(path, rows)
        except OSError as error:
            seen.not_looked[str(path)] = error.strerror or "refused"
            continue
        seen.searched_files += 1
        if found:
            _note(seen, str(path), found)
