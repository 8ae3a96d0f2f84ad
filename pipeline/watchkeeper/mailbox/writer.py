"""The one writer of a mailbox, and how a mailbox comes to be."""

from __future__ import annotations

import os
from typing import Any, Generic, TypeVar

from watchkeeper._mailbox import Mailbox as _Memory
from watchkeeper._mailbox import create as _create
from watchkeeper.errors import WatchkeeperError
from watchkeeper.mailbox.layout import Layout

T = TypeVar("T")


class MailboxError(WatchkeeperError):
    """The descriptor is no mailbox of this layout: wrong descriptor, or processes of different versions."""


class Mailbox:
    """Shared memory for one report. It has no name: it is handed on by file descriptor (`pass_fds`) and goes with the
    last process that holds it, however that process ends."""

    @staticmethod
    def create(layout: Layout[Any]) -> int:
        """A new, empty mailbox's file descriptor: the caller's to close, not inherited unless passed on.

        Raises MailboxError when there is no memory for it.
        """
        fd = os.memfd_create(f"watchkeeper-{layout.name}", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            _create(fd, layout.size, layout.hash)
        except RuntimeError as error:
            os.close(fd)
            raise MailboxError(str(error)) from None
        return fd


def attach(fd: int, layout: Layout[Any], *, writable: bool) -> _Memory:
    """The mapped mailbox. Raises MailboxError saying what does not fit; nothing is mapped then."""
    try:
        return _Memory(fd, layout.size, layout.hash, writable=writable)
    except RuntimeError as error:
        raise MailboxError(f"descriptor {fd}, {layout.name}: {error}") from None


class Writer(Generic[T]):
    """Publishes values, one after the other; the newest wins. Never waits. There must be only one writer alive.

    A writer that attaches after another was killed half way through a value just goes on.
    """

    def __init__(self, fd: int, layout: Layout[T]) -> None:
        """Raises MailboxError when `fd` is not a mailbox of this layout."""
        self._layout = layout
        self._memory = attach(fd, layout, writable=True)

    def write(self, value: T) -> None:
        """Publish `value`. Raises LayoutError, with nothing published, for a value that is not storable (NaN)."""
        self._memory.write(self._layout.pack(value))
