"""Library calls that may never return (Argus, libcamera): waited for, but not for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from watchkeeper.capture.source import SourceLost

T = TypeVar("T")


def bounded(call: Callable[[], T], timeout_s: float, what: str) -> T:
    """What `call` returns, or the error it raises. Raises SourceLost `what` when it takes longer; the thread that it
    runs in is left to it, and does not keep the process from ending."""
    values: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            values.append(call())
        except BaseException as error:  # handed on to who waits
            errors.append(error)

    thread = threading.Thread(target=run, name="bounded", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if thread.is_alive():
        raise SourceLost(f"{what}: no answer within {timeout_s:g} s")
    if errors:
        raise errors[0]
    return values[0]
