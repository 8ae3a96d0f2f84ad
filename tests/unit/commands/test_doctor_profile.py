"""doctor --profile: an experimental rule set is seen at a glance, a wrong file is a failed check."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from watchkeeper.cli import main
from watchkeeper.commands import doctor
from watchkeeper.commands.checks import TABLE


@pytest.fixture
def row(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """(exit status, the row) of `doctor --profile NAME --json`, with this check alone."""
    monkeypatch.setattr(doctor, "TABLE", [line for line in TABLE if line[1] == "profile"])

    def run(*options: str) -> tuple[int, dict[str, Any]]:
        status = main(["doctor", "--json", *options])
        (found,) = json.loads(capsys.readouterr().out)
        assert found["check"] == "profile"
        return status, found

    return run


def _file(folder: Path, text: str) -> str:
    file = folder / "mine.toml"
    file.write_text(text)
    return str(file)


@pytest.mark.parametrize("options", [(), ("--profile", "r171")], ids=str)
def test_a_shipped_one_passes(row: Any, options: tuple[str, ...]) -> None:
    status, found = row(*options)
    name = options[-1] if options else "euroncap-2026"
    assert (status, found["status"], found["found"], found["action"]) == (0, "pass", name, "")
    assert found["data"] == {"name": name, "base": name, "experimental": False, "limits": []}


def test_a_stricter_file_passes(row: Any, tmp_path: Path) -> None:
    status, found = row("--profile", _file(tmp_path, 'base = "r171"\n[limits]\nsleep = 2.5\n'))
    assert (status, found["status"]) == (0, "pass")
    assert found["found"] == "mine over r171, 1 limits set, none laxer"


def test_an_experimental_file_is_told(row: Any, tmp_path: Path) -> None:
    text = 'base = "r171"\nexperimental = true\n[limits]\nsleep = 4.5\nmicrosleep = 1.0\n'
    status, found = row("--profile", _file(tmp_path, text))
    assert (status, found["status"]) == (0, "warn")
    assert "EXPERIMENTAL and shown so on the bus; laxer: sleep 4.5 s (3)" in found["found"]
    assert "microsleep" not in found["found"]
    assert found["action"]
    assert [limit["field"] for limit in found["data"]["limits"]] == ["sleep", "microsleep"]


def test_a_wrong_file_is_a_failed_check(row: Any, tmp_path: Path) -> None:
    status, found = row("--profile", _file(tmp_path, 'base = "r171"\n[limits]\nsleep = 4.5\n'))
    assert (status, found["status"]) == (1, "fail")
    assert "mine.toml:3: limits.sleep: expected at most 3 s" in found["found"]
