"""`can watch`: live decoded signals of a bus, or a log's, with counter, CRC and cycle-time verdicts."""

from __future__ import annotations

import argparse
import json
import math
import select
import sys
import time
from collections.abc import Callable

from watchkeeper.board import detect_board, load_board
from watchkeeper.clock import NS_PER_S, now_ns
from watchkeeper.errors import BadInputError
from watchkeeper.supervisor.bus import Bus, open_listener
from watchkeeper.supervisor.candump import read_log
from watchkeeper.supervisor.layout import to_physical
from watchkeeper.supervisor.spec import DEFAULT_BASE_ID, Signal
from watchkeeper.supervisor.watch import MessageSummary, MessageWatch, Watch

_SHOW_EVERY_NS = NS_PER_S
_WAIT_S = 0.1
_CLEAR = "\x1b[H\x1b[2J"


def run(args: argparse.Namespace) -> int:
    """Watch until the log or the duration ends. Exit status 1 when a verdict does not hold."""
    watch = Watch(DEFAULT_BASE_ID if args.base_id is None else args.base_id)
    if args.log is not None:
        if args.can is not None:
            raise BadInputError("--log and --can: expected one of them")
        for logged in read_log(args.log):
            watch.step(logged.frame, logged.t_ns)
        return _report(watch, args.json)
    if args.duration is not None and not (math.isfinite(args.duration) and args.duration > 0):
        raise BadInputError(f"--duration: expected seconds above 0, got {args.duration}")
    uri = args.can if args.can is not None else load_board(detect_board()).bus
    bus = open_listener(uri)
    try:
        _listen(bus, watch, args.duration, show=None if args.json else _show)
    except KeyboardInterrupt:
        _report(watch, args.json)
        raise
    finally:
        bus.close()
    return _report(watch, args.json)


def _listen(bus: Bus, watch: Watch, duration_s: float | None, show: Callable[[Watch], None] | None) -> None:
    start_ns = now_ns()
    end_ns = None if duration_s is None else start_ns + int(duration_s * NS_PER_S)
    next_ns = start_ns + _SHOW_EVERY_NS
    while end_ns is None or now_ns() < end_ns:
        if bus.fileno() >= 0:
            select.select([bus.fileno()], [], [], _WAIT_S)
        else:
            time.sleep(_WAIT_S)  # the device has gone; `receive` tries to open it again
        t_ns = now_ns()
        for frame in bus.receive():
            watch.step(frame, t_ns)
        if show is not None and t_ns >= next_ns:
            next_ns = t_ns + _SHOW_EVERY_NS
            show(watch)


def _show(watch: Watch) -> None:
    lines = [_values_line(message) for message in watch.messages.values() if message.n] or ["nothing on the bus yet"]
    lines.append(_load_line(watch))
    print((_CLEAR if sys.stdout.isatty() else "") + "\n".join(lines), flush=True)


def _values_line(watch: MessageWatch) -> str:
    signals = watch.message.signals
    values = " ".join(f"{s.name}={_value(s, watch.raws[s.name])}" for s in signals if s.name in watch.raws)
    return f"{watch.message.name:13}{watch.n:7}  {values}"


def _value(signal: Signal, raw: int) -> str:
    if raw in signal.labels:
        return signal.labels[raw]
    value = to_physical(signal, raw)
    text = str(value) if isinstance(value, int) else f"{value:g}"
    return text + signal.unit.removeprefix("1")  # 15/s, not 151/s


def _report(watch: Watch, as_json: bool) -> int:
    summary = watch.summary()
    holds = all(message["verdict"] == "ok" for message in summary.values())
    if as_json:
        result = {"messages": summary, "other_frames": watch.foreign, "bus": watch.load(), "holds": holds}
        print(json.dumps(result, indent=2))
    else:
        _print_summary(watch, summary)
    return 0 if holds else 1


def _print_summary(watch: Watch, summary: dict[str, MessageSummary]) -> None:
    for name, message in summary.items():
        if message["n"]:
            print(_values_line(watch.messages[name]))
    print(f"{'message':13}{'frames':>7}{'CRC err':>9}{'counter err':>13}{'cycle p50':>11}{'max ms':>9}"
          f"{'off p99 %':>11}  verdict")  # fmt: skip
    for name, message in summary.items():
        p50, longest, off = (
            "-" if value is None else f"{value:.1f}"
            for value in (message["cycle_ms_p50"], message["cycle_ms_max"], message["deviation_p99_pct"])
        )
        print(f"{name:13}{message['n']:7}{message['crc_errors']:9}{message['counter_errors']:13}{p50:>11}{longest:>9}"
              f"{off:>11}  {message['verdict']}")  # fmt: skip
    print(_load_line(watch))
    if watch.foreign:
        print(f"frames with other identifiers: {watch.foreign}")


def _load_line(watch: Watch) -> str:
    load = watch.load()
    if load["load_pct"] is None:
        return "bus load: unknown, fewer than two frames heard"
    return (
        f"bus load {load['load_pct']:.1f} % of {load['bit_rate'] // 1000} kbit/s without stuff bits, "
        f"{load['load_worst_pct']:.1f} % with the most there can be ({load['frames']} frames)"
    )
