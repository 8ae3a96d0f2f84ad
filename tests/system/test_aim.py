"""`watchkeeper aim` whole: the packaged drive, a bus, a page, a report; and how it ends."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from watchkeeper.supervisor.bus import open_listener, open_node
from watchkeeper.supervisor.frames import CanFrame, Decoded, decode
from watchkeeper.types import Cause, SystemState

pytestmark = [pytest.mark.needs_models, pytest.mark.timeout(240)]

_SPEED_ID = 0x100
_VEHICLE = f"""
name = "test"
source = "this test"
[[message]]
name = "SPEED"
id = {_SPEED_ID}
length = 8
timeout_ms = 1000
[signal.Speed]
message = "SPEED"
start = 0
length = 16
order = "intel"
scale = 0.01
offset = 0
range = [0, 300]
"""


class Aim:
    """One `watchkeeper aim` with its page, heard on its bus."""

    def __init__(self, folder: Path, name: str, *options: str) -> None:
        self.bus_uri = f"virtual:aim-{os.getpid()}-{name}"
        self.bus = open_listener(self.bus_uri)
        self.report = folder / "report.json"
        self.err = (folder / "err").open("w+")
        command = [
            sys.executable, "-m", "watchkeeper", "aim", "--board", "host", "--can", self.bus_uri, "--page",
            "--report", str(self.report), *options,
        ]  # fmt: skip
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=self.err, stdin=subprocess.DEVNULL, cwd=folder
        )
        self.frames: list[Decoded] = []

    def said(self) -> str:
        """Its stderr so far."""
        return Path(self.err.name).read_text()

    def hear(self) -> None:
        """Take in what has come on the bus."""
        found = (decode(frame) for frame in self.bus.receive())
        self.frames += [frame for frame in found if frame is not None]

    def until(self, condition: Callable[[], Any]) -> Any:
        """Wait for it, hearing the bus."""
        end = time.monotonic() + 90
        while not (found := condition()):
            assert time.monotonic() < end, self.said()
            assert self.process.poll() is None, self.said()
            self.hear()
            time.sleep(0.02)
        return found

    def numbers(self) -> dict[str, Any]:
        """What the page gets; empty before the first picture."""
        match = self.until(lambda: re.search(r"page at http://127\.0\.0\.1:(\d+)/", self.said()))
        link = http.client.HTTPConnection("127.0.0.1", int(match[1]), timeout=10)
        link.request("GET", "/numbers.json")
        found: dict[str, Any] = json.loads(link.getresponse().read())
        link.close()
        return found

    def end(self) -> int:
        """Wait for its end; the exit status."""
        end = time.monotonic() + 60
        while self.process.poll() is None:
            assert time.monotonic() < end, self.said()
            self.hear()
            time.sleep(0.02)
        self.hear()
        return int(self.process.returncode)

    def verdicts(self) -> list[tuple[SystemState, Cause]]:
        """State and cause of each DMS_Status heard."""
        status = [f.values for f in self.frames if f.name == "DMS_Status"]
        return [(SystemState(int(v["SystemState"] or 0)), Cause(int(v["Cause"] or 0))) for v in status]

    def close(self) -> None:
        """Leave nothing behind; may be called again."""
        if self.err.closed:
            return
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.bus.close()
        self.err.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Aim]]:
    made: list[Aim] = []

    def begin(name: str, *options: str) -> Aim:
        made.append(Aim(tmp_path, name, *options))
        return made[-1]

    yield begin
    for aim in made:
        aim.close()


def _children(pid: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(path.parent.name))
    return found


def _sockets(pid: int) -> int:
    return sum(str(fd.readlink()).startswith("socket:") for fd in Path(f"/proc/{pid}/fd").iterdir())


_WELL = (SystemState.DEGRADED, Cause.CALIBRATING)


def test_it_measures_shows_and_ends_by_itself(start: Callable[..., Aim]) -> None:
    aim = start("limit", "--limit", "12")
    numbers = aim.until(lambda: (n := aim.numbers()).get("face") and n["bus"]["cause"] == "Calibrating" and n)
    # the driver looks ahead in the drive's first seconds; the camera is where its file says
    items = {item["item"]: item for item in numbers["items"]}
    assert {items[name]["verdict"] for name in ("drive side", "picture", "face", "across", "light", "tilt")} == {"pass"}
    assert items["mounting"]["verdict"] in ("pass", "warn"), items["mounting"]
    assert numbers["picture"] == {"width_px": 640, "height_px": 480}
    assert numbers["bus"] == {"state": "DEGRADED", "cause": "Calibrating"}
    # the page is this process's; vision, which has the picture, has no socket at all, the supervisor the bus's alone
    (supervisor,) = _children(aim.process.pid)
    (vision,) = _children(supervisor)
    assert _sockets(vision) == 0
    assert "watchkeeper-vision" in Path(f"/proc/{vision}/cmdline").read_text()
    status = aim.end()
    made = json.loads(aim.report.read_text())
    assert (made["ended"], status) == ("its time was over", 0 if made["verdict"] in ("pass", "warn") else 1)
    assert "commissioning has ended: its time is over" in aim.said()
    assert made["measured"]["distance_mm"]["median"] == pytest.approx(690, abs=90)
    assert made["measured"]["left_eye_width_px"]["median"] == pytest.approx(33, abs=10)
    # on the bus: Init, then Degraded / Calibrating from the first picture to the end, Standby while it ends
    shown = list(dict.fromkeys(aim.verdicts()))
    assert shown[0] == (SystemState.INIT, Cause.STARTING)
    assert _WELL in shown
    assert aim.verdicts()[-1] == (SystemState.STANDBY, Cause.NONE)
    assert {s for s, _ in shown} <= {
        SystemState.INIT,
        SystemState.DEGRADED,
        SystemState.STANDBY,
        SystemState.UNAVAILABLE,
    }
    calibrating = [f.values for f in aim.frames if f.name == "DMS_Status" and f.values["Cause"] == Cause.CALIBRATING]
    assert {(v["Calibration"], v["Profile"]) for v in calibrating} == {(0, None)}
    assert {f.values["VisualRequest"] for f in aim.frames if f.name == "DMS_Warning"} == {0}
    with pytest.raises(ConnectionRefusedError):
        aim.numbers()
    text = aim.report.read_text()
    assert len(text) < 20_000
    assert sorted(p.name for p in aim.report.parent.iterdir()) == ["err", "report.json"]


def test_it_refuses_and_ends_by_the_speed_on_the_bus(start: Callable[..., Aim], tmp_path: Path) -> None:
    vehicle = tmp_path / "vehicle.toml"
    vehicle.write_text(_VEHICLE)
    silent = start("silent", "--vehicle", str(vehicle))
    assert silent.end() == 1
    assert "no standstill known" in silent.said()
    assert json.loads(silent.report.read_text())["picture"] is None

    moving = start("moving", "--vehicle", str(vehicle))
    node = open_node(moving.bus_uri, receive=(), transmit={_SPEED_ID})
    centi = 500  # 5 km/h

    def speak() -> bool:
        node.send(CanFrame(_SPEED_ID, centi.to_bytes(2, "little") + bytes(6)))
        return False

    def ended() -> int:
        end = time.monotonic() + 60
        while moving.process.poll() is None:
            assert time.monotonic() < end, moving.said()
            speak()
            time.sleep(0.05)
        return int(moving.process.returncode)

    assert ended() == 1
    assert "the vehicle moves" in moving.said()
    assert json.loads(moving.report.read_text())["picture"] is None, "nobody looked through the camera"
    moving.close()

    centi = 0
    moving = start("moving", "--vehicle", str(vehicle))
    moving.until(lambda: speak() or moving.numbers().get("face"))
    centi = 30
    assert ended() == 1
    moving.hear()
    assert _WELL in moving.verdicts()
    assert "the vehicle moves" in moving.said()
    assert json.loads(moving.report.read_text())["ended"] == "the vehicle was not known to stand"
    node.close()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--limit", "0"], "--limit 0: expected seconds above 0"),
        (["--limit", "4000"], "at most 3600"),
        (["--report", "here.txt"], "--report here.txt: expected a name that ends in .json or .md"),
        (["--source", "nothing:0"], "unknown scheme 'nothing'"),
    ],
)
def test_bad_use_is_one_line(options: list[str], told: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "watchkeeper", "aim", "--board", "host", *options],
        capture_output=True, text=True, check=False, cwd=tmp_path, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout, told in done.stderr) == (2, "", True), done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
