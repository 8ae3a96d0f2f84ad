"""0x19 as bytes: what is supported, what failed, what a snapshot holds."""

from __future__ import annotations

import pytest
from garage import START_NS, Garage

from watchkeeper.clock import NS_PER_S
from watchkeeper.supervisor.outputs import BoxCondition
from watchkeeper.supervisor.uds.troubles import TROUBLES
from watchkeeper.types import Cause, SystemState


def _failed(temperature_c: float | None = 61.4) -> Garage:
    """CameraLost since 70 s after the start, with a picture 20 ms old."""
    garage = Garage()
    garage.t_ns = START_NS + 70 * NS_PER_S
    garage.view.box = BoxCondition(temperature_c)
    garage.view.frames_sent = 3
    garage.picture(5)
    garage.show(SystemState.UNAVAILABLE, Cause.CAMERA_LOST)
    garage.diagnostics.observe(garage.t_ns, judging=True)
    return garage


def test_every_code_that_is_supported_is_listed_with_its_status() -> None:
    response = bytes.fromhex(_failed().ask("19 0A") or "")
    assert response[:3] == bytes((0x59, 0x0A, 0xFF))
    listed = {int.from_bytes(response[k : k + 3], "big"): response[k + 3] for k in range(3, len(response), 4)}
    assert list(listed) == [trouble.code for trouble in TROUBLES]
    assert listed[0x9A0431] == 0xAF
    assert set(listed.values()) == {0xAF, 0x50}


def test_by_mask_and_by_count() -> None:
    garage = _failed()
    assert garage.ask("19 02 01") == "59 02 FF 9A 04 31 AF"
    assert garage.ask("19 02 10") == "59 02 FF " + " ".join(
        f"{trouble.code.to_bytes(3, 'big').hex(' ').upper()} 50" for trouble in TROUBLES if trouble.code != 0x9A0431
    )
    assert garage.ask("19 01 01") == "59 01 FF 01 00 01"
    assert garage.ask("19 02 00") == "59 02 FF"


@pytest.mark.parametrize(("celsius", "byte"), [(61.4, "65"), (None, "FF"), (-60.0, "00"), (300.0, "FE")])
def test_a_snapshot_as_bytes(celsius: float | None, byte: str) -> None:
    garage = _failed(celsius)
    said = f"06 FD 20 04 FD 21 04 FD 22 00 00 00 14 FD 23 {byte} FD 24 00 00 00 46 FD 25 00 00 00 01"
    head = "59 04 9A 04 31 AF"
    assert garage.ask("19 04 9A 04 31 01") == f"{head} 01 {said}"
    assert garage.ask("19 04 9A 04 31 02") == f"{head} 02 {said}"
    assert garage.ask("19 04 9A 04 31 FF") == f"{head} 01 {said} 02 {said}"
    assert garage.ask("19 03") == "59 03 9A 04 31 01 9A 04 31 02"


def test_occurrences_and_aging_as_bytes() -> None:
    garage = _failed()
    head = "59 06 9A 04 31 AF"
    assert garage.ask("19 06 9A 04 31 01") == f"{head} 01 01"
    assert garage.ask("19 06 9A 04 31 02") == f"{head} 02 00"
    assert garage.ask("19 06 9A 04 31 FF") == f"{head} 01 01 02 00"
    assert garage.ask("19 06 9A 04 31 03") == "7F 19 31"
    assert garage.ask("19 06 9A 04 32 01") == "7F 19 31"
    assert garage.ask("19 06 9A 04 31") == "7F 19 13"


def test_a_memory_that_is_switched_off_notes_nothing_until_it_is_on() -> None:
    garage = Garage().extended()
    assert garage.ask("85 02") == "C5 02"
    garage.show(SystemState.UNAVAILABLE, Cause.CAMERA_LOST)
    garage.wait(0.2)
    assert garage.ask("19 01 01") == "59 01 FF 01 00 00"
    assert garage.ask("85 01") == "C5 01"
    garage.wait(0.2)
    assert garage.ask("19 01 01") == "59 01 FF 01 00 01"


def test_one_code_is_cleared_and_the_others_stay() -> None:
    garage = _failed()
    garage.show(SystemState.UNAVAILABLE, Cause.CAMERA_LOST, Cause.MODEL_INVALID)
    garage.wait(0.1)
    assert garage.ask("14 9A 04 31") == "54"
    assert garage.ask("19 02 01") == "59 02 FF 9A 11 45 AF"
