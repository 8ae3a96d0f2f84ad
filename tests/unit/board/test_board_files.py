"""Board and camera files: what is read, and what a wrong field is told."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from watchkeeper.board import (
    PRECISIONS,
    PREPROCESSORS,
    WatchdogSettings,
    board_names,
    load_board,
    read_board,
    read_camera,
)
from watchkeeper.board_budget import DEFAULT_SHARES_PCT, STAGES, Cpus
from watchkeeper.data import data_path
from watchkeeper.errors import BadInputError
from watchkeeper.inference.build_options import PRECISIONS as BUILDABLE
from watchkeeper.inference.build_options import BuildOptions
from watchkeeper.preprocess.backends import BACKENDS
from watchkeeper.runtime.settings import engine_options
from watchkeeper.trace.rows import STAGES as RECORDED
from watchkeeper.types import GazeZone

HOST = data_path("boards", "host", "board.toml")


def test_every_board_of_the_installation_reads() -> None:
    boards = [load_board(name) for name in board_names()]
    assert "host" in [board.name for board in boards]
    assert len({board.board_id for board in boards}) == len(boards)


def test_host_assumes_a_facing_camera_that_nobody_measured() -> None:
    camera = load_board("host").camera
    assert not camera.mounting_known
    assert camera.fx == pytest.approx(320 / math.tan(math.radians(30)))


def test_unknown_board_lists_the_known() -> None:
    with pytest.raises(BadInputError, match=r"--board jetsno: unknown board; known are .*host"):
        load_board("jetsno")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('board_id = 1', 'board_id = 300', r"board\.toml:3: board_id: expected a whole number from 0 to 255, got 300"),
        ('hfov_deg = 60.0', 'hfov_deg = nan', r"board\.toml:\d+: camera\.hfov_deg: expected a finite number"),
        ('width = 640', 'width = true', r"board\.toml:\d+: camera\.width: expected a finite number, got True"),
        ('engines = ["litert"]', 'engines = "litert"', r"board\.toml:\d+: engines: expected a list of texts"),
        ('name = "host"', 'name = ', r"board\.toml:2: expected TOML"),
        ('[budget]', '[budge]', r"board\.toml:\d+: budge: unknown field"),
        ('"passenger-car-left"', '"lorry"', r":\d+: geometry: expected one of passenger-car-left, passenger"),
        ('[budget]', '[cabin]\n[budget]', r":\d+: cabin: expected either this table or `geometry`, not both"),
        ('[budget]', '[hardware]\ndistributions = ["slackware"]\n[budget]', r"hardware\.distributions: expected some"),
        ('hfov_deg = 60.0', '', r"board\.toml:\d+: camera\.hfov_deg: expected a finite number, got None"),
        ('exposure_to_bus_ms = 95', 'exposure_to_bus_ms = 20', r"budget\.exposure_to_bus_ms: expected at least .*33"),
        ('exposure_to_bus_ms', 'exposure_to_buss_ms', r"budget\.exposure_to_buss_ms: unknown field; known are"),
        ('infer = 38', 'infer = 58', r"budget\.share_pct: expected shares that add up to 100 at most, got 115"),
        ('infer = 38', '', r"budget\.share_pct\.infer: expected a finite number, got None"),
        ('infer = 38', 'infer = -1', r"budget\.share_pct\.infer: expected a number from 0 to 100"),
        ('infer = 38', 'inference = 38', r"budget\.share_pct\.inference: unknown field"),
        ('[simulate]', '[cpus]\nvision = [2, 2]\n[simulate]', r"cpus\.vision: expected a list of different"),
        ('[simulate]', '[cpus]\nvision = [true]\n[simulate]', r"cpus\.vision: expected a list of different"),
        ('[simulate]', '[cpus]\ncamera = [2]\n[simulate]', r"cpus\.camera: unknown field; known are"),
        ('realtime = true', 'preprocess = "gpu"', r"preprocess: expected one of cpu, cuda, got 'gpu'"),
        ('[budget]', '[tensorrt]\nprecision = "fp8"\n[budget]', r"tensorrt\.precision: expected one of fp16, fp32"),
        ('[budget]', '[tensorrt]\ndla = 2\n[budget]', r"tensorrt\.dla: expected a number from 0 to 1, got 2"),
        ('[budget]', '[tensorrt]\ndla = 0.5\n[budget]', r"tensorrt\.dla: expected the number of a core, got 0\.5"),
        ('[budget]', '[tensorrt]\nprecision = "fp32"\ndla = 0\n[budget]', r"tensorrt\.dla: expected precision fp16 or"),
        ('[budget]', '[tensorrt]\nint8 = true\n[budget]', r"tensorrt\.int8: unknown field; known are precision, dla"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named_with_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = HOST.read_text()
    assert old in text
    path = tmp_path / "board.toml"
    path.write_text(text.replace(old, new))
    with pytest.raises(BadInputError, match=message) as caught:
        read_board(path)
    line = str(caught.value).split(":")[1]
    wrong = path.read_text().splitlines()[int(line) - 1]
    absent_or_sum = wrong.startswith("[")  # what is absent, or wrong as a whole, is told at its table's header
    assert wrong in text.replace(old, new)
    assert absent_or_sum or any(part and part in wrong for part in new.splitlines())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('driver_side = "left"', 'driver_side = "middle"', r":12: cabin\.driver_side: expected left or right"),
        ('lap = [', 'lapp = [', r"cabin\.zones\.lapp: unknown field"),
        ('road_ahead = [0.0, 0.0, 14.0, 11.0]', '', r":14: cabin\.zones\.road_ahead: expected this zone"),
        ('[cabin]', '[mounting]\nposition_mm = [0, 0, 1]\n[cabin]', r"mounting\.R_vehicle_to_camera: expected three"),
    ],
)  # fmt: skip
def test_a_wrong_field_of_a_vehicles_geometry_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = data_path("vehicles", "geometry", "passenger-car-left.toml").read_text()
    assert old in text
    path = tmp_path / "van.toml"
    path.write_text(text.replace(old, new))
    with pytest.raises(BadInputError, match=r"van\.toml.*" + message):
        read_board(HOST, path)


def test_a_geometry_with_a_measured_mounting(tmp_path: Path) -> None:
    path = tmp_path / "van.toml"
    mounting = "[mounting]\nR_vehicle_to_camera = [[1, 0, 0], [0, -1, 0], [0, 0, -1]]\nposition_mm = [10, -150, 650]\n"
    path.write_text(mounting + data_path("vehicles", "geometry", "passenger-car-left.toml").read_text())
    board = load_board("host", str(path))
    assert board.geometry == path
    assert board.camera.mounting_known
    assert board.camera.translation_mm == (-10.0, -150.0, 650.0)  # t = -R position
    assert board.camera.fx == load_board("host").camera.fx


def test_right_hand_drive_is_the_mirror_image() -> None:
    left = {zone.zone.name: zone for zone in load_board("host").cabin.zones}
    right = {zone.zone.name: zone for zone in load_board("host", "passenger-car-right").cabin.zones}
    assert load_board("host", "passenger-car-right").cabin.driver_side == "right"
    swapped = {"LEFT": "RIGHT", "RIGHT": "LEFT"}
    for name, zone in left.items():
        side, _, rest = name.partition("_")
        mirrored = right[f"{swapped[side]}_{rest}" if side in swapped else name]
        assert (mirrored.yaw_deg, mirrored.pitch_deg) == (-zone.yaw_deg, zone.pitch_deg)
        assert (mirrored.half_yaw_deg, mirrored.half_pitch_deg) == (zone.half_yaw_deg, zone.half_pitch_deg)


def test_unknown_geometry_lists_the_known() -> None:
    with pytest.raises(BadInputError, match=r"--geometry lorry: unknown geometry; known are passenger-car-left, pass"):
        load_board("host", "lorry")


def test_budget_and_cores_are_read_and_have_defaults(tmp_path: Path) -> None:
    board = load_board("host")
    assert tuple(kind.name.lower() for kind in RECORDED) == STAGES  # the recorder's, by the same names
    assert sum(board.budget.share_pct.values()) <= 100
    assert board.budget.share_ns("infer") == round(0.38 * 33e6)
    assert board.cpus == Cpus()
    text = HOST.read_text()
    path = tmp_path / "board.toml"
    shares = text[text.index("[budget.share_pct]") : text.index("# A webcam")]
    path.write_text(text.replace(shares, "[cpus]\nvision = [3, 2]\n").replace("exposure_to_bus_ms = 95.0", ""))
    board = read_board(path)
    assert board.cpus == Cpus(vision=(3, 2))
    assert board.budget.exposure_to_bus_ms == 93.0
    assert board.budget.share_pct == DEFAULT_SHARES_PCT


def _with_watchdog(tmp_path: Path, lines: str) -> Path:
    path = tmp_path / "board.toml"
    path.write_text(f"{HOST.read_text()}\n[watchdog]\n{lines}\n")
    return path


def test_a_boards_watchdog(tmp_path: Path) -> None:
    assert load_board("host").watchdog is None
    path = _with_watchdog(tmp_path, 'device = "/dev/watchdog0"\ntimeout_s = 15\npretimeout_s = 3')
    assert read_board(path).watchdog == WatchdogSettings(Path("/dev/watchdog0"), 15, 3)
    path = _with_watchdog(tmp_path, 'device = "/dev/watchdog0"\ntimeout_s = 15')
    assert read_board(path).watchdog == WatchdogSettings(Path("/dev/watchdog0"), 15, None)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("timeout_s = 10", r"watchdog\.device: expected a text, got None"),
        ('device = "watchdog0"\ntimeout_s = 10', r"watchdog\.device: expected the path of a device"),
        ('device = "/dev/watchdog"', r"watchdog\.timeout_s: expected a whole number from 2 to 600, got None"),
        ('device = "/dev/watchdog"\ntimeout_s = 1', r"timeout_s: expected a whole number from 2 to 600, got 1"),
        ('device = "/dev/watchdog"\ntimeout_s = 9.5', r"timeout_s: expected a whole number from 2 to 600, got 9\.5"),
        ('device = "/dev/watchdog"\ntimeout_s = 10\npretimeout_s = 10', r"pretimeout_s: expected .* from 1 to 9"),
        ('device = "/dev/watchdog"\ntimeout_s = 10\npre = 1', r"watchdog\.pre: unknown field; known are device"),
    ],
)  # fmt: skip
def test_a_watchdog_that_cannot_be_one_is_named(tmp_path: Path, lines: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        read_board(_with_watchdog(tmp_path, lines))


def test_camera_beside_a_rendered_clip() -> None:
    path = data_path("demo", "demo_drive.json")
    camera = read_camera(path)
    truth = json.loads(path.read_text())["camera"]
    assert camera.mounting_known
    assert camera.translation_mm == pytest.approx(truth["t_mm"], abs=0.05)
    assert (camera.fx, camera.cx) == (truth["fx"], truth["cx"])


def test_camera_with_a_reflection_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "camera.toml"
    path.write_text("[camera]\nwidth=640\nheight=480\nfx=700\nR_vehicle_to_camera=[[1,0,0],[0,1,0],[0,0,-1]]\n")
    with pytest.raises(BadInputError, match=r"camera\.R_vehicle_to_camera: expected a rotation, got a reflection"):
        read_camera(path)


def test_missing_camera_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"nowhere\.json: cannot be read: No such file"):
        read_camera(tmp_path / "nowhere.json")


def test_scaled_camera_keeps_its_field_of_view() -> None:
    camera = load_board("host").camera
    half = camera.scaled_to(320, 240)
    assert half.fx == pytest.approx(camera.fx / 2)
    assert (half.cx, half.cy) == (160, 120)


def test_zones_carry_the_roads_box() -> None:
    zones = {zone.zone: zone for zone in load_board("host").cabin.zones}
    assert zones[GazeZone.ROAD_AHEAD].half_yaw_deg == 14.0


def test_what_a_board_computes_with(tmp_path: Path) -> None:
    host = load_board("host")
    assert (host.preprocess, host.precision, host.dla) == ("cpu", "fp16", None)
    path = tmp_path / "board.toml"
    extra = 'preprocess = "cuda"\n\n[tensorrt]\nprecision = "int8"\ndla = 1\n\n[budget]'
    path.write_text(HOST.read_text().replace("[budget]", extra))
    board = read_board(path)
    assert (board.preprocess, board.precision, board.dla) == ("cuda", "int8", 1)
    assert set(PREPROCESSORS) <= set(BACKENDS)
    assert set(PRECISIONS) == set(BUILDABLE)
    assert engine_options(board, "tensorrt") == BuildOptions("int8", 1)
    assert engine_options(board, "litert") is None
