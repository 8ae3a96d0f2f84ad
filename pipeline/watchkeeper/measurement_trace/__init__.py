"""The measurement trace: one JSON object a line, what perception measured and what the vehicle said in one frame.

`read_trace` checks every value on the way in; `TraceWriter` writes the same form, the same bytes for the same values.
Keys that are not known are skipped: a trace may carry more than this version reads.
"""

from watchkeeper.measurement_trace.atomic import AtomicTextFile
from watchkeeper.measurement_trace.reader import read_trace
from watchkeeper.measurement_trace.writer import TraceWriter, format_line

__all__ = ["AtomicTextFile", "TraceWriter", "format_line", "read_trace"]
