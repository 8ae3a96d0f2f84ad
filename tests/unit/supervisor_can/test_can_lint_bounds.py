"""The lint of the spec right at its bounds: what it lets pass and what not."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from watchkeeper.supervisor.spec import MESSAGES, Message, Signal
from watchkeeper.supervisor.spec_lint import lint

_STATUS = MESSAGES["DMS_Status"]


def _said(word: str, **changes: Any) -> bool:
    return any(word in problem for problem in lint([dataclasses.replace(_STATUS, **changes)]))


def _said_of(word: str, signal: Signal) -> bool:
    return _said(word, signals=(signal,))


@pytest.mark.parametrize(
    ("cycle_ms", "sound"), [(10, True), (20, True), (1000, True), (0, False), (1010, False), (15, False), (11, False)]
)
def test_cycles_are_10_to_1000_ms_in_steps_of_10(cycle_ms: int, sound: bool) -> None:
    assert _said("cycle", cycle_ms=cycle_ms) is not sound


@pytest.mark.parametrize(("name", "sound"), [("A" * 32, True), ("A" * 33, False), ("_a9", True), ("9a", False)])
def test_a_symbol_has_32_characters_at_most(name: str, sound: bool) -> None:
    assert _said("at most 32 letters", name=name) is not sound
    assert _said_of("at most 32 letters", Signal(name, 4, "a")) is not sound


@pytest.mark.parametrize(("bits", "sound"), [(0, False), (1, True), (32, True), (33, False)])
def test_a_signal_has_1_to_32_bits(bits: int, sound: bool) -> None:
    assert _said_of("expected 1 to 32", Signal("A", bits, "a")) is not sound


def test_units_and_comments_are_printable_ascii_without_quotes() -> None:
    for text, sound in (("km/h", True), ("\u00b0", False), ('"', False)):
        assert _said_of("unit", Signal("A", 4, "a", unit=text, sna=15)) is not sound
    for text, sound in (("a b", True), ("a\u00b0", False), ('a"', False), ("a\n", False), (" ", False)):
        assert _said("omment", comment=text) is not sound


@pytest.mark.parametrize(("scale", "sound"), [(0.001, True), (0.0, False), (-1.0, False)])
def test_a_scale_is_above_nought(scale: float, sound: bool) -> None:
    assert _said_of("scale", Signal("A", 4, "a", scale=scale)) is not sound


@pytest.mark.parametrize(
    ("signal", "sound"),
    [
        (Signal("A", 4, "a", low=0, high=15), True), (Signal("A", 4, "a", low=0, high=16), False),
        (Signal("A", 4, "a", low=-1, high=15, start=0), False), (Signal("A", 4, "a", low=5, high=5, start=5), False),
        (Signal("A", 4, "a", low=5, high=6, start=5), True), (Signal("A", 4, "a", signed=True, low=-8, high=7), True),
        (Signal("A", 4, "a", signed=True, low=-9, high=7), False),
        (Signal("A", 4, "a", signed=True, low=-8, high=8), False),
    ],
)  # fmt: skip
def test_a_range_is_what_the_bits_can_hold(signal: Signal, sound: bool) -> None:
    assert _said_of("range", signal) is not sound


@pytest.mark.parametrize(
    ("sna", "signed", "holds", "inside"),
    [(15, False, True, False), (16, False, False, False), (10, False, True, True), (11, False, True, False),
     (-8, True, True, False), (-9, True, False, False), (-1, False, False, False)],
)  # fmt: skip
def test_an_sna_code_fits_the_bits_and_lies_outside_the_range(
    sna: int, signed: bool, holds: bool, inside: bool
) -> None:
    signal = Signal("A", 4, "a", sna=sna, signed=signed, low=0, high=7 if signed else 10)
    assert _said_of("expected one that 4 bits can hold", signal) is not holds
    assert _said_of("lies inside the range", signal) is inside


@pytest.mark.parametrize(("start", "sound"), [(2, True), (5, True), (1, False), (6, False), (15, True), (14, False)])
def test_a_start_value_is_of_the_range_or_the_sna_code(start: int, sound: bool) -> None:
    assert _said_of("start value", Signal("A", 4, "a", sna=15, low=2, high=5, start=start)) is not sound


@pytest.mark.parametrize(("raw", "sound"), [(2, True), (5, True), (1, False), (6, False), (15, True)])
def test_labels_are_of_the_range_or_the_sna_code(raw: int, sound: bool) -> None:
    signal = Signal("A", 4, "a", sna=15, low=2, high=5, values={raw: "SNA" if raw == 15 else "Label"})
    assert _said_of("outside the range", signal) is not sound


def test_the_last_bit_is_63() -> None:
    def ends(bits: int) -> bool:
        return _said("ends at bit", signals=(Signal("A", 32, "a"), Signal("B", bits, "b")))

    assert (ends(20), ends(21)) == (False, True)


def _at(offset: int) -> list[str]:
    message: Message = dataclasses.replace(_STATUS, id_offset=offset)
    return lint([message])


def test_identifiers_have_11_bits() -> None:
    assert _at(0x7FF - 0x3A0) == []
    assert any("11 bits" in problem for problem in _at(0x800 - 0x3A0))
    assert _at(-0x3A0) == []
    assert any("11 bits" in problem for problem in _at(-0x3A1))
