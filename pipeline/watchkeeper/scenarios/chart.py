"""What a plot of a drive shows, before it is drawn: panels over one time axis, in seconds from the drive's start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from watchkeeper.scenarios.sampling import Row
from watchkeeper.types import Cause, DriverState, Eye, Measurement
from watchkeeper.types import Warning as DriverWarning

_GAP_S = 0.5  # a line breaks where nothing was measured for longer
_NS_PER_S = 1e9


@dataclass(frozen=True, slots=True)
class Line:
    """One measured value: stretches of (seconds, value) without a gap inside."""

    label: str
    stretches: tuple[tuple[tuple[float, float], ...], ...]


@dataclass(frozen=True, slots=True)
class Band:
    """Something that held from start_s to end_s. level 0..3: how strongly it is drawn."""

    label: str
    start_s: float
    end_s: float
    level: int


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines with one scale, or rows of bands."""

    title: str
    lines: tuple[Line, ...] = ()
    bands: tuple[Band, ...] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """A whole plot."""

    title: str
    end_s: float
    panels: tuple[Panel, ...]


def chart(title: str, rows: Sequence[Row], states: Sequence[DriverState]) -> Chart:
    """Measurements, timers and warnings of a judged drive; `states` one for each of `rows`. Time counts from the first
    row. Raises ValueError when there are no rows."""
    if not rows:
        raise ValueError("expected at least one measurement")
    t0_ns = rows[0][0].t_ns
    times = [(m.t_ns - t0_ns) / _NS_PER_S for m, _ in rows]

    def line(label: str, value: Callable[[Measurement], float | None]) -> Line:
        return Line(label, _stretches(times, [value(m) for m, _ in rows]))

    def timer(label: str, value: Callable[[DriverState], float | None]) -> Line:
        return Line(label, _stretches(times, [value(state) for state in states]))

    speeds = [vehicle.speed_kph if vehicle is not None else None for _, vehicle in rows]
    panels = (
        Panel("directions, deg", (
            line("gaze yaw", lambda m: m.gaze.yaw_deg if m.gaze else None),
            line("gaze pitch", lambda m: m.gaze.pitch_deg if m.gaze else None),
            line("head yaw", lambda m: m.head.yaw_deg if m.head else None),
            line("head pitch", lambda m: m.head.pitch_deg if m.head else None),
        )),
        Panel("opening, 0 to 1", (
            line("left lid", lambda m: _open(m.left_eye)),
            line("right lid", lambda m: _open(m.right_eye)),
            line("mouth", lambda m: m.mouth.open if m.mouth else None),
        )),
        Panel("timers, s", (
            timer("away", lambda state: state.away_s),
            timer("closed", lambda state: state.closed_s),
        )),
        Panel("speed, km/h", (Line("speed", _stretches(times, speeds)),)),
        Panel("warnings and causes", bands=(*_warnings(times, states), *_causes(times, states))),
    )  # fmt: skip
    return Chart(title, max(times[-1], 1e-3), panels)


def _open(eye: Eye | None) -> float | None:
    return eye.open if eye is not None else None


def _stretches(times: Sequence[float], values: Sequence[float | None]) -> tuple[tuple[tuple[float, float], ...], ...]:
    stretches: list[list[tuple[float, float]]] = []
    last_s: float | None = None
    for t_s, value in zip(times, values, strict=True):
        if value is None:
            last_s = None
            continue
        if last_s is None or t_s - last_s > _GAP_S:
            stretches.append([])
        stretches[-1].append((t_s, value))
        last_s = t_s
    return tuple(tuple(stretch) for stretch in stretches)


def _bands(times: Sequence[float], held: Sequence[tuple[str, int] | None]) -> list[Band]:
    """One band for every time the same label and level held without a break."""
    bands: list[Band] = []
    now: tuple[str, int] | None = None
    start_s = 0.0
    for t_s, what in zip((*times, times[-1]), (*held, None), strict=True):
        if what != now:
            if now is not None:
                bands.append(Band(now[0], start_s, t_s, now[1]))
            now, start_s = what, t_s
    return bands


def _warnings(times: Sequence[float], states: Sequence[DriverState]) -> list[Band]:
    return _bands(times, [(s.warning.label, s.level) if s.warning is not DriverWarning.NONE else None for s in states])


def _causes(times: Sequence[float], states: Sequence[DriverState]) -> list[Band]:
    return _bands(times, [(s.cause.label, 0) if s.cause is not Cause.NONE else None for s in states])
