"""Lines as drivers write them find their symptom and no other; the numpy marks are those of real modules."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from watchkeeper.commands.checks import FAIL, TABLE, WARN, libraries
from watchkeeper.commands.checks.symptoms import GROUPS, SYMPTOMS, found_in
from watchkeeper.commands.checks.tree import Tree
from watchkeeper.commands.doctor_page import page

ROOT = Path(__file__).resolve().parents[3]
_TEXT = (ROOT / "tests/data/doctor/logs/messages.txt").read_text()
MESSAGES = [tuple(line.split(" | ", 1)) for line in _TEXT.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize(("name", "line"), MESSAGES)
def test_a_line_finds_its_symptom_alone(name: str, line: str) -> None:
    hits = [hit for group in GROUPS for hit in found_in(line, group)]
    # a killed vision is also a lack of memory; what is told first is the graver one
    assert [symptom.name for symptom, _, _ in hits][:1] == ([] if name == "-" else [name])
    assert {symptom.group for symptom, _, _ in hits} <= {s.group for s in SYMPTOMS if s.name == name}


def test_every_symptom_has_a_line() -> None:
    assert {name for name, _ in MESSAGES} - {"-"} == {symptom.name for symptom in SYMPTOMS}
    assert {symptom.status for symptom in SYMPTOMS} == {FAIL, WARN}
    assert {name for group, name, _ in TABLE if group == "logs"} == set(GROUPS)
    assert all(symptom.action and symptom.meaning for symptom in SYMPTOMS)


def test_the_gravest_comes_first_and_is_counted() -> None:
    log = "\n".join(line for name, line in MESSAGES if name in ("receive-overflow", "bus-off"))
    symptoms = found_in(log, "can-log")
    assert [(symptom.name, count) for symptom, _, count in symptoms] == [("bus-off", 2), ("receive-overflow", 1)]


def test_real_modules_carry_the_mark_of_the_numpy_they_were_built_on() -> None:
    spec = importlib.util.find_spec("ml_dtypes")
    if spec is None or spec.origin is None:
        pytest.skip("ml_dtypes, which comes with LiteRT, is not installed here")
    files = list(Path(spec.origin).parent.glob("*.so"))
    assert files
    assert any(b"numpy._core._multiarray_umath" in file.read_bytes() for file in files)


def test_this_machines_numpy_is_named() -> None:
    import numpy as np

    finding = libraries.numpy_abi(Tree())
    assert np.__version__ in finding.found
    assert str(Path(np.__file__).parent.parent) in finding.found


def test_the_page_is_what_the_code_says() -> None:
    assert (ROOT / "docs/doctor.md").read_text() == page(), (
        "python -m watchkeeper.commands.doctor_page > docs/doctor.md"
    )
