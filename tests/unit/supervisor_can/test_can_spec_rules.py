"""The spec's lint, its record and what counts as a breaking change, and the files generated from it."""

from __future__ import annotations

import copy
import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import canmatrix.formats
import cantools
import pytest

from watchkeeper.cli import main
from watchkeeper.supervisor.c_header import header_text
from watchkeeper.supervisor.can_page import page_text
from watchkeeper.supervisor.dbc import dbc_text
from watchkeeper.supervisor.spec import MESSAGES, Message, Signal
from watchkeeper.supervisor.spec_change import Severity, compare, severity_of, spec_record, version_problem
from watchkeeper.supervisor.spec_lint import lint, overlaps
from watchkeeper.supervisor.vectors import vectors

ROOT = Path(__file__).resolve().parents[3]
RECORD = ROOT / "docs" / "can_spec.json"

_STATUS = MESSAGES["DMS_Status"]


def _status(**changes: Any) -> list[Message]:
    return [dataclasses.replace(_STATUS, **changes)]


def _first_signal(**changes: Any) -> list[Message]:
    first, *rest = _STATUS.signals
    return _status(signals=(dataclasses.replace(first, **changes), *rest))


def test_the_shipped_spec_is_sound() -> None:
    assert lint() == []


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ([_STATUS, dataclasses.replace(_STATUS, id_offset=9)], "two messages of this name"),
        ([_STATUS, dataclasses.replace(MESSAGES["DMS_Driver"], id_offset=0)], "identifier 0x3A0 is DMS_Status's too"),
        (_status(id_offset=0x7C0 - 0x3A0), "diagnostic"),
        (_status(id_offset=0x500), "expected 11 bits"),
        ([_STATUS, dataclasses.replace(MESSAGES["DMS_Driver"], data_ids=_STATUS.data_ids)], "Data ID 87 at counter 0"),
        (_status(data_ids=(1,) * 16), "every number once"),
        (_status(data_ids=tuple(range(15))), "expected 16 numbers"),
        (_status(cycle_ms=0), "cycle 0 ms"),
        (_status(cycle_ms=55), "cycle 55 ms"),
        (_status(receiver="DMS"), "receiver 'DMS'"),
        (_status(receiver="XXX"), "receiver 'XXX'"),
        (_status(comment=""), "expected a comment"),
        (_status(comment='a "quoted" word'), "double quotes"),
        (_status(name="DMS Status"), "expected a name"),
        (_status(signals=(*_STATUS.signals, _STATUS.signals[0])), "two signals of the name SystemState"),
        (_status(signals=(*_STATUS.signals, Signal("Big", 20, "too much"))), "Big ends at bit 70; the last one is 63"),
        (_first_signal(high=15), "SNA code 15: lies inside the range"),
        (_first_signal(sna=16), "SNA code 16: expected one that 4 bits can hold"),
        (_first_signal(start=9), "start value 9"),
        (_first_signal(low=5, high=5), "range 5 to 5"),
        (_first_signal(high=99), "range 0 to 99"),
        (_first_signal(scale=0.0), "scale 0"),
        (_first_signal(comment=" "), "expected a comment"),
        (_first_signal(values={0: "Init", 1: "Init"}), "value table"),
        (_first_signal(values={0: "In it"}), "value table"),
        (_first_signal(values={9: "Nine"}), "value 9 (Nine): outside the range"),
        (_first_signal(values={15: "Other"}), "its label is 'Other'"),
        (_first_signal(wraps=True), "rolling counter"),
        (_first_signal(sna=None, unit="s"), "expected an SNA code"),
        (_first_signal(bits=0), "0 bits"),
    ],
)
def test_lint_finds(messages: list[Message], said: str) -> None:
    assert any(said in problem for problem in lint(messages)), lint(messages)


def test_overlapping_bits_are_named() -> None:
    a, b = Signal("A", 4, "a"), Signal("B", 4, "b")
    assert list(overlaps([(12, a), (15, b)])) == ["B overlaps A"]
    assert list(overlaps([(12, a), (16, b)])) == []


def _changed(path: str, value: Any) -> dict[str, Any]:
    record: dict[str, Any] = copy.deepcopy(json.loads(json.dumps(spec_record())))
    *parents, last = path.split("/")
    inner = record["messages"]
    for parent in parents:
        inner = inner[parent]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return record


@pytest.mark.parametrize(
    ("path", "value", "severity"),
    [
        ("DMS_Status", None, Severity.BREAKING),
        ("DMS_Status/cycle_ms", 100, Severity.BREAKING),
        ("DMS_Status/id_offset", 7, Severity.BREAKING),
        ("DMS_Status/data_ids", [1] * 16, Severity.BREAKING),
        ("DMS_Status/receiver", "GW", Severity.BREAKING),
        ("DMS_Status/comment", "Other words", Severity.NONE),
        ("DMS_Status/signals/FrameAge", None, Severity.BREAKING),
        ("DMS_Status/signals/FrameAge/start_bit", 23, Severity.BREAKING),
        ("DMS_Status/signals/FrameAge/scale", 2.0, Severity.BREAKING),
        ("DMS_Status/signals/FrameAge/unit", "s", Severity.BREAKING),
        ("DMS_Status/signals/FrameAge/sna", 1022, Severity.BREAKING),
        ("DMS_Status/signals/FrameAge/high", 900, Severity.BREAKING),
        ("DMS_Status/signals/FrameAge/start", 0, Severity.COMPATIBLE),
        ("DMS_Status/signals/FrameAge/comment", "Other words", Severity.NONE),
        ("DMS_Status/signals/SystemState/values/2", "Running", Severity.BREAKING),
        ("DMS_Status/signals/SystemState/values/2", None, Severity.BREAKING),
        ("DMS_Status/signals/SystemState/values/6", "Asleep", Severity.COMPATIBLE),
        ("DMS_Status/signals/SystemState/high", 4, Severity.BREAKING),
        ("DMS_New", {"signals": {}}, Severity.COMPATIBLE),
        ("DMS_Status/signals/New", {"bits": 1}, Severity.COMPATIBLE),
    ],
)
def test_a_change_is_what_it_does_to_a_receiver(path: str, value: Any, severity: Severity) -> None:
    old, new = spec_record(), _changed(path, value)
    assert severity_of(compare(old, new)) is severity
    least = {Severity.NONE: [1, 0], Severity.COMPATIBLE: [1, 1], Severity.BREAKING: [2, 0]}[severity]
    assert (version_problem(old, new) is None) is (severity is Severity.NONE)
    assert version_problem(old, {**new, "contract_version": least}) is None
    if severity is Severity.BREAKING:
        problem = version_problem(old, {**new, "contract_version": [1, 9]})
        assert problem is not None
        assert "expected contract version 2.0" in problem


def test_the_recorded_contract_is_the_spec_or_the_version_says_otherwise() -> None:
    recorded = json.loads(RECORD.read_text())
    assert version_problem(recorded, spec_record()) is None, "see CONTRIBUTING, Change a signal"


def test_a_breaking_change_fails_the_command_and_does_not_replace_the_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tmp_path / "old.json"
    text = json.dumps(_changed("DMS_Status/signals/FrameAge/scale", 2.0))
    old.write_text(text)
    assert main(["dbc", "--against", str(old)]) == 1
    said = capsys.readouterr()
    assert "breaking   DMS_Status.FrameAge: scale was 2.0, is 1.0" in said.out
    assert "expected contract version 2.0" in said.err
    assert main(["dbc", "--as", "record", "--out", str(old)]) == 1
    assert old.read_text() == text


def test_lint_and_comparison_hold_for_what_is_shipped(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dbc", "--lint", "--against", str(RECORD)]) == 0
    assert "sound" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"messages": {"A": 1}}', '{"messages": {}, "contract_version": 1}'])
def test_a_file_that_is_no_record_is_one_line(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    assert main(["dbc", "--against", str(path)]) == 2
    assert "expected a record" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("path", "text"),
    [("docs/can.md", page_text), ("examples/receiver/dms_contract.h", header_text)],
)
def test_generated_files_are_current(path: str, text: Any) -> None:
    assert (ROOT / path).read_text() == text(), f"run: watchkeeper dbc --as ... --out {path}"


def test_the_page_shows_every_signal_code_and_data_id() -> None:
    page = page_text(0x200)
    for message in MESSAGES.values():
        assert f"## {message.name} (0x{message.frame_id(0x200):X}" in page
        assert ", ".join(map(str, message.data_ids)) in page
        for signal in message.signals:
            assert f"| `{signal.name}` |" in page
            assert signal.comment in page
            for raw, label in signal.labels.items():
                assert f"{raw} {label}" in page


def _through_canmatrix(text: str) -> Any:
    matrices = canmatrix.formats.load(io.BytesIO(text.encode()), "dbc")
    assert matrices is not None
    (matrix,) = matrices.values()
    return matrix


def test_canmatrix_reads_what_we_wrote() -> None:
    matrix = _through_canmatrix(dbc_text())
    for message in MESSAGES.values():
        frame = matrix.frame_by_name(message.name)
        assert frame.arbitration_id.id == message.frame_id()
        assert frame.size == 8
        assert frame.cycle_time == message.cycle_ms
        assert frame.transmitters == [message.sender]
        for signal in message.signals:
            theirs = frame.signal_by_name(signal.name)
            assert (theirs.size, theirs.is_signed, theirs.is_little_endian) == (signal.bits, signal.signed, True)
            assert (float(theirs.factor), float(theirs.offset)) == (signal.scale, signal.offset)
            assert theirs.receivers == [message.receiver]
            assert theirs.comment == signal.comment
            assert {int(raw): label for raw, label in theirs.values.items()} == signal.labels


def test_the_dbc_survives_cantools_and_canmatrix_and_still_decodes_the_vectors() -> None:
    first = cantools.database.load_string(dbc_text(), "dbc", strict=True)
    assert isinstance(first, cantools.database.Database)
    by_cantools = cantools.database.load_string(first.as_dbc_string(), "dbc", strict=True)
    out = io.BytesIO()
    canmatrix.formats.dump(_through_canmatrix(dbc_text()), out, "dbc")
    by_canmatrix = cantools.database.load_string(out.getvalue().decode(), "dbc", strict=True)
    matrix = _through_canmatrix(out.getvalue().decode())
    for again in (by_cantools, by_canmatrix):
        assert isinstance(again, cantools.database.Database)
        for row in vectors():
            data = bytes.fromhex(row["frame_hex"])
            wanted = first.decode_message(row["id"], data, decode_choices=False)
            assert again.decode_message(row["id"], data, decode_choices=False) == wanted
        for message in first.messages:
            copy_of = again.get_message_by_name(message.name)
            assert (copy_of.cycle_time, copy_of.send_type) == (message.cycle_time, message.send_type)
            assert copy_of.comment == message.comment
    for row in vectors():
        frame = matrix.frame_by_name(row["message"])
        theirs = frame.decode(bytes.fromhex(row["frame_hex"]))
        assert theirs["Counter"].raw_value == row["counter"]
        for name, value in row["signals"].items():
            if value is not None:
                assert float(theirs[name].phys_value) == pytest.approx(value)
