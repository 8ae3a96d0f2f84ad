"""The shipped network files and the figures of the wiring guide."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from watchkeeper.supervisor.spec import MESSAGES, TRANSMITTED
from watchkeeper.supervisor.watch import BIT_RATE, frame_bits, worst_stuff_bits

ROOT = Path(__file__).resolve().parents[3]
SYSTEM = ROOT / "boards" / "common" / "system"


class _CaseKept(configparser.ConfigParser):
    def optionxform(self, optionstr: str) -> str:
        return optionstr


def _unit(name: str) -> configparser.ConfigParser:
    parser = _CaseKept(strict=True, interpolation=None)
    parser.read_string((SYSTEM / name).read_text())
    return parser


def test_the_network_unit_sets_bit_rate_and_restart() -> None:
    unit = _unit("25-watchkeeper-can.network")
    assert unit["CAN"]["BitRate"] == f"{BIT_RATE // 1000}K"
    assert unit["CAN"]["RestartSec"] == "100ms"
    # systemd.network(5), section [CAN]
    known = {"BitRate", "SamplePoint", "RestartSec", "ListenOnly"}
    assert set(unit["CAN"]) <= known
    assert _unit("25-watchkeeper-can.link")["Link"]["TransmitQueueLength"] == "10"


def test_the_guides_figures_are_the_specs() -> None:
    guide = " ".join((ROOT / "docs" / "wiring.md").read_text().split())
    frames_per_s = sum(1000 / m.cycle_ms for m in TRANSMITTED)
    plain = 100 * frames_per_s * frame_bits(8) / BIT_RATE
    worst = 100 * frames_per_s * (frame_bits(8) + worst_stuff_bits(8)) / BIT_RATE
    assert f"{frames_per_s:.0f} frames a second: {plain:.1f} % of a {BIT_RATE // 1000} kbit/s bus" in guide
    assert f"{worst:.1f} % with the most stuff bits" in guide
    assert {m.timeout_ms for m in MESSAGES.values()} == {500, 1000, 10_000}


@pytest.mark.parametrize("page", ["wiring.md", "vehicle.md"])
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / "docs" / page).read_text()
    for target in (part.partition(")")[0] for part in text.split("](")[1:]):
        assert (ROOT / "docs" / target).exists(), target
