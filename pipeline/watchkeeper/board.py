"""Board files: `boards/<name>/board.toml`, read and checked with errors that name the file and the field.

A board file says what the hardware is (camera, bus, engines, budget, cabin); it never holds thresholds of the driver's
state, which live in `state/limits.py`.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from watchkeeper.data import data_path
from watchkeeper.errors import BadInputError
from watchkeeper.types import Cabin, CabinZone, CameraGeometry, GazeZone, Matrix3

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


_FIELDS = (
    "name", "board_id", "device_tree_models", "source", "bus", "engines", "buses", "cameras", "camera", "cabin",
    "budget", "simulate", "realtime", "eye_weights",
)  # fmt: skip

EYE_WEIGHTS = ("clear", "research")
"""From data with a clear licence alone, or with an infrared research set (models/eye_research.md)."""


@dataclass(frozen=True, slots=True)
class Board:
    """Effective settings of one board. `path` is where they came from."""

    name: str
    board_id: int  # DMS_Identity.BoardId
    path: Path
    source: str  # default source URI; `demo:` is the packaged drive
    bus: str  # default bus URI
    engines: tuple[str, ...]  # in order of preference
    buses: tuple[str, ...]
    cameras: tuple[str, ...]
    camera: CameraGeometry
    cabin: Cabin
    frame_period_ms: float
    budget_ms: float  # from end of exposure to published state
    realtime: bool  # vision with SCHED_FIFO and locked memory, where permitted
    simulated_speed_kph: float | None  # host only: a simulated vehicle on the virtual bus
    eye_weights: str = "clear"  # of the eye network: one of EYE_WEIGHTS


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


class _Table:
    """A TOML or JSON table that reports what is wrong by file and dotted field name."""

    def __init__(self, source: Path, data: Mapping[str, Any], prefix: str = "") -> None:
        self._source, self._data, self._prefix = source, data, prefix

    def fail(self, key: str, problem: str) -> BadInputError:
        return BadInputError.at(self._source, problem, field=self._prefix + key)

    def __contains__(self, key: str) -> bool:
        return key in self._data

    def keys_must_be(self, *known: str) -> None:
        for key in self._data:
            if key not in known:
                raise self.fail(key, f"unknown field; known are {', '.join(sorted(known))}")

    def table(self, key: str) -> _Table:
        value = self._data.get(key)
        if not isinstance(value, Mapping):
            raise self.fail(key, "expected a table")
        return _Table(self._source, value, f"{self._prefix}{key}.")

    def text(self, key: str) -> str:
        value = self._data.get(key)
        if not isinstance(value, str) or not value:
            raise self.fail(key, f"expected a text, got {value!r}")
        return value

    def one_of(self, key: str, known: tuple[str, ...]) -> str:
        value = self.text(key)
        if value not in known:
            raise self.fail(key, f"expected one of {', '.join(known)}, got {value!r}")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._data.get(key)
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise self.fail(key, f"expected a list of texts, got {value!r}")
        return tuple(value)

    def number(self, key: str, low: float = -math.inf, high: float = math.inf) -> float:
        value = self._data.get(key)
        if not isinstance(value, (int, float)) or not _is_number(value):
            raise self.fail(key, f"expected a finite number, got {value!r}")
        if not low <= value <= high:
            raise self.fail(key, f"expected a number from {low:g} to {high:g}, got {value!r}")
        return float(value)

    def numbers(self, key: str, count: int) -> tuple[float, ...]:
        value = self._data.get(key)
        if not isinstance(value, list) or len(value) != count or not all(_is_number(v) for v in value):
            raise self.fail(key, f"expected a list of {count} finite numbers, got {value!r}")
        return tuple(float(v) for v in value)

    def flag(self, key: str, *, default: bool) -> bool:
        value = self._data.get(key, default)
        if not isinstance(value, bool):
            raise self.fail(key, f"expected true or false, got {value!r}")
        return value

    def raw(self, key: str) -> Any:
        return self._data.get(key)


def board_names() -> list[str]:
    """Names of the boards this installation has."""
    return sorted(path.parent.name for path in data_path("boards").glob("*/board.toml"))


def load_board(name: str) -> Board:
    """The board called `name`. Raises BadInputError for an unknown name (listing the known) or a bad file."""
    if name not in board_names():
        raise BadInputError(f"--board {name}: unknown board; known are {', '.join(board_names())}")
    return read_board(data_path("boards", name, "board.toml"))


def detect_board() -> str:
    """The board this machine is, by its device-tree model; `host` when none fits."""
    try:
        model = Path("/proc/device-tree/model").read_text(errors="replace").strip("\0\n ")
    except OSError:
        return "host"
    for name in board_names():
        prefixes = _read_toml(data_path("boards", name, "board.toml")).get("device_tree_models", [])
        if any(model.startswith(prefix) for prefix in prefixes):
            return name
    return "host"


def read_board(path: Path) -> Board:
    """Read and check one board file. Raises BadInputError naming file and field."""
    top = _Table(path, _read_toml(path))
    top.keys_must_be(*_FIELDS)
    budget = top.table("budget")
    budget.keys_must_be("frame_period_ms", "exposure_to_state_ms")
    speed: float | None = None
    if "simulate" in top:
        simulate = top.table("simulate")
        simulate.keys_must_be("speed_kph")
        speed = simulate.number("speed_kph", 0, 300)
    return Board(
        name=top.text("name"),
        board_id=int(top.number("board_id", 0, 255)),
        path=path,
        source=top.text("source"),
        bus=top.text("bus"),
        engines=top.texts("engines"),
        buses=top.texts("buses"),
        cameras=top.texts("cameras"),
        camera=_camera(top.table("camera")),
        cabin=_cabin(top.table("cabin")),
        frame_period_ms=budget.number("frame_period_ms", 1, 1000),
        budget_ms=budget.number("exposure_to_state_ms", 1, 1000),
        realtime=top.flag("realtime", default=False),
        simulated_speed_kph=speed,
        eye_weights=top.one_of("eye_weights", EYE_WEIGHTS) if "eye_weights" in top else EYE_WEIGHTS[0],
    )


def read_camera(path: Path) -> CameraGeometry:
    """Camera geometry from a TOML file (a `[camera]` table) or a JSON file with a `camera` object.

    Raises BadInputError naming file and field.
    """
    return _camera(_Table(path, _read_json(path) if path.suffix == ".json" else _read_toml(path)).table("camera"))


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInputError.at(path, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadInputError.at(path, "expected UTF-8 text") from None


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        parsed: dict[str, Any] = tomllib.loads(_read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise BadInputError.at(path, f"expected TOML: {error}") from None
    return parsed


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(_read_text(path))
    except ValueError as error:
        raise BadInputError.at(path, f"expected JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadInputError.at(path, "expected a JSON object")
    return value


def _camera(table: _Table) -> CameraGeometry:
    width, height = int(table.number("width", 16, 8192)), int(table.number("height", 16, 8192))
    if "fx" in table:
        fx, fy = table.number("fx", 1), table.number("fy", 1) if "fy" in table else table.number("fx", 1)
    else:
        fx = fy = width / 2 / math.tan(math.radians(table.number("hfov_deg", 5, 170)) / 2)
    cx = table.number("cx", 0, width) if "cx" in table else width / 2
    cy = table.number("cy", 0, height) if "cy" in table else height / 2
    k = table.numbers("distortion", 5) if "distortion" in table else (0.0,) * 5
    known = "R_vehicle_to_camera" in table
    rotation = _rotation(table) if known else _FACING
    position = table.numbers("position_mm", 3) if "position_mm" in table else (0.0, 0.0, 650.0)
    # t = -R position
    t = tuple(-sum(r * p for r, p in zip(row, position, strict=True)) for row in rotation)
    return CameraGeometry(
        width, height, fx, fy, cx, cy, (k[0], k[1], k[2], k[3], k[4]), rotation, (t[0], t[1], t[2]), known,
    )  # fmt: skip


# A camera straight ahead of the driver looking back at him: image right is the driver's left.
_FACING: Matrix3 = ((1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, -1.0))


def _rotation(table: _Table) -> Matrix3:
    value = table.raw("R_vehicle_to_camera")
    ok = isinstance(value, list) and len(value) == 3 and all(isinstance(row, list) and len(row) == 3 for row in value)
    if not ok or not all(_is_number(v) for row in value for v in row):
        raise table.fail("R_vehicle_to_camera", "expected three rows of three finite numbers")
    rows = [[float(v) for v in row] for row in value]
    for i in range(3):
        for j in range(3):
            dot = sum(rows[i][k] * rows[j][k] for k in range(3))
            if abs(dot - (1.0 if i == j else 0.0)) > 1e-3:
                raise table.fail("R_vehicle_to_camera", "expected a rotation matrix (orthonormal rows)")
    a, b, c = rows
    if sum(a[i] * (b[(i + 1) % 3] * c[(i + 2) % 3] - b[(i + 2) % 3] * c[(i + 1) % 3]) for i in range(3)) < 0:
        raise table.fail("R_vehicle_to_camera", "expected a rotation, got a reflection")
    return (a[0], a[1], a[2]), (b[0], b[1], b[2]), (c[0], c[1], c[2])


def _cabin(table: _Table) -> Cabin:
    table.keys_must_be("driver_side", "zones")
    side = table.text("driver_side")
    if side not in ("left", "right"):
        raise table.fail("driver_side", f"expected left or right, got {side!r}")
    zones = table.table("zones")
    known = {zone.name.lower(): zone for zone in GazeZone if zone is not GazeZone.UNKNOWN}
    zones.keys_must_be(*known)
    boxes = []
    for name, zone in known.items():
        if name in zones:
            yaw, pitch, half_yaw, half_pitch = zones.numbers(name, 4)
            boxes.append(CabinZone(zone, yaw, pitch, half_yaw, half_pitch))
    if not any(box.zone is GazeZone.ROAD_AHEAD for box in boxes):
        raise zones.fail("road_ahead", "expected this zone to be given")
    return Cabin(side, tuple(boxes))
