"""What of an observed run is against the promise that nothing leaves but CAN signals."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from watchkeeper.commands.privacy.calls import Event
from watchkeeper.commands.privacy.observe import Seen

_DEVICES = ("/dev/null", "/dev/tty", "/dev/zero", "/dev/watchdog", "/dev/cpu_dma_latency")
_VIRTUAL_BUS = ("watchkeeper-can:", "watchkeeper-ear:", "watchkeeper-sender:")
"""The bus of a PC with what hears its own frames back, and the name held so that nobody else sends on it."""
_BUS_FAMILIES = ("AF_CAN", "AF_UNIX", "AF_NETLINK")
_OWN = ("/proc/self/", "/proc/thread-self/")


def sockets(seen: Seen) -> list[str]:
    """Sockets that are none of CAN's.

    The supervisor's socket is the bus: AF_CAN, or the abstract UNIX socket that stands for a bus on a PC; netlink tells
    it of the interface, and NOTIFY_SOCKET is how systemd hears that it lives. No other process has any.
    """
    wrong = []
    for event in seen.events:
        if event.kind not in ("socket", "bind", "connect"):
            continue
        if event.process == "supervisor" and (
            _is_bus(event) or (event.kind == "socket" and event.what in _BUS_FAMILIES)
        ):
            continue
        wrong.append(f"{event.process}: {event.kind} {event.what}")
    return sorted(set(wrong))


def _is_bus(event: Event) -> bool:
    return any(name in event.what for name in (*_VIRTUAL_BUS, "AF_CAN", "AF_NETLINK"))


def files(seen: Seen, allowed: Collection[Path]) -> list[str]:
    """Files opened for writing, or made, outside `allowed` folders."""
    wrong = []
    for event in seen.events:
        path = Path(event.what)
        if event.kind != "write" or event.what in _DEVICES or event.what.startswith(_OWN) or _own_proc(event):
            continue
        if not any(folder == path or folder in path.parents for folder in allowed):
            wrong.append(f"{event.process}: {event.what}")
    return sorted(set(wrong))


def _own_proc(event: Event) -> bool:
    """What a process tells the kernel of itself, such as /proc/123/oom_score_adj."""
    parts = Path(event.what).parts
    return len(parts) > 3 and parts[1] == "proc" and parts[2].isdigit()


def others(seen: Seen) -> list[str]:
    """Shared memory by name, other processes' memory, programs executed by vision."""
    return sorted(
        {
            f"{event.process}: {event.what}"
            for event in seen.events
            if event.kind in ("shared", "other-process") or _is_a_program_of_visions(event)
        }
    )


def _is_a_program_of_visions(event: Event) -> bool:
    return event.kind == "execute" and event.process == "vision" and "watchkeeper-vision" not in event.what


def pictures(seen: Seen) -> list[str]:
    """Planted rows found anywhere but in vision's own memory."""
    return sorted(
        f"{place}: {found} planted rows" for place, found in seen.picture_in.items()
        if found and place != "memory of vision"
    )  # fmt: skip


def search_works(seen: Seen) -> bool:
    """The rows were found where they must be; without that, finding none elsewhere would mean nothing."""
    return seen.picture_in.get("memory of vision", 0) > 0
