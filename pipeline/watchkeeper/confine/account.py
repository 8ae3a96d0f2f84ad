"""A user of vision's own: another than the supervisor's, so that files and processes of the one are closed to the other
by the oldest rule there is, whatever the kernel knows of newer ones (credentials(7)).

Names are looked up in the system's own two files (passwd(5), group(5)), where the package makes them: the C library
would ask whatever else is configured, over a socket that vision must not have.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from watchkeeper.confine import kernel

SUPERVISOR_USER, VISION_USER = "watchkeeper", "watchkeeper-vision"
"""As the package makes them (sysusers.d)."""
PASSWD, GROUP = Path("/etc/passwd"), Path("/etc/group")


@dataclass(frozen=True, slots=True)
class Account:
    """A user, its group and the groups it is in besides."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...] = ()


def account(name: str) -> Account | None:
    """As this system has it, None where it does not."""
    for login, _, uid, gid, *_ in _entries(PASSWD, 4):
        if login == name:
            groups = (int(number) for _, _, number, members in _entries(GROUP, 4) if name in members.split(","))
            return Account(name, int(uid), int(gid), tuple(group for group in groups if group != int(gid)))
    return None


def choose(
    read: Iterable[Path], written: Iterable[Path] = (), name: str = VISION_USER
) -> tuple[Account | None, str | None]:
    """Whom vision may become, or why it stays who it is, in words. read, written: files and folders it needs then."""
    here = f"vision runs as {_own_name()}, as the supervisor does"
    if not kernel.may_change_user():
        return None, f"a user of its own: not started as root; {here}"
    found = account(name)
    if found is None:
        return None, f"a user of its own: there is no {name} on this system; {here}"
    if os.geteuid() == found.uid:
        return None, None
    for path, for_writing in (*((path, False) for path in read), *((path, True) for path in written)):
        if (closed := _closed_to(found, path, for_writing)) is not None:
            return None, f"a user of its own: {closed} is closed to {name}; {here}"
    return found, None


def become(to: Account) -> None:
    """For good: real, effective and saved user and group, and no group but `to`'s. Raises OSError.

    Of all threads. The kernel takes back what this process had asked for before: the signal at its parent's death, and
    whether others of its user may look into it.
    """
    os.setgroups(list(to.groups))
    os.setresgid(to.gid, to.gid, to.gid)
    os.setresuid(to.uid, to.uid, to.uid)


def become_supervisor(name: str = SUPERVISOR_USER) -> str | None:
    """As root, before the supervisor is executed: its user, with no right left but that to start vision as another one.

    Why the user stays, in words, None where it has changed or was not root's.
    """
    if os.geteuid() != 0:
        return None
    user = account(name)
    if user is None:
        return f"there is no user {name} on this system: the supervisor runs as {_own_name()}"
    rights = frozenset({kernel.CAP_SETUID, kernel.CAP_SETGID})
    kernel.drop_bounding(rights)
    kernel.keep_capabilities()
    become(user)
    kernel.pass_on(rights)
    return None


def in_groups(of: Account) -> list[str]:
    """Their names, the account's own first."""
    names = {int(number): group for group, _, number, *_ in _entries(GROUP, 3)}
    return [names.get(number, f"group {number}") for number in (of.gid, *of.groups)]


def _own_name() -> str:
    names = {int(uid): login for login, _, uid, *_ in _entries(PASSWD, 3)}
    return names.get(os.geteuid(), f"user {os.geteuid()}")


def _entries(path: Path, numbered: int) -> Iterator[list[str]]:
    """Lines of a file of accounts, split; without those that have fewer than `numbered` fields or no number where one
    belongs."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for line in text.splitlines():
        fields = line.split(":")
        if len(fields) >= numbered and fields[2].isdigit():
            yield fields


def _closed_to(who: Account, path: Path, for_writing: bool) -> Path | None:
    """The first folder on the way to `path`, or `path` itself, that `who` may not pass, read or write; None: all are
    open.

    By permission bits. A path that does not exist is passed over: whoever opens it says so.
    """
    whole = path.resolve()
    if not whole.exists():
        return None
    for place in (*reversed(whole.parents), whole):
        status = place.stat()
        shift = 6 if status.st_uid == who.uid else 3 if status.st_gid in (who.gid, *who.groups) else 0
        needed = 0b001 if place != whole else (0b101 if place.is_dir() else 0b100) | 0b010 * for_writing
        if status.st_mode >> shift & needed != needed:
            return place
    return None
