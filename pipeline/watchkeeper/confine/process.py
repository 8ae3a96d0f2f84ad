"""The whole of it, in the order the kernel wants: network, user, core, memory, capabilities, files, system calls."""

from __future__ import annotations

import errno
import os
import resource
import signal
from collections.abc import Iterable
from pathlib import Path

from watchkeeper.confine import account, kernel, landlock, memory, seccomp

_NEWNET, _NEWIPC, _NEWUSER = 0x40000000, 0x08000000, 0x10000000  # <linux/sched.h>
_TASKS_MOST = 256  # threads, of which an engine has some tens; so many do not keep anybody from starting vision anew
_OOM_FIRST = 1000  # when memory runs out, vision goes before anything that is on the bus


def confine(
    rules: Iterable[landlock.Rule],
    *,
    local_sockets: bool = False,
    data_limit_bytes: int | None = None,
    locked: bool = False,
    user: account.Account | None = None,
) -> list[str]:
    """Give up, for good, everything but `rules`. Call it with one thread, before libraries make others.

    local_sockets: UNIX sockets stay, for cameras behind a daemon. data_limit_bytes: private memory that may be had.
    locked: memory is locked as it is touched; where RLIMIT_MEMLOCK is not unlimited, CAP_IPC_LOCK alone is kept.
    user: whom to become; None: this process's user stays.
    Returns what this kernel or container does not offer, in words: the product runs without, and says so.
    """
    bounded = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] != resource.RLIM_INFINITY
    keep = frozenset({kernel.CAP_IPC_LOCK}) if locked and bounded else frozenset()
    kernel.no_new_privileges()
    alone = _unshared(_NEWNET | _NEWIPC)  # with root's rights, which are gone with root
    if user is not None:
        _become(user, keep)
        _limit(resource.RLIMIT_NPROC, _TASKS_MOST)  # counted by user: nobody else is this one
    missing = [] if alone else _leave_network()
    memory.keep_out_of_core_files()
    missing += [what for what in [memory.overwrite_freed()] if what is not None]
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_RTPRIO, os.sched_getparam(0).sched_priority)  # never above the supervisor
    _killed_first()
    if data_limit_bytes is not None:
        _limit(resource.RLIMIT_DATA, data_limit_bytes)
    _drop_capabilities(keep)
    missing += landlock.restrict(rules)
    kernel.not_dumpable()
    machine = seccomp.architecture()
    if machine is None:
        missing.append(f"seccomp: no filter is known for {os.uname().machine}")
        return missing
    try:
        seccomp.install(seccomp.program(machine, os.getpid(), local_sockets=local_sockets))
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.EINVAL, errno.EPERM):
            raise
        missing.append(f"seccomp: {error.strerror}; system calls are not filtered")
    return missing


def _unshared(flags: int) -> bool:
    try:
        kernel.unshare(flags)
    except OSError:
        return False
    return True


def _become(user: account.Account, keep: frozenset[int]) -> None:
    """Another user, who dies with this process's parent as this one does, with the capabilities `keep`."""
    dies_by, parent = kernel.death_signal(), os.getppid()
    kernel.drop_bounding(keep)
    if keep:
        kernel.keep_capabilities()
    account.become(user)
    kernel.dumpable()  # until all is set up: /proc/self is to be written to
    kernel.set_death_signal(dies_by)
    if dies_by and os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def _leave_network() -> list[str]:
    """Into a network of nobody else's, with no interface in it, without any right: it takes a user namespace, in which
    this user stays who he is. What was not possible, in words."""
    user, group = os.geteuid(), os.getegid()
    try:
        kernel.unshare(_NEWUSER | _NEWNET | _NEWIPC)
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    except OSError as error:
        return [f"network namespace: {error.strerror}; sockets are refused by seccomp alone"]
    return []


def _drop_capabilities(keep: frozenset[int]) -> None:
    """A service manager's filter may refuse the call to one that has none to drop."""
    try:
        kernel.drop_capabilities(keep)
    except OSError:
        if kernel.has_capabilities():
            raise


def _killed_first() -> None:
    """Raising one's own badness is always permitted; without /proc it stays as it is."""
    try:
        Path("/proc/self/oom_score_adj").write_text(str(_OOM_FIRST), encoding="ascii")
    except OSError:
        return


def _limit(what: int, value: int) -> None:
    """Lower both limits, never raise one."""
    hard = resource.getrlimit(what)[1]
    least = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(what, (least, least))
