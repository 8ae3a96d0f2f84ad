"""Sequence-locked values in shared memory (kernels/mailbox.h). Use `watchkeeper.mailbox` instead."""

SEQUENCE_OFFSET: int  # bytes into the shared memory; odd value there = being written
PAYLOAD_OFFSET: int

def create(fd: int, payload_size: int, layout_hash: bytes) -> None:
    """Size, seal and label the memfd `fd`. Raises RuntimeError (no memfd, no memory), ValueError (hash size)."""

class Mailbox:
    """One side's view. Raises RuntimeError when `fd` is no mailbox or one of another version, size or layout."""

    def __init__(self, fd: int, payload_size: int, layout_hash: bytes, *, writable: bool) -> None: ...
    @property
    def payload_size(self) -> int: ...
    @property
    def sequence(self) -> int: ...
    def write(self, payload: bytes) -> None:
        """Publish. Raises ValueError unless `payload` has exactly payload_size bytes, RuntimeError when read-only."""

    def read(self, tries: int) -> bytes | None:
        """The newest value, or None after `tries` attempts without a consistent copy. Never waits."""
