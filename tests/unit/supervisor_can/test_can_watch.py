"""The verdicts of `can watch`, and the three commands as a user calls them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from watchkeeper.cli import main
from watchkeeper.supervisor.bus import open_bus
from watchkeeper.supervisor.candump import format_line
from watchkeeper.supervisor.frames import CanFrame, Encoder
from watchkeeper.supervisor.spec import TRANSMITTED, dbc_hash
from watchkeeper.supervisor.watch import Watch

_MS = 1_000_000


def _traffic(duration_ms: int, base_id: int = 0x3A0) -> list[tuple[int, CanFrame]]:
    """A faultless sender's frames: (t_ns, frame)."""
    encoder, frames = Encoder(base_id), []
    for t_ms in range(0, duration_ms, 50):
        for message in TRANSMITTED:
            if t_ms % message.cycle_ms == 0:
                frames.append((t_ms * _MS, encoder.encode(message.name, {})))
                encoder.sent(message.name)
    return frames


def _summary(frames: list[tuple[int, CanFrame]]) -> dict[str, Any]:
    watch = Watch()
    for t_ns, frame in frames:
        watch.step(frame, t_ns)
    return {name: dict(summary) for name, summary in watch.summary().items()}


def test_a_faultless_sender_holds() -> None:
    summary = _summary(_traffic(5000))
    assert set(summary) == {message.name for message in TRANSMITTED}
    assert {message["verdict"] for message in summary.values()} == {"ok"}
    assert summary["DMS_Status"] == {
        "n": 100, "crc_errors": 0, "counter_errors": 0, "cycle_ms_p50": 50.0, "cycle_ms_max": 50.0,
        "deviation_p99_pct": 0.0, "verdict": "ok",
    }  # fmt: skip


@pytest.mark.parametrize(("said", "holds"), [(0, True), (dbc_hash(), True), (dbc_hash() ^ 1, False)])
def test_another_contract_on_the_bus_does_not_hold(said: int, holds: bool) -> None:
    verdict = _summary([(0, Encoder().encode("DMS_Identity", {"DbcHash": said}))])["DMS_Identity"]["verdict"]
    assert (verdict == "ok") is holds
    assert holds or f"another contract: 0x{said:06X} instead of 0x{dbc_hash():06X}" in verdict


def test_bus_load_is_the_bits_between_the_first_frame_and_the_last() -> None:
    # a remote end of 8-byte frames every millisecond: 111 bits each, 135 with every stuff bit there can be
    watch = Watch()
    for t_ms in range(1001):
        watch.step(CanFrame(0x123, bytes(8)), t_ms * _MS)
    load = watch.load()
    assert (load["load_pct"], load["load_worst_pct"]) == (22.2, 27.0)
    assert (load["frames"], load["bits"], load["bit_rate"]) == (1001, 1001 * 111, 500_000)
    assert watch.load(250_000)["load_pct"] == 44.4
    assert Watch().load()["load_pct"] is None


def test_deviation_is_what_one_gap_in_a_hundred_exceeds() -> None:
    frames = [(t + (5 * _MS if t % (20 * 50 * _MS) == 0 else 0), f) for t, f in _traffic(20000) if f.id == 0x3A0]
    assert _summary(frames)["DMS_Status"]["deviation_p99_pct"] == 10.0


def test_a_skipped_slot_is_no_fault() -> None:
    # the counter steps with what went out, so a skipped slot is one longer gap and nothing else
    encoder, frames = Encoder(), []
    for t_ms in (0, 50, 100, 200, 250):
        frames.append((t_ms * _MS, encoder.encode("DMS_Status", {})))
        encoder.sent("DMS_Status")
    status = _summary(frames)["DMS_Status"]
    assert (status["verdict"], status["cycle_ms_max"]) == ("ok", 100.0)


def test_a_lost_frame_is_a_counter_error() -> None:
    frames = [f for n, f in enumerate(_traffic(5000)) if n != 60]
    verdicts = [m["verdict"] for m in _summary(frames).values() if m["counter_errors"]]
    assert verdicts == ["counter jumps: 1"]


def test_a_damaged_frame_is_a_crc_error_and_not_shown() -> None:
    frames = _traffic(5000)
    at = next(n for n, (t, f) in enumerate(frames) if f.id == 0x3A1 and t > 0)
    t_ns, frame = frames[at]
    frames[at] = (t_ns, CanFrame(frame.id, frame.data[:2] + b"\xff" + frame.data[3:]))
    warning = _summary(frames)["DMS_Warning"]
    assert warning["crc_errors"] == 1
    assert "wrong CRC: 1" in warning["verdict"]


@pytest.mark.parametrize(("factor", "holds"), [(0.8, False), (0.95, True), (1.05, True), (1.2, False)])
def test_another_cycle_time_does_not_hold(factor: float, holds: bool) -> None:
    summary = _summary([(int(t * factor), f) for t, f in _traffic(5000)])
    assert (summary["DMS_Status"]["verdict"] == "ok") is holds


@pytest.mark.parametrize(("gap_ms", "holds"), [(500, True), (501, False)])
def test_silence_beyond_a_receivers_time_out_does_not_hold(gap_ms: int, holds: bool) -> None:
    late = (gap_ms - 50) * _MS
    frames = [(t + (late if t >= 1000 * _MS else 0), f) for t, f in _traffic(5000)]
    assert (_summary(frames)["DMS_Status"]["verdict"] == "ok") is holds


def test_a_missing_message_does_not_hold() -> None:
    summary = _summary([(t, f) for t, f in _traffic(5000) if f.id != 0x3A3])
    assert summary["DMS_Geometry"]["verdict"] == "missing"


def test_silence_does_not_hold() -> None:
    assert {m["verdict"] for m in _summary([]).values()} == {"missing"}


def test_messages_not_due_yet_are_not_missed() -> None:
    summary = _summary([(t, f) for t, f in _traffic(1000) if f.id < 0x3A4])
    assert set(summary) == {"DMS_Status", "DMS_Warning", "DMS_Driver", "DMS_Geometry"}


def _write(path: Path, frames: list[tuple[int, CanFrame]]) -> Path:
    path.write_text("".join(format_line(t, "can0", f) + "\n" for t, f in frames))
    return path


def test_command_on_a_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    foreign = [(6000 * _MS, CanFrame(0x123, b"\1"))]
    path = _write(tmp_path / "can.log", _traffic(5000) + foreign)
    assert main(["can", "watch", "--log", str(path), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["holds"] is True
    assert result["other_frames"] == 1
    assert 1.2 < result["bus"]["load_pct"] < result["bus"]["load_worst_pct"] < 2.5
    assert result["messages"]["DMS_Geometry"]["n"] == 50
    assert main(["can", "watch", "--log", str(path)]) == 0
    text = capsys.readouterr().out
    assert "SystemState=Init Cause=Starting FrameAge=SNA" in text
    assert "frames with other identifiers: 1" in text


def test_command_on_a_bad_log_exits_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = _write(tmp_path / "can.log", _traffic(5000)[:-5] + _traffic(50))
    assert main(["can", "watch", "--log", str(path), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["holds"] is False


def test_command_follows_the_base_id(tmp_path: Path) -> None:
    path = _write(tmp_path / "can.log", _traffic(5000, 0x500))
    assert main(["can", "watch", "--log", str(path), "--base-id", "0x500", "--json"]) == 0
    assert main(["can", "watch", "--log", str(path), "--json"]) == 1


def test_command_on_a_live_bus(capsys: pytest.CaptureFixture[str]) -> None:
    uri = f"virtual:test-watch-{os.getpid()}"
    bus, encoder, stop = open_bus(uri), Encoder(), threading.Event()

    def send() -> None:
        while not stop.wait(0.02):
            if bus.send(encoder.encode("DMS_Status", {})):
                encoder.sent("DMS_Status")

    sender = threading.Thread(target=send)
    sender.start()
    try:
        status = main(["can", "watch", "--can", uri, "--duration", "0.5", "--json"])
    finally:
        stop.set()
        sender.join()
        bus.close()
    result = json.loads(capsys.readouterr().out)
    seen = result["messages"]["DMS_Status"]
    assert seen["n"] > 2
    assert (seen["crc_errors"], seen["counter_errors"]) == (0, 0)
    assert status == 1  # the other messages are missing, and 20 ms is not the contract's cycle


def test_interrupted_watch_still_sums_up() -> None:
    uri = f"virtual:test-interrupt-{os.getpid()}"
    command = [sys.executable, "-m", "watchkeeper", "can", "watch", "--can", uri, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        while child.poll() is None and not _listening(uri):
            time.sleep(0.01)
        time.sleep(0.2)
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=30)
    assert child.returncode == 130
    assert json.loads(out)["holds"] is False


def _listening(uri: str) -> bool:
    return f"@watchkeeper-can:{uri.partition(':')[2]}:" in Path("/proc/net/unix").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--log", "/nonexistent.log"], "/nonexistent.log: cannot be read"),
        (["--log", "a.log", "--can", "virtual:x"], "--log and --can"),
        (["--can", "foo:x"], "unknown bus"),
        (["--can", "virtual:x", "--duration", "nan"], "--duration"),
        (["--can", "virtual:x", "--duration", "-1"], "--duration"),
        (["--log", "a.log", "--base-id", "0x7f8"], "base id"),
    ],
)
def test_bad_use_is_one_line_and_exit_2(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["can", "watch", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert len(captured.err.splitlines()) == 1


def test_dbc_to_stdout_and_to_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "dms.dbc"
    assert main(["dbc", "--base-id", "0x400"]) == 0
    text = capsys.readouterr().out
    assert "BO_ 1024 DMS_Status: 8 DMS" in text
    assert main(["dbc", "--base-id", "1024", "--out", str(out)]) == 0
    assert out.read_text() == text
    assert list(tmp_path.iterdir()) == [out]


def test_dbc_that_cannot_be_written_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dbc", "--out", str(tmp_path / "none" / "x.dbc")]) == 2
    assert "cannot be written" in capsys.readouterr().err
    out = tmp_path / "x.dbc"
    assert main(["dbc", "--out", str(out), "--base-id", "0x7f1"]) == 2
    assert not out.exists()


def test_vectors_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["vectors"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["message"] for row in rows} >= {message.name for message in TRANSMITTED}
    assert main(["vectors", "--base-id", "0x7f8"]) == 2


@pytest.mark.parametrize(
    ("message", "values", "text"),
    [
        ("DMS_Status", {"FrameRate": 15.0, "FrameAge": 33}, "FrameAge=33ms Calibration=SNA FrameRate=15/s"),
        ("DMS_Identity", {"DbcHash": 0x7D6A53}, "DbcHash=8219219 "),
        ("DMS_Geometry", {"HeadYaw": -12.25}, "HeadYaw=-12.25deg HeadPitch=SNA"),
        ("DMS_Warning", {"ActiveWarning": 5, "Level": 3, "Age": 1.5}, "ActiveWarning=Microsleep Level=urgent"),
    ],
)
def test_values_are_shown_with_label_or_unit(
    message: str, values: dict[str, float | None], text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _write(tmp_path / "can.log", [(0, Encoder().encode(message, values))])
    assert main(["can", "watch", "--log", str(path)]) == 1  # the others are missing
    assert text in capsys.readouterr().out
