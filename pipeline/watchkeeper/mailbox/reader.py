"""A reader of a mailbox; there may be many."""

from __future__ import annotations

from typing import Generic, TypeVar

from watchkeeper.mailbox.layout import Layout
from watchkeeper.mailbox.writer import attach

T = TypeVar("T")

_TRIES = 100
"""Attempts at a consistent copy. A write takes under a microsecond, so that a second attempt nearly always does; a
writer that was stopped or killed half way never finishes, and a real-time reader must not spin on it."""


class Reader(Generic[T]):
    """Takes the newest value. Never waits for the writer, never disturbs it."""

    def __init__(self, fd: int, layout: Layout[T]) -> None:
        """Raises MailboxError when `fd` is not a mailbox of this layout."""
        self._layout = layout
        self._memory = attach(fd, layout, writable=False)

    @property
    def sequence(self) -> int:
        """Steps by two a value; odd while one is being written, or for good after its writer was killed half way."""
        return self._memory.sequence

    def read(self) -> T | None:
        """The newest value, or None: nothing written yet, or no consistent value to be had just now.

        Raises LayoutError when the bytes are consistent but no value of this type (a defect, or a writer gone wild).
        """
        data = self._memory.read(_TRIES)
        return None if data is None else self._layout.unpack(data)
