"""The live table of `run`: a pure rendering of what the two processes last said."""

from __future__ import annotations

from watchkeeper.clock import NS_PER_MS, NS_PER_S
from watchkeeper.types import DriverState, EyeState, SupervisorReport, VisionReport
from watchkeeper.types import Warning as DriverWarning

_LEVELS = ("", "advise", "warn", "URGENT")


def render(
    supervisor: SupervisorReport | None,
    vision: VisionReport | None,
    *,
    started_ns: int,
    now_ns: int,
    bus: str,
    source: str,
) -> list[str]:
    """The table's lines, without colour or cursor movement."""
    lines = [f"watchkeeper  {(now_ns - started_ns) / NS_PER_S:6.1f} s   {source}  ->  {bus}"]
    if supervisor is None:
        return [*lines, "supervisor starting"]
    cause = "" if supervisor.cause == 0 else f" / {supervisor.cause.label}"
    lines.append(f"system     {supervisor.state.name.capitalize()}{cause}")
    driver = vision.driver if vision else None
    lines.append(f"warning    {_warning(driver, now_ns) if driver else '-'}")
    lines.extend(_driver(driver))
    lines.append(_vision(vision, now_ns))
    lines.append(
        f"bus        {supervisor.frames_sent} frames sent, {supervisor.send_failures} not taken by the bus, "
        f"{supervisor.slots_missed} slots missed, cycle jitter p99 {supervisor.cycle_jitter_p99_ms:.2f} ms, "
        f"vision restarts {supervisor.restarts}"
    )
    return lines


def _warning(driver: DriverState, now_ns: int) -> str:
    if driver.warning is DriverWarning.NONE:
        return "none" if driver.active else "none (standby: the vehicle is too slow)"
    since = f" for {(now_ns - driver.onset_ns) / NS_PER_S:.1f} s" if driver.onset_ns else ""
    asks = [word for word, on in (("lamp", driver.visual), ("sound", driver.acoustic), ("haptic", driver.haptic)) if on]
    return f"{driver.warning.label} ({_LEVELS[driver.level]}){since}  [{', '.join(asks)}]"


def _driver(driver: DriverState | None) -> list[str]:
    if driver is None:
        return ["lids       -", "gaze       -", "head       -"]
    eyes = f"left {_eye(driver.left_eye)}, right {_eye(driver.right_eye)}"
    lids = f"lids       {eyes:34} closed for {driver.closed_s:4.1f} s"
    gaze = head = "not known"
    if driver.gaze:
        gaze = f"yaw {driver.gaze.yaw_deg:+6.1f}  pitch {driver.gaze.pitch_deg:+6.1f} deg"
    if driver.head:
        angles = driver.head
        head = f"yaw {angles.yaw_deg:+6.1f}  pitch {angles.pitch_deg:+6.1f}  roll {angles.roll_deg:+6.1f} deg"
    zone = driver.gaze_zone.name.replace("_", " ").lower()
    return [lids, f"gaze       {gaze:34} {zone}, away for {driver.away_s:4.1f} s", f"head       {head}"]


def _eye(eye: EyeState) -> str:
    return {EyeState.OPEN: "open", EyeState.CLOSED: "CLOSED", EyeState.UNKNOWN: "unknown"}.get(eye, "-")


def _vision(vision: VisionReport | None, now_ns: int) -> str:
    if vision is None or vision.exposure_ns == 0:
        return "vision     starting"
    health = vision.health
    age_ms = (now_ns - vision.exposure_ns) / NS_PER_MS
    return (
        f"vision     {health.frame_rate_hz:4.1f} frames/s, latency p50 {health.latency_p50_ms:.1f} ms, "
        f"p99 {health.latency_p99_ms:.1f} ms, age {age_ms:.0f} ms, dropped {health.frames_dropped} of "
        f"{health.frames_captured}, late {health.deadline_misses}"
    )
