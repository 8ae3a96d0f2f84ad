"""A plot as one HTML page: inline SVG, no script, nothing loaded from elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape

from watchkeeper.scenarios.chart import Chart, Panel

_LEFT, _RIGHT, _WIDTH = 60, 130, 1100
_LINES_HEIGHT, _ROW_HEIGHT, _GAP = 130, 22, 34
_COLOURS = ("#1b6ca8", "#d1495b", "#8fb8de", "#edae49")
_LEVEL_COLOURS = ("#9aa0a6", "#f4c430", "#f28c28", "#c1121f")
_STYLE = "body{font:14px sans-serif;margin:20px}text{font:11px sans-serif;fill:#333}svg{max-width:100%}"


def html_page(chart: Chart) -> str:
    """The whole page. The same chart gives the same text."""
    parts: list[str] = []
    top = 10
    for panel in chart.panels:
        height = _height(panel)
        parts.append(f'<g transform="translate({_LEFT},{top + 14})">{"".join(_panel(panel, chart.end_s, height))}</g>')
        top += height + _GAP
    title = escape(chart.title)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1>\n"
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top}" width="{_WIDTH}" height="{top}">'
        + "\n".join(parts)
        + "</svg></body></html>\n"
    )


def _height(panel: Panel) -> int:
    return _LINES_HEIGHT if panel.lines else _ROW_HEIGHT * max(1, len(rows_of(panel)))


def rows_of(panel: Panel) -> list[str]:
    """The labels of a panel's bands, one row each, in order of their first appearance."""
    return list(dict.fromkeys(band.label for band in panel.bands))


def _panel(panel: Panel, end_s: float, height: int) -> Iterator[str]:
    width = _WIDTH - _LEFT - _RIGHT
    yield f'<text x="0" y="-4">{escape(panel.title)}</text>'
    yield f'<rect width="{width}" height="{height}" fill="none" stroke="#bbb"/>'
    for t_s in ticks(0.0, end_s, 10):
        x = t_s / end_s * width
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y2="{height}" stroke="#eee"/>'
        yield f'<text x="{x:.1f}" y="{height + 12}" text-anchor="middle">{t_s:g} s</text>'
    if panel.lines:
        yield from _lines(panel, end_s, width, height)
    for row, label in enumerate(rows_of(panel)):
        yield f'<text x="{width + 6}" y="{row * _ROW_HEIGHT + 15}">{escape(label)}</text>'
        for band in panel.bands:
            if band.label == label:
                x, w = band.start_s / end_s * width, max(1.0, (band.end_s - band.start_s) / end_s * width)
                yield (
                    f'<rect x="{x:.1f}" y="{row * _ROW_HEIGHT + 3}" width="{w:.1f}" height="{_ROW_HEIGHT - 6}" '
                    f'fill="{_LEVEL_COLOURS[band.level]}"><title>{escape(label)}, level {band.level}: '
                    f"{band.start_s:.3f} s to {band.end_s:.3f} s</title></rect>"
                )


def _lines(panel: Panel, end_s: float, width: int, height: int) -> Iterator[str]:
    low, high = bounds(panel)
    for value in ticks(low, high, 4):
        y = height - (value - low) / (high - low) * height
        yield f'<line x2="{width}" y1="{y:.1f}" y2="{y:.1f}" stroke="#eee"/>'
        yield f'<text x="-6" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>'
    for k, line in enumerate(panel.lines):
        colour = _COLOURS[k % len(_COLOURS)]
        yield f'<text x="{width + 6}" y="{15 + 15 * k}" style="fill:{colour}">{escape(line.label)}</text>'
        for stretch in line.stretches:
            points = " ".join(
                f"{t_s / end_s * width:.1f},{height - (value - low) / (high - low) * height:.1f}"
                for t_s, value in stretch
            )
            yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.2"/>'


def bounds(panel: Panel) -> tuple[float, float]:
    """Lowest and highest value a panel's scale shows; at least one unit apart, 0 always inside."""
    values = [value for line in panel.lines for stretch in line.stretches for _, value in stretch]
    low, high = min([0.0, *values]), max([1.0, *values])
    return low, high


def ticks(low: float, high: float, about: int) -> list[float]:
    """Round numbers from low to high, about so many."""
    raw = (high - low) / about
    size: float = 10.0 ** math.floor(math.log10(raw))
    step = next(size * k for k in (1, 2, 5, 10) if size * k >= raw)
    return [round(k * step, 9) for k in range(math.ceil(low / step), math.floor(high / step) + 1)]
