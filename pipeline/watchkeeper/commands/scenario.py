"""`scenario`: drives written as timelines, made into traces, judged against what they expect, plotted."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from watchkeeper.board import load_board
from watchkeeper.clock import NS_PER_S
from watchkeeper.errors import BadInputError
from watchkeeper.files import write_atomically
from watchkeeper.measurement_trace import TraceWriter, read_trace
from watchkeeper.scenarios import CameraModel, Scenario, failures, judge, read_scenario, sample
from watchkeeper.scenarios.chart import chart
from watchkeeper.scenarios.named import limit_times, scenario_names, scenario_path
from watchkeeper.scenarios.plot_html import html_page
from watchkeeper.scenarios.plot_png import png_bytes
from watchkeeper.scenarios.sampling import Row
from watchkeeper.state.machine import DriverStateMachine
from watchkeeper.state.profiles import get_profile
from watchkeeper.types import DriverState


def run_list(args: argparse.Namespace) -> int:
    """Names, titles, clauses and limits of the packaged scenarios."""
    scenarios = [(name, _read(name, args.margin)) for name in scenario_names()]
    if args.json:
        rows = [
            {"name": name, "title": s.title, "clause": s.clause, "profiles": s.profiles, "limits": s.limits}
            for name, s in scenarios
        ]
        print(json.dumps(rows, indent=2))
        return 0
    for name, scenario in scenarios:
        print(f"{name:<28} {scenario.title}")
        print(f"{'':<28} {scenario.clause} ({', '.join(scenario.limits)})")
    return 0


def run_make(args: argparse.Namespace) -> int:
    """Write the trace of a scenario, whole or not at all. Raises BadInputError."""
    scenario = _read(args.scenario, args.margin)
    if args.out.exists() and Path(args.scenario).exists() and args.out.samefile(args.scenario):
        raise BadInputError.at(args.out, "expected a file of its own, it is SCENARIO too", field="--out")
    rows = 0
    with TraceWriter(args.out) as trace:
        for measurement, vehicle in sample(scenario, _camera(scenario, args)):
            trace.write(measurement, vehicle)
            rows += 1
    if args.json:
        print(json.dumps({"scenario": args.scenario, "trace": str(args.out), "measurements": rows}))
    else:
        print(f"{args.out}: {rows} measurements of {scenario.title!r}")
    return 0


def run_check(args: argparse.Namespace) -> int:
    """Judge scenarios and hold them against what they expect; 1 when one does not hold. Raises BadInputError."""
    results = []
    for name in args.scenarios or scenario_names():
        scenario = _read(name, args.margin)
        judged = judge(scenario, _machine(_profile(scenario, args.profile), args.board), _camera(scenario, args))
        problems = failures(scenario, judged.seen)
        results.append({"scenario": name, "measurements": judged.frames, "holds": not problems, "problems": problems})
        if not args.json:
            print(f"{'ok  ' if not problems else 'FAIL'} {name}: {scenario.title}")
            for problem in problems:
                print(f"     {problem}")
    if args.json:
        print(json.dumps(results, indent=2))
    return 0 if all(result["holds"] for result in results) else 1


def run_plot(args: argparse.Namespace) -> int:
    """Plot a scenario or a measurement trace as .html or .png. Raises BadInputError."""
    if args.out.suffix not in (".html", ".png"):
        raise BadInputError.at(args.out, "expected a name ending in .html or .png", field="--out")
    source = Path(args.source)
    rows: Sequence[Row]
    if source.suffix == ".jsonl":
        title, profile, rows = source.name, args.profile or "euroncap-2026", list(read_trace(source))
    else:
        scenario = _read(args.source, args.margin)
        title, profile = scenario.title, _profile(scenario, args.profile)
        rows = list(sample(scenario, _camera(scenario, args)))
        if not rows:
            raise BadInputError.at(scenario.source, "expected at least one frame, the scenario has none")
    machine = _machine(profile, args.board)
    states: list[DriverState] = [machine.step(m, vehicle, m.t_ns) for m, vehicle in rows]
    drawn = chart(f"{title} ({profile})", rows, states)
    if args.out.suffix == ".html":
        write_atomically(args.out, html_page(drawn))
    else:
        picture = png_bytes(drawn)
        try:
            args.out.write_bytes(picture)
        except OSError as error:
            raise BadInputError.at(args.out, f"cannot be written: {error.strerror}") from None
    if args.json:
        print(json.dumps({"source": args.source, "plot": str(args.out), "measurements": len(rows)}))
    else:
        print(f"{args.out}: {len(rows)} measurements")
    return 0


def _read(name: str, margin_s: float) -> Scenario:
    return read_scenario(scenario_path(name), limit_times(), round(margin_s * NS_PER_S))


def _profile(scenario: Scenario, asked: str | None) -> str:
    return asked or (scenario.profiles[0] if scenario.profiles else "euroncap-2026")


def _machine(profile: str, board: str) -> DriverStateMachine:
    return DriverStateMachine(get_profile(profile), load_board(board).cabin)


def _camera(scenario: Scenario, args: argparse.Namespace) -> CameraModel:
    own = scenario.camera
    fps = own.fps if args.fps is None else args.fps
    if not 1 <= fps <= 240:
        raise BadInputError(f"--fps {fps:g}: expected 1 to 240")
    jitter_ms, lost_pct = args.jitter_ms, args.lost_pct
    if jitter_ms is not None and not 0 <= jitter_ms <= 1000:
        raise BadInputError(f"--jitter-ms {jitter_ms:g}: expected 0 to 1000")
    if lost_pct is not None and not 0 <= lost_pct <= 99:
        raise BadInputError(f"--lost-pct {lost_pct:g}: expected 0 to 99")
    return CameraModel(
        fps=fps,
        jitter_ns=own.jitter_ns if jitter_ms is None else round(jitter_ms * 1e6),
        lost=own.lost if lost_pct is None else lost_pct / 100,
        shift_ns=own.shift_ns,
        seed=own.seed if args.seed is None else args.seed,
    )
