"""Board files: `boards/<name>/board.toml`, read and checked with errors that name the file and the field.

A board file says what the hardware is (camera, bus, engines, budget, cabin); it never holds thresholds of the driver's
state, which live in `state/limits.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

from watchkeeper.board_budget import Cpus, FrameBudget, read_budget, read_cpus
from watchkeeper.board_hardware import NO_HARDWARE, Hardware, read_hardware
from watchkeeper.board_restart import NO_RESTART, Restart, read_restart
from watchkeeper.data import data_path
from watchkeeper.errors import BadInputError
from watchkeeper.settings_table import Table, is_number, read_table
from watchkeeper.types import Cabin, CabinZone, CameraGeometry, GazeZone, Matrix3

_FIELDS = (
    "name", "board_id", "device_tree_models", "source", "bus", "engines", "buses", "cameras", "camera", "cabin",
    "budget", "simulate", "realtime", "cpus", "watchdog", "geometry", "hardware", "preprocess", "tensorrt",
    "eye_weights", "restart",
)  # fmt: skip

PREPROCESSORS = ("cpu", "cuda")
"""What a board may cut and convert pictures with; the slow reference is not for boards."""
PRECISIONS = ("fp16", "fp32", "int8")
_MOST_DLA_CORES = 2
EYE_WEIGHTS = ("clear", "research")
"""From data with a clear licence alone, or with an infrared research set (models/eye_research.md)."""
_DEVICE_TREE = Path("/proc/device-tree")


@dataclass(frozen=True, slots=True)
class WatchdogSettings:
    """The board's hardware watchdog. pretimeout_s: this long before the reset the kernel is to leave a trace of the
    hang, where the device can; None leaves it off."""

    device: Path
    timeout_s: int
    pretimeout_s: int | None


@dataclass(frozen=True, slots=True)
class Board:
    """Effective settings of one board. `path` is where they came from."""

    name: str
    board_id: int  # DMS_Identity.BoardId
    path: Path
    source: str  # default source URI; `demo:` is the packaged drive
    bus: str  # default bus URI
    engines: tuple[str, ...]  # in order of preference
    preprocess: str  # one of PREPROCESSORS
    precision: str  # one of PRECISIONS: what the engine tensorrt computes in
    dla: int | None  # DLA core that the engine tensorrt runs on, None for the GPU
    buses: tuple[str, ...]
    cameras: tuple[str, ...]
    camera: CameraGeometry
    cabin: Cabin
    geometry: Path  # the file that cabin (and mounting, where measured) came from
    budget: FrameBudget
    cpus: Cpus
    realtime: bool  # vision with SCHED_FIFO and locked memory, where permitted
    simulated_speed_kph: float | None  # host only: a simulated vehicle on the virtual bus
    hardware: Hardware = NO_HARDWARE
    restart: Restart = NO_RESTART
    eye_weights: str = EYE_WEIGHTS[0]  # of the eye network: one of EYE_WEIGHTS
    watchdog: WatchdogSettings | None = None  # fed by the supervisor unless told otherwise; None: the board has none

    @property
    def frame_period_ms(self) -> float:
        """Of `budget`."""
        return self.budget.frame_period_ms

    @property
    def budget_ms(self) -> float:
        """From end of exposure to published state."""
        return self.budget.exposure_to_state_ms


def board_names() -> list[str]:
    """Names of the boards this installation has."""
    return sorted(path.parent.name for path in data_path("boards").glob("*/board.toml"))


def load_board(name: str, geometry: str | None = None) -> Board:
    """The board called `name`. geometry: a vehicle's by name or FILE.toml, instead of the board's own. Raises
    BadInputError for an unknown name (listing the known) or a bad file."""
    if name not in board_names():
        raise BadInputError(f"--board {name}: unknown board; known are {', '.join(board_names())}")
    path = data_path("boards", name, "board.toml")
    return read_board(path, None if geometry is None else geometry_path(geometry, "--geometry"))


def device_tree_model(root: Path = _DEVICE_TREE) -> str | None:
    """What the device tree calls this machine, None where there is no device tree (a PC)."""
    try:
        return (root / "model").read_text(errors="replace").strip("\0\n ")
    except OSError:
        return None


def detect_board(root: Path = _DEVICE_TREE) -> str:
    """The board this machine is: the one with the longest beginning of the device tree's model; `host` when none fits.

    root: another tree in tests.
    """
    model = device_tree_model(root)
    if model is None:
        return "host"
    starts = [("", "host")]
    for name in board_names():
        known = read_table(data_path("boards", name, "board.toml")).texts("device_tree_models")
        starts += [(start, name) for start in known if model.startswith(start)]
    return max(starts, key=lambda fit: len(fit[0]))[1]


def read_board(path: Path, geometry: Path | None = None) -> Board:
    """Read and check one board file. geometry: a vehicle's instead of the one the board file names. Raises
    BadInputError naming file, line and field."""
    top = read_table(path)
    top.keys_must_be(*_FIELDS)
    speed: float | None = None
    if "simulate" in top:
        simulate = top.table("simulate")
        simulate.keys_must_be("speed_kph")
        speed = simulate.number("speed_kph", 0, 300)
    preprocess = top.choice("preprocess", PREPROCESSORS, PREPROCESSORS[0])
    precision, dla = _tensorrt(top.table("tensorrt")) if "tensorrt" in top else (PRECISIONS[0], None)
    camera = _camera(top.table("camera"))
    if "geometry" in top and "cabin" in top:
        raise top.fail("cabin", "expected either this table or `geometry`, not both")
    cabin = _cabin(top.table("cabin")) if "cabin" in top and geometry is None else None
    file = path
    if cabin is None:
        file = geometry or _geometry_file(top)
        cabin, camera = _read_geometry(file, camera)
    return Board(
        name=top.text("name"),
        board_id=top.whole("board_id", 0, 255),
        path=path,
        source=top.text("source"),
        bus=top.text("bus"),
        engines=top.texts("engines"),
        preprocess=preprocess,
        precision=precision,
        dla=dla,
        buses=top.texts("buses"),
        cameras=top.texts("cameras"),
        camera=camera,
        cabin=cabin,
        geometry=file,
        budget=read_budget(top.table("budget")),
        cpus=read_cpus(top.table("cpus")) if "cpus" in top else Cpus(),
        realtime=top.flag("realtime", default=False),
        simulated_speed_kph=speed,
        eye_weights=top.choice("eye_weights", EYE_WEIGHTS, EYE_WEIGHTS[0]),
        watchdog=_watchdog(top.table("watchdog")) if "watchdog" in top else None,
        hardware=read_hardware(top.table("hardware")) if "hardware" in top else NO_HARDWARE,
        restart=read_restart(top.table("restart")) if "restart" in top else NO_RESTART,
    )


def _tensorrt(table: Table) -> tuple[str, int | None]:
    table.keys_must_be("precision", "dla")
    precision = table.choice("precision", PRECISIONS, PRECISIONS[0])
    if "dla" not in table:
        return precision, None
    if precision == "fp32":
        raise table.fail("dla", "expected precision fp16 or int8 with it: a DLA computes in no other")
    core = table.number("dla", 0, _MOST_DLA_CORES - 1)
    if core != int(core):
        raise table.fail("dla", f"expected the number of a core, got {core:g}")
    return precision, int(core)


def geometry_names() -> list[str]:
    """Names of the vehicle geometries this installation has."""
    return sorted(path.stem for path in data_path("vehicles", "geometry").glob("*.toml"))


def geometry_path(name: str, option: str) -> Path:
    """`vehicles/geometry/<name>.toml`, or the file where `name` ends in .toml. Raises BadInputError naming `option`."""
    if name.endswith(".toml"):
        return Path(name)
    if name not in geometry_names():
        raise BadInputError(f"{option} {name}: unknown geometry; known are {', '.join(geometry_names())}, or FILE.toml")
    return data_path("vehicles", "geometry", f"{name}.toml")


def _geometry_file(top: Table) -> Path:
    name = top.text("geometry")
    if name not in geometry_names():
        raise top.fail("geometry", f"expected one of {', '.join(geometry_names())}, got {name!r}")
    return data_path("vehicles", "geometry", f"{name}.toml")


def _read_geometry(path: Path, camera: CameraGeometry) -> tuple[Cabin, CameraGeometry]:
    """The cabin, and the camera where the vehicle's file says how it is mounted."""
    top = read_table(path)
    top.keys_must_be("cabin", "mounting")
    cabin = _cabin(top.table("cabin"))
    if "mounting" not in top:
        return cabin, camera
    mounting = top.table("mounting")
    mounting.keys_must_be("R_vehicle_to_camera", "position_mm")
    rotation, position = _rotation(mounting), mounting.numbers("position_mm", 3)
    return cabin, replace(camera, rotation_vehicle_to_camera=rotation, translation_mm=_translation(rotation, position),
                          mounting_known=True)  # fmt: skip


def read_camera(path: Path) -> CameraGeometry:
    """Camera geometry from a TOML file (a `[camera]` table) or a JSON file with a `camera` object.

    Raises BadInputError naming file and field.
    """
    return _camera(read_table(path).table("camera"))


def _camera(table: Table) -> CameraGeometry:
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
    t = _translation(rotation, position)
    return CameraGeometry(width, height, fx, fy, cx, cy, (k[0], k[1], k[2], k[3], k[4]), rotation, t, known)


def _translation(rotation: Matrix3, position: tuple[float, ...]) -> tuple[float, float, float]:
    """t = -R position."""
    t = [-sum(r * p for r, p in zip(row, position, strict=True)) for row in rotation]
    return t[0], t[1], t[2]


# A camera straight ahead of the driver looking back at him: image right is the driver's left.
_FACING: Matrix3 = ((1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, -1.0))


def _rotation(table: Table) -> Matrix3:
    value = table.raw("R_vehicle_to_camera")
    ok = isinstance(value, list) and len(value) == 3 and all(isinstance(row, list) and len(row) == 3 for row in value)
    if not ok or not all(is_number(v) for row in value for v in row):
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


def _watchdog(table: Table) -> WatchdogSettings:
    table.keys_must_be("device", "timeout_s", "pretimeout_s")
    device = Path(table.text("device"))
    if not device.is_absolute():
        raise table.fail("device", f"expected the path of a device such as /dev/watchdog, got {str(device)!r}")
    # below 2 s one slow write to a card would reset the board; above 600 s it is no watchdog for a driver
    timeout_s = table.whole("timeout_s", 2, 600)
    before = table.whole("pretimeout_s", 1, timeout_s - 1) if "pretimeout_s" in table else None
    return WatchdogSettings(device, timeout_s, before)


def _cabin(table: Table) -> Cabin:
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
