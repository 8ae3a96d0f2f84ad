"""`trace export` and `trace report`: what the recorder kept, for Perfetto's UI and for a reader without it."""

from __future__ import annotations

import argparse
import json
import sys

from watchkeeper.files import write_atomically
from watchkeeper.trace.chrome import chrome_trace
from watchkeeper.trace.report import html_report
from watchkeeper.trace.ring import read_ring

_RECIPES = """the same run in other profilers (PID: the newest, `pgrep -n -f watchkeeper-vision`):
  perf    perf record -g --call-graph dwarf -p PID -- sleep 10 && perf report
  py-spy  py-spy record --native --rate 200 --duration 10 --pid PID --output vision.svg
  nsys    nsys profile --trace=cuda,nvtx,osrt --duration=10 python -m watchkeeper run --duration 10"""


def run_export(args: argparse.Namespace) -> int:
    """Write the Chrome/Perfetto JSON of a ring."""
    trace = chrome_trace(read_ring(args.ring))
    write_atomically(args.out, json.dumps(trace, separators=(",", ":")) + "\n")
    print(
        f"{args.out}: {len(trace['traceEvents'])} events; open it in Perfetto's UI or chrome://tracing", file=sys.stderr
    )
    print(_RECIPES, file=sys.stderr)
    return 0


def run_report(args: argparse.Namespace) -> int:
    """Write the HTML page of a ring."""
    write_atomically(args.out, html_report(read_ring(args.ring)))
    return 0
