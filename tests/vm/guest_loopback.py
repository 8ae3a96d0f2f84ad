"""Runs inside the virtual machine: a clip from a v4l2loopback camera raises on vcan what it raises as a file.

PYTHONPATH=tests/faults guest_loopback.py OUT.json V4L2LOOPBACK.KO LAMP.mkv [--drive FROM_S TO_S]

The lamp's clip goes through the whole product, confined vision and all, in real time, with a vehicle that drives on the
same bus: as `file:`, then as `v4l2:` from the loopback device in NV12. Pictures of the clip are compared byte by byte
with what comes out of the device. --drive takes YUYV as well, and has the networks measure part of the packaged drive
both ways, in lock step: the traces' events are compared on the clip's own time.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import lamp
import numpy as np
from guest import make_vcan, sh
from guest_camera import well
from rig import Rig

from watchkeeper.capture.source import EndOfSource, open_source
from watchkeeper.capture.v4l2 import V4l2Source, parse
from watchkeeper.clock import NS_PER_S, now_ns
from watchkeeper.data import data_path
from watchkeeper.measurement_trace.writer import TraceWriter
from watchkeeper.supervisor.bus import open_node
from watchkeeper.supervisor.frames import Encoder
from watchkeeper.supervisor.spec import MESSAGES
from watchkeeper.types import VehicleSignals
from watchkeeper.types import Warning as DriverWarning

DEVICE = "/dev/video9"
_CODES = ("NV12", "YUYV")
_DRIVES = VehicleSignals(speed_kph=80.0)


@contextlib.contextmanager
def driving(vcan: str, speed_kph: float) -> Iterator[None]:
    """A vehicle at constant speed on the bus, 50 protected frames a second."""
    message = MESSAGES["VEH_Input"]
    bus, encoder, over = open_node(vcan, receive=(), transmit={message.frame_id()}), Encoder(), threading.Event()

    def speak() -> None:
        while not over.wait(0.02):
            if bus.send(encoder.encode("VEH_Input", {"Speed": speed_kph, "Ignition": 1, "SteeringAngle": 0.0})):
                encoder.sent("VEH_Input")

    thread = threading.Thread(target=speak)
    thread.start()
    yield
    over.set()
    thread.join()
    bus.close()


def warnings_of(rig: Rig) -> list[tuple[float, str, int]]:
    """(seconds since the first, warning, level) at each change."""
    rows: list[tuple[int, str, int]] = []
    for t_ns, frame in rig.frames():
        if frame.name == "DMS_Warning":
            now = DriverWarning(int(frame.values["ActiveWarning"] or 0)).label, int(frame.values["Level"] or 0)
            # a picture that an emulated processor was late with is StaleVision for a slot: no end of the warning
            if now[0] != "SystemUnavailable" and (not rows or rows[-1][1:] != now):
                rows.append((t_ns, *now))
    first = next((t_ns for t_ns, warning, _ in rows if warning != "None"), 0)
    return [(round((t_ns - first) / NS_PER_S, 2), warning, level) for t_ns, warning, level in rows if t_ns >= first]


def through_the_product(vcan: str, source: str, clip: Path, code: str | None) -> dict[str, Any]:
    """The lamp's clip by one source; code: of the loopback device that is fed meanwhile."""
    folder = Path(tempfile.mkdtemp())
    vision = (
        sys.executable, "-m", "watchkeeper.runtime.confined", "watchkeeper-vision", "--board", "host",
        "--source", source, "--glass-test", "--realtime",
    )  # fmt: skip
    lasts_s = sum(a + b for a, b in lamp.LIT_AND_DARK_S)
    feeder, go = None, folder / "go"
    if code is not None:
        feeder = subprocess.Popen([sys.executable, lamp.__file__, str(clip), DEVICE, code, str(go)])
        time.sleep(8)  # Python's start under emulation: without pictures the device has no format
    rig = Rig(folder, (), vision, vcan)
    try:
        began_ns = rig.first(0, well)
        go.touch()
        while now_ns() - began_ns < (lasts_s + 2) * NS_PER_S and rig.process.poll() is None:
            time.sleep(0.5)
        return {"source": source.partition("?")[0], "format": code, "warnings": warnings_of(rig)}
    finally:
        if feeder is not None:
            feeder.kill()
            feeder.wait()
        rig.process.terminate()
        rig.end()
        rig.close()


def _opened(code: str, size: tuple[int, int], picture: bytes) -> tuple[int, V4l2Source]:
    """The device's two ends: a camera is one only once a first picture has been written, which is read and let go."""
    fd = lamp.open_output(DEVICE, code, *size)
    os.write(fd, picture)
    source = V4l2Source(parse(f"{DEVICE}?format={code}"), paced=False, clock=now_ns)
    first = source.next(5.0)
    if first is not None:
        first.release()
    return fd, source


def same_bytes(clip: Path, code: str, pictures: int) -> dict[str, Any]:
    """Pictures of a clip written to the device and read back by the product's source, in lock step."""
    same = 0
    source: V4l2Source | None = None
    fd = -1
    for _, picture in itertools.islice(lamp.pictures(clip, code), pictures):
        if source is None:
            fd, source = _opened(code, lamp.SIZE, picture.tobytes())
        os.write(fd, picture.tobytes())
        lease = source.next(5.0)
        assert lease is not None
        with lease:
            found = b"".join(bytes(memoryview(plane)) for plane in lease.frame.planes)
        same += found[: picture.nbytes] == picture.tobytes()
    assert source is not None
    source.close()
    os.close(fd)
    return {"format": code, "pictures": pictures, "identical": same, "copied": source.copied_bytes}


def drive_traces(clip: Path, from_s: float, to_s: float, folder: Path) -> None:
    """`file.jsonl` and `loopback.jsonl`: the same part of a drive measured by the networks, as a file and as it comes
    out of the device, each picture with the clip's own time."""
    from watchkeeper.runtime.open_perception import perception_for
    from watchkeeper.runtime.settings import resolve

    settings = resolve("host", "demo:", None, None)
    with (
        perception_for(settings) as one, perception_for(settings) as other,
        TraceWriter(folder / "file.jsonl") as as_file, TraceWriter(folder / "loopback.jsonl") as as_camera,
    ):  # fmt: skip
        film = open_source(f"file:{clip}", paced=False)
        camera, fd = None, -1
        while True:
            try:
                lease = film.next(5.0)
            except EndOfSource:
                break
            assert lease is not None
            with lease:
                frame = lease.frame
                if not from_s * NS_PER_S <= frame.t_ns < to_s * NS_PER_S:
                    continue
                y, u, v = (
                    np.frombuffer(plane, np.uint8).reshape(-1, stride)
                    for plane, stride in zip(frame.planes, frame.strides, strict=True)
                )
                w, h = frame.width, frame.height
                chroma = np.stack([u[: h // 2, : w // 2], v[: h // 2, : w // 2]], axis=-1)
                picture = np.concatenate([y[:h, :w].reshape(-1), chroma.reshape(-1)])
                as_file.write(one.process(frame), _DRIVES)
                if camera is None:
                    fd, camera = _opened("NV12", (w, h), picture.tobytes())
                os.write(fd, picture.tobytes())
                seen = camera.next(5.0)
                assert seen is not None
                with seen:
                    same = replace(seen.frame, t_ns=frame.t_ns, seq=frame.seq, color=frame.color)
                    as_camera.write(other.process(same), _DRIVES)
        film.close()
        if camera is not None:
            camera.close()


def main() -> None:
    """All of it in one boot."""
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("module", type=Path)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--drive", nargs=2, type=float, metavar=("FROM_S", "TO_S"))
    args = parser.parse_args()
    # Landlock knows files by their inodes, and the shared folder (9p, not cached) makes new ones at each look
    clip = Path(shutil.copy(args.clip, tempfile.mkdtemp()))
    vcan = make_vcan()
    sh(f"modprobe videodev && insmod {args.module} video_nr=9 card_label=test exclusive_caps=0")
    rows: dict[str, Any] = {"bytes": [same_bytes(clip, code, 30) for code in _CODES]}
    print(json.dumps(rows), flush=True)
    with driving(vcan, 80.0):
        rows["runs"] = [through_the_product(vcan, f"file:{clip}", clip, None)]
        for code in _CODES if args.drive else _CODES[:1]:
            rows["runs"].append(through_the_product(vcan, f"v4l2:{DEVICE}?format={code}", clip, code))
            print(json.dumps(rows["runs"][-1]), flush=True)
    if args.drive:
        from_s, to_s = args.drive
        drive_traces(data_path("demo", "demo_drive.mp4"), from_s, to_s, args.out.parent)
    args.out.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
