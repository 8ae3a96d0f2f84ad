"""What vision may open: by source, engine and options."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from watchkeeper.confine.landlock import DEVICE, Access, Rule, handled
from watchkeeper.errors import BadInputError
from watchkeeper.runtime import policy
from watchkeeper.runtime.policy import DATA_LIMIT_BYTES, Policy, policy_for
from watchkeeper.runtime.vision_options import vision_options

WRITING = Access.WRITE_FILE | Access.MAKE_REG | Access.TRUNCATE | Access.REMOVE_FILE


def made(source: str = "demo:", engine: str = "litert", trace_out: Path | None = None) -> Policy:
    return policy_for(told("--board", "host", "--source", source, "--engine", engine, trace_out=trace_out))


def told(*options: str, trace_out: Path | None = None) -> argparse.Namespace:
    more = () if trace_out is None else ("--trace-out", str(trace_out))
    return vision_options(["watchkeeper-vision", *options, *more, "--state-fd", "3", "--vehicle-fd", "4"])


def written(of: Policy) -> set[Path]:
    return {rule.path for rule in of.rules if rule.access & WRITING}


def may_read(of: Policy, path: Path) -> bool:
    return any(rule.access & Access.READ_FILE and (path == rule.path or rule.path in path.parents) for rule in of.rules)


def test_nothing_is_writable_but_the_devices_that_swallow() -> None:
    assert written(made()) == {Path(f"/dev/{name}") for name in ("null", "zero", "urandom", "random")}
    assert not any(rule.access & Access.MAKE_REG for rule in made().rules)


def test_a_recording_of_times_opens_its_folder_alone(tmp_path: Path) -> None:
    assert written(made(trace_out=tmp_path / "drive.ring")) - written(made()) == {tmp_path}


def test_homes_keys_and_other_processes_stay_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")  # as a service is started; `-m` puts it into sys.path
    monkeypatch.syspath_prepend("/")
    for path in ("/etc/shadow", "/var/lib/watchkeeper/unit.key", "/proc/1/mem", "/dev/sda", "/dev/video0", "/run/x"):
        assert not may_read(made(), Path(path)), path


def test_a_clip_is_the_only_file_of_its_folder() -> None:
    confined = made("file:/media/drive/clip.mp4")
    assert may_read(confined, Path("/media/drive/clip.mp4"))
    assert not may_read(confined, Path("/media/drive/other.mp4"))


def test_devices_are_those_of_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "_matching", lambda pattern: [Path(pattern)])
    assert Rule(Path("/dev/video*"), DEVICE) in made("v4l2:/dev/video0").rules
    assert Rule(Path("/dev/nv*"), DEVICE) not in made("v4l2:/dev/video0").rules
    gpu = made("v4l2:/dev/video0", engine="tensorrt")
    assert Rule(Path("/dev/nv*"), DEVICE) in gpu.rules
    assert gpu.data_limit_bytes is None
    assert made().data_limit_bytes == DATA_LIMIT_BYTES
    assert made("csi:0").local_sockets
    assert not made("v4l2:/dev/video0").local_sockets


def test_an_unknown_board_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no-such-board"):
        policy_for(told("--board", "no-such-board"))


def test_rights_a_kernel_does_not_know_are_not_named() -> None:
    assert [handled(version) for version in (1, 2, 3, 4, 5)] == [
        Access(0x1FFF), Access(0x3FFF), Access(0x7FFF), Access(0x7FFF), Access(0xFFFF),
    ]  # fmt: skip
