"""What a factory provisions: key, serial number, state folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchkeeper.board import load_board
from watchkeeper.errors import BadInputError
from watchkeeper.supervisor.bus import Bus
from watchkeeper.supervisor.bus_virtual import VirtualPort
from watchkeeper.supervisor.uds.diagnostics import Diagnostics
from watchkeeper.supervisor.uds.setup import DiagnosticsSetup, state_folder

_URI = "virtual:provisioning"


def _build(folder: Path | None) -> Diagnostics:
    bus = Bus(_URI, lambda: VirtualPort(_URI, "provisioning", None, False), receive=(), transmit=())
    try:
        return DiagnosticsSetup(_URI).build(bus, load_board("host"), 0x3A0, 0, folder)
    finally:
        bus.close()


def _ask(unit: Diagnostics, *requests: str) -> list[str]:
    responses = [unit.server.step(bytes.fromhex(request), unit.view.t_ns) for request in requests]
    return [response.hex() if response is not None else "" for response in responses]


def _key_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "unit.key"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_provisioned_unit(tmp_path: Path) -> None:
    _key_file(tmp_path, "ab" * 32 + "\n")
    (tmp_path / "unit.serial").write_text("WK-42\n")
    unit = _build(tmp_path)
    try:
        serial, _, seed = _ask(unit, "22f18c", "1003", "2701")
        assert serial == "62f18c" + b"WK-42".hex()
        assert seed.startswith("6701")
        assert seed != "6701" + "00" * 16
    finally:
        unit.close()


@pytest.mark.parametrize("folder", [True, False])
def test_without_a_key_security_access_is_refused(tmp_path: Path, folder: bool) -> None:
    unit = _build(tmp_path if folder else None)
    try:
        assert _ask(unit, "1003", "2701")[1] == "7f2722"
    finally:
        unit.close()


@pytest.mark.parametrize("text", ["", "ab" * 31, "ab" * 33, "zz" * 32, "\N{GREEK SMALL LETTER ALPHA}" * 64])
def test_a_bad_key_is_named_and_never_shown(tmp_path: Path, text: str) -> None:
    path = _key_file(tmp_path, text)
    with pytest.raises(BadInputError, match="expected 64 hex digits") as caught:
        _build(tmp_path)
    assert str(path) in str(caught.value)
    assert not text or text not in str(caught.value)


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    _key_file(tmp_path, "ab" * 32, 0o640)
    with pytest.raises(BadInputError, match="only its owner"):
        _build(tmp_path)


@pytest.mark.parametrize("text", ["x" * 33, "a\tb", "\N{GREEK SMALL LETTER ALPHA}"])
def test_a_bad_serial_number_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "unit.serial").write_text(text, encoding="utf-8")
    with pytest.raises(BadInputError, match=r"unit\.serial"):
        _build(tmp_path)


def test_the_folder_is_the_option_else_systemds_else_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    assert state_folder(None) is None
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/watchkeeper:/var/lib/other")
    assert state_folder(None) == Path("/var/lib/watchkeeper")
    assert state_folder(tmp_path) == tmp_path
