"""A slot's frames onto the bus: what left is counted, logged and stamped."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_vision_parts import HandPort

from watchkeeper.clock import NS_PER_S
from watchkeeper.supervisor import slot_sender as sender_module
from watchkeeper.supervisor.bus import Bus
from watchkeeper.supervisor.candump import CanLog, read_log
from watchkeeper.supervisor.core import Inputs, SupervisorCore
from watchkeeper.supervisor.frames import decode
from watchkeeper.supervisor.slot_sender import SlotSender
from watchkeeper.supervisor.spec import transmit_ids
from watchkeeper.types import SendStamp

_T = 1000 * NS_PER_S


class _Slots:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, log: CanLog | None = None) -> None:
        self.t_ns = _T
        monkeypatch.setattr(sender_module, "now_ns", self._clock)
        self.port = HandPort()
        bus = Bus("virtual:slots", lambda: self.port, receive=(), transmit=transmit_ids(0x3A0))
        self.core = SupervisorCore(profile="r171", board_id=1)
        self.sender = SlotSender(self.core, bus, log)

    def _clock(self) -> int:
        self.t_ns += 1
        return self.t_ns

    def send(self, slot: int) -> bool:
        return self.sender.send(self.core.step(Inputs(), slot, self.t_ns))


def test_what_leaves_is_counted_logged_and_stamped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    log = CanLog(tmp_path / "can.log", "can0")
    slots = _Slots(monkeypatch, log)
    assert not slots.sender.stamp(5), "nothing has left yet"
    assert not slots.sender.stamps
    assert slots.send(1)
    assert (slots.sender.frames_sent, slots.sender.send_failures) == (3, 0)
    assert slots.sender.stamp(5)
    assert not slots.sender.stamp(5), "the first slot of a picture counts"
    assert not slots.sender.stamp(0), "no picture"
    # six looks at the clock: before and after each of three frames; the last was handed over at the fifth
    assert list(slots.sender.stamps) == [SendStamp(5, _T + 5)]
    slots.port.heard = [(slots.port.written[0], _T + 7), (slots.port.written[-1], _T + 9)]
    assert slots.sender.heard()
    assert list(slots.sender.stamps) == [SendStamp(5, _T + 5, _T + 9)]
    assert not slots.sender.heard()
    log.close()
    assert [line.frame for line in read_log(tmp_path / "can.log")] == slots.port.written


def test_what_does_not_leave_is_a_failure_and_no_stamp(monkeypatch: pytest.MonkeyPatch) -> None:
    slots = _Slots(monkeypatch)
    slots.send(1)
    slots.port.full = True
    assert not slots.send(2)
    assert (slots.sender.frames_sent, slots.sender.send_failures) == (3, 4)
    assert not slots.sender.stamp(6)
    slots.port.full = False
    slots.send(3)
    counters = [frame.counter for frame in map(decode, slots.port.written) if frame and frame.name == "DMS_Status"]
    assert counters == [0, 1], "only what left steps the counter"
