"""The thread that pulls a source, so that a slow loop never holds up the camera.

with CaptureThread(open_source(uri, paced=True)) as capture:
    lease = capture.latest.take(timeout_s=0.1)
"""

from __future__ import annotations

import threading
from types import TracebackType

from watchkeeper.capture.latest import Latest
from watchkeeper.capture.source import EndOfSource, Source

_POLL_S = 0.1
_JOIN_S = 3.0


class CaptureThread:
    """Owns the source from here on. Its end or loss reaches the loop through `latest.take`."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.latest = Latest()
        self._stop = threading.Event()
        # A daemon: a driver call that never returns must not keep the process from ending.
        self._thread = threading.Thread(target=self._pull, name="capture", daemon=True)

    def start(self) -> None:
        """Begin to pull."""
        self._thread.start()

    def stop(self) -> bool:
        """Close source and hand-over; may be called again. False when the source's call did not come back in time."""
        self._stop.set()
        self.source.close()
        if self._thread.ident is not None:
            self._thread.join(_JOIN_S)
        self.latest.close()
        return not self._thread.is_alive()

    def _pull(self) -> None:
        try:
            while not self._stop.is_set():
                lease = self.source.next(_POLL_S)
                if lease is not None:
                    self.latest.put(lease)
        except Exception as error:
            self.latest.end(error)  # SourceLost, EndOfSource, or a defect: the loop must hear of each
        else:
            self.latest.end(EndOfSource("stopped"))

    def __enter__(self) -> CaptureThread:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.stop()
