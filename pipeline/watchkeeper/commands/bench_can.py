"""`bench can`: the real supervisor as its own process, its frames checked one by one, its cycle measured.

Vision is a process that publishes random judgements (`bench_can_vision`), the bus a virtual one or an slcan adapter
played on a pseudo-terminal. What left is taken from the supervisor's own CAN log, stamped when the kernel had taken
the frame; what a listener at the bus heard is checked beside it. `--load` keeps every core busy meanwhile.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from watchkeeper.commands.bench_can_bus import Listener, open_bench_bus
from watchkeeper.commands.bench_load import busy
from watchkeeper.commands.bench_report import Result, regressions, report
from watchkeeper.errors import BadInputError, CheckFailedError
from watchkeeper.files import write_atomically
from watchkeeper.mailbox.layout import SUPERVISOR
from watchkeeper.mailbox.reader import Reader
from watchkeeper.mailbox.writer import Mailbox
from watchkeeper.supervisor.candump import read_log
from watchkeeper.supervisor.sender_check import SenderCheck, SenderVerdict, percentile
from watchkeeper.supervisor.spec import TRANSMITTED
from watchkeeper.types import SupervisorReport

_FRAMES_PER_S = sum(1000 / message.cycle_ms for message in TRANSMITTED)
_FEWEST_FRAMES = 100
_END_WAIT_S = 10.0
_POLICIES = {os.SCHED_OTHER: "SCHED_OTHER", os.SCHED_FIFO: "SCHED_FIFO", os.SCHED_RR: "SCHED_RR"}


def run(args: argparse.Namespace) -> int:
    """Measure, print, compare. Exit status 1 when a frame was wrong, or on a regression against --compare."""
    if args.frames < _FEWEST_FRAMES:
        raise BadInputError(f"--frames {args.frames}: expected at least {_FEWEST_FRAMES}")
    with tempfile.TemporaryDirectory(prefix="watchkeeper-bench-") as folder:
        log = Path(folder) / "can.log"
        heard, policy, last = _measure(args.bus, args.frames / _FRAMES_PER_S, log, args.load)
        sent = SenderCheck()
        for line in read_log(log):
            sent.step(line.frame, line.t_ns)
    made = report(
        "can", _results(args.bus, args.load, sent),
        bus=args.bus, scheduler=policy, cores_loaded=os.cpu_count() if args.load else 0,
        frames_sent=sent.n, frames_heard=heard.n, slots_missed=last.slots_missed, send_failures=last.send_failures,
        faults={name: _faults(verdict) for name, verdict in sent.verdicts.items()},
        heard_faults={name: _faults(verdict) for name, verdict in heard.verdicts.items()},
    )  # fmt: skip
    wrong = _wrong(sent, heard, last)
    made["valid"] = not wrong
    _print(made, sent)
    if args.json is not None:
        write_atomically(args.json, json.dumps(made, indent=2) + "\n")
    if wrong:
        raise CheckFailedError("; ".join(wrong))
    if args.compare is not None and (worse := regressions(made, args.compare)):
        raise CheckFailedError("; ".join(worse))
    return 0


def _measure(bus: str, seconds: float, log: Path, load: bool) -> tuple[SenderCheck, str, SupervisorReport]:
    """Run the supervisor for `seconds`; what the listener heard, the supervisor's scheduler class, its last word."""
    with contextlib.ExitStack() as cleanup:
        listener = cleanup.enter_context(open_bench_bus(bus))
        status_fd = Mailbox.create(SUPERVISOR)
        cleanup.callback(os.close, status_fd)
        if load:
            cleanup.enter_context(busy(range(os.cpu_count() or 1)))
        process = subprocess.Popen(
            _command(listener.uri, log, status_fd, seconds), pass_fds=(status_fd,), stdin=subprocess.DEVNULL
        )
        cleanup.callback(_end, process)
        policy = _listen(listener, process, seconds)
        last = Reader(status_fd, SUPERVISOR).read()
    if process.returncode != 0 or last is None:
        raise CheckFailedError(f"the supervisor ended with status {process.returncode}")
    return listener.check, policy, last


def _command(uri: str, log: Path, status_fd: int, seconds: float) -> list[str]:
    python = [sys.executable, "-m"]
    simulated = ["--simulated-speed-kph", "80"] if uri.startswith("virtual:") else []
    return [
        *python, "watchkeeper.supervisor.main", "watchkeeper-supervisor", "--board", "host", "--can", uri,
        "--can-log", str(log), "--status-fd", str(status_fd), "--duration", f"{seconds:.3f}", *simulated,
        "--", *python, "watchkeeper.commands.bench_can_vision", "watchkeeper-vision",
    ]  # fmt: skip


def _listen(listener: Listener, process: subprocess.Popen[bytes], seconds: float) -> str:
    """Hear the bus until the supervisor has ended; its scheduler class as seen while it ran."""
    policy = "unknown"
    started_s = time.monotonic()
    shown_s = 0.0
    while process.poll() is None:
        listener.wait_and_step()
        ran_s = time.monotonic() - started_s
        with contextlib.suppress(OSError):  # asked again and again: it is raised only after the first slot
            policy = _POLICIES.get(os.sched_getscheduler(process.pid), "other")
        if sys.stderr.isatty() and ran_s - shown_s > 1:
            shown_s = ran_s
            print(f"\r{min(100, 100 * ran_s / seconds):3.0f} %", end="", file=sys.stderr, flush=True)
        if ran_s > seconds + _END_WAIT_S:
            process.kill()
    listener.wait_and_step()
    return policy


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_END_WAIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _faults(verdict: SenderVerdict) -> dict[str, int]:
    return {
        "n": verdict.n, "repeats": verdict.repeats, "skips": verdict.skips, "bad_crc": verdict.bad_crc,
        "off_cycle": verdict.off_cycle,
    }  # fmt: skip


def _wrong(sent: SenderCheck, heard: SenderCheck, last: SupervisorReport) -> list[str]:
    """What no frame may be, whatever the machine does."""
    wrong = [
        f"{name}: {verdict.repeats} repeated, {verdict.skips} skipped, {verdict.bad_crc} with a wrong CRC"
        for name, verdict in sent.verdicts.items()
        if verdict.faults
    ]
    # A listener on a busy machine may miss frames; it may not hear wrong ones.
    wrong += [
        f"{name} as heard: {v.repeats} repeated, {v.bad_crc} with a wrong CRC"
        for name, v in heard.verdicts.items()
        if v.repeats + v.bad_crc
    ]
    if sent.n != last.frames_sent:
        wrong.append(f"the log has {sent.n} frames, the supervisor says it sent {last.frames_sent}")
    return wrong


def _results(bus: str, load: bool, sent: SenderCheck) -> list[Result]:
    case = f"{bus}{', loaded' if load else ''}"
    everything = [d for verdict in sent.verdicts.values() for d in verdict.deviations_pct]
    rows = [("all messages", everything), *((name, v.deviations_pct) for name, v in sent.verdicts.items())]
    results = []
    for name, values in rows:
        for metric, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0)):
            value = round(percentile(values, share), 4)
            results.append(Result(f"{case}: {name}", f"cycle_deviation_{metric}_pct", "%", value, len(values)))
    return results


def _print(made: dict[str, Any], sent: SenderCheck) -> None:
    env = made["environment"]
    print(f"{env['frames_sent']} frames on {env['bus']}, {env['frames_heard']} heard, {env['scheduler']}, "
          f"{env['cores_loaded']} cores loaded, slots missed {env['slots_missed']}")  # fmt: skip
    print(f"{'message':14}{'frames':>8}{'repeat':>8}{'skip':>6}{'bad CRC':>9}{'off cycle':>11}"
          f"{'deviation p50 %':>17}{'p99 %':>8}{'max %':>8}")  # fmt: skip
    for name, v in sent.verdicts.items():
        p50, p99, most = (percentile(v.deviations_pct, share) for share in (0.5, 0.99, 1.0))
        print(f"{name:14}{v.n:8}{v.repeats:8}{v.skips:6}{v.bad_crc:9}{v.off_cycle:11}"
              f"{p50:17.3f}{p99:8.3f}{most:8.3f}")  # fmt: skip
