"""One HTML page about a recording: no script, no font, no picture from anywhere; percentile curves as inline SVG."""

from __future__ import annotations

import html
import statistics
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from watchkeeper.clock import NS_PER_MS, NS_PER_S
from watchkeeper.trace.frames import Frames, TracedFrame, frames_of
from watchkeeper.trace.hdr import Hdr
from watchkeeper.trace.ring import Recording
from watchkeeper.trace.rows import STAGES

_SHARES = (0.5, 0.9, 0.95, 0.99, 0.999, 1.0)
_CURVE = (0.0, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999)
_WORST = 12
_MINUTE_NS = 60 * NS_PER_S
_STYLE = """body{font:15px/1.45 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#1b2430}
table{border-collapse:collapse;margin:.5rem 0 1.5rem}
td,th{padding:.25rem .8rem;border-bottom:1px solid #d8dee6;text-align:right}
td:first-child,th:first-child{text-align:left}.late{color:#b00020;font-weight:600}
svg text{font:12px system-ui,sans-serif}
.note{color:#5a6675;max-width:48rem}"""


def html_report(recording: Recording) -> str:
    """The whole page. Latency is end of exposure to published state, ms."""
    frames = frames_of(recording)
    phases = frames.phases()
    period_ns = round(float(recording.about.get("frame_period_ms") or 0.0) * NS_PER_MS)
    plain, corrected = Hdr(), Hdr()
    for frame in phases["steady"]:
        plain.add(frame.took_ns)
        corrected.add(frame.took_ns, period_ns)
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>watchkeeper frame times</title>",
        f"<style>{_STYLE}</style><h1>Frame times</h1>", _summary(frames, recording, period_ns),
        "<h2>Latency by percentile, steady state</h2>", _curve(plain, corrected),
        "<p class=note>Corrected: a frame that took longer than the frame period also kept the next ones waiting; "
        "their waits are put in (coordinated omission).</p>",
        _table(["phase", "frames", *(_share(s) for s in _SHARES)], (_phase(n, f) for n, f in phases.items())),
        "<h2>Stages, steady state</h2>", _stages(phases["steady"], recording.about),
        "<h2>Per minute</h2>", _minutes(frames.judged),
        "<h2>Worst frames</h2>", _worst(frames.judged),
        "<h2>Drops by cause</h2>",
        _table(["cause", "frames"], frames.drops.items()) if frames.drops else "<p>none</p>",
        "<h2>Environment</h2>", _table(["what", "value"], ((k, _said(v)) for k, v in recording.about.items())),
    ]  # fmt: skip
    return "\n".join(parts) + "\n</html>\n"


def _summary(frames: Frames, recording: Recording, period_ns: int) -> str:
    late = sum(frame.late for frame in frames.judged)
    gaps = [b.exposure_ns - a.exposure_ns for a, b in pairwise(frames.judged)]
    jitter = [abs(gap - period_ns) for gap in gaps] if period_ns else []
    hdr = Hdr()
    for value in jitter:
        hdr.add(value)
    sent = [f.sent_ns - f.exposure_ns for f in frames.judged if f.sent_ns is not None]
    bus = ""
    if sent:
        median = _ms(round(statistics.median(sent)))
        over = sum(frame.bus_late for frame in frames.judged)
        bus = f"; exposure to bus (software only, an estimate) p50 {median} ms over {len(sent)} sends"
        bus += f", {over} past the limit" if over else ""
        back = [f.echo_ns - f.sent_ns for f in frames.judged if f.sent_ns is not None and f.echo_ns is not None]
        if back:
            bus += f"; heard back from the bus {_ms(round(statistics.median(back)))} ms later"
    return (
        f"<p>{len(frames.judged)} frames judged, {frames.drops.total()} dropped, "
        f"<span class={'late' if late else 'ok'}>{late} after their deadline</span>; jitter of the camera's period p50 "
        f"{_ms(hdr.percentile(0.5))} ms, p99 {_ms(hdr.percentile(0.99))} ms{bus}. {recording.lost} older rows were "
        "overwritten.</p>"
    )


def _phase(name: str, frames: Sequence[TracedFrame]) -> list[Any]:
    hdr = Hdr()
    for frame in frames:
        hdr.add(frame.took_ns)
    return [name, len(frames), *(_ms(hdr.percentile(share)) if frames else "-" for share in _SHARES)]


def _stages(frames: Sequence[TracedFrame], about: dict[str, Any]) -> str:
    if not frames:
        return "<p>none</p>"
    shares, budget_ms = about.get("share_pct"), about.get("budget_ms") or 0.0
    may = shares if isinstance(shares, dict) and isinstance(budget_ms, float) else None
    took = {kind: Hdr() for kind in STAGES}
    for frame in frames:
        for kind, value in frame.by_kind_ns().items():
            took[kind].add(value)
    return _table(
        ["stage", *(_share(s) for s in _SHARES), "may take", "frames beyond"],
        (
            [
                kind.name.lower(),
                *(_ms(hdr.percentile(s)) for s in _SHARES),
                f"{budget_ms * may.get(kind.name.lower(), 0) / 100:.2f}" if may else "-",
                sum(kind in frame.over_ns for frame in frames),
            ]
            for kind, hdr in took.items()
        ),
    )


def _minutes(frames: Sequence[TracedFrame]) -> str:
    if not frames:
        return "<p>none</p>"
    began_ns = frames[0].exposure_ns
    minutes: dict[int, list[TracedFrame]] = {}
    for frame in frames:
        minutes.setdefault((frame.exposure_ns - began_ns) // _MINUTE_NS, []).append(frame)
    rows = ([f"{n}", *_phase("", own)[1:], sum(f.late for f in own)] for n, own in minutes.items())
    return _table(["minute", "frames", *(_share(s) for s in _SHARES), "late"], rows)


def _worst(frames: Sequence[TracedFrame]) -> str:
    worst = sorted(frames, key=lambda frame: -frame.took_ns)[:_WORST]
    rows = (
        [f.seq, _ms(f.took_ns), f.culprit().name.lower() if f.late else "-", *(_ms(v) for v in f.by_kind_ns().values())]
        for f in worst
    )
    return _table(["frame", "total", "laid to", *(kind.name.lower() for kind in STAGES)], rows)


def _curve(plain: Hdr, corrected: Hdr) -> str:
    """Two lines over the percentile, its distance from 100 % on a logarithmic axis."""
    if not plain.count:
        return "<p>no frame after the warm-up</p>"
    width, height, left, bottom = 640, 260, 56, 30
    top_ns = max(plain.largest, corrected.largest, 1)
    step = (width - left - 20) / (len(_CURVE) - 1)
    lines = []
    for hdr, colour, name, at in ((corrected, "#b00020", "corrected", 190), (plain, "#0b6e99", "measured", 208)):
        points = " ".join(
            f"{left + i * step:.1f},{height - bottom - hdr.percentile(s) / top_ns * (height - bottom - 20):.1f}"
            for i, s in enumerate(_CURVE)
        )
        lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        lines.append(f'<text x="{left + 12}" y="{at}" fill="{colour}">{name}</text>')
    for i, share in enumerate(_CURVE):
        x = left + i * step
        lines.append(f'<text x="{x:.1f}" y="{height - 8}" text-anchor="middle">{share * 100:g}</text>')
    for part in range(5):
        y = height - bottom - part / 4 * (height - bottom - 20)
        lines.append(f'<line x1="{left}" x2="{width - 20}" y1="{y:.1f}" y2="{y:.1f}" stroke="#d8dee6"/>')
        label = _ms(round(part / 4 * top_ns))
        lines.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
    return f'<svg viewBox="0 0 {width} {height}" width="{width}" role="img">{"".join(lines)}</svg>'


def _table(head: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    cells = "".join(f"<th>{html.escape(text)}</th>" for text in head)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(str(c))}</td>" for c in row) + "</tr>" for row in rows)
    return f"<table><tr>{cells}</tr>{body}</table>"


def _said(value: Any) -> str:
    """A JSON value in words."""
    if value is None:
        return "the machine does not tell"
    if isinstance(value, dict):
        return ", ".join(f"{key} {inner}" for key, inner in value.items())
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)


def _share(share: float) -> str:
    return "max" if share == 1.0 else f"p{share * 100:g}"


def _ms(value_ns: int) -> str:
    return f"{value_ns / NS_PER_MS:.2f}"
