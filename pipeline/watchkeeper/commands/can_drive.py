"""`can drive`: a vehicle on the bus. Drives a scripted trip as protected VEH_Input frames on absolute deadlines."""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path

from watchkeeper.board import detect_board, load_board
from watchkeeper.clock import NS_PER_MS, NS_PER_S, now_ns, sleep_until_ns
from watchkeeper.data import data_path
from watchkeeper.errors import BadInputError
from watchkeeper.supervisor.bus import Bus, open_node
from watchkeeper.supervisor.cycle import Cycle
from watchkeeper.supervisor.frames import CanFrame, Encoder
from watchkeeper.supervisor.spec import DEFAULT_BASE_ID, MESSAGES, check_base_id
from watchkeeper.supervisor.trip import Trip, read_trip

_MESSAGE = MESSAGES["VEH_Input"]
_PERIOD_NS = _MESSAGE.cycle_ms * NS_PER_MS
_SHOW_EVERY_NS = NS_PER_S


class Vehicle:
    """One node that says what its trip says. sent, failed: frames that left, and that did not."""

    def __init__(self, bus: Bus, trip: Trip, base_id: int = DEFAULT_BASE_ID) -> None:
        self._bus, self._trip, self._encoder = bus, trip, Encoder(base_id)
        self.sent = self.failed = 0
        self._stuck = False

    def step(self, trip_ns: int) -> dict[str, float | None]:
        """Send the frame due at that time of the trip, in the way it says; returns the values."""
        values = self._trip.values_at(trip_ns)
        mode = self._trip.send_at(trip_ns)
        if mode == "silent":
            return values
        if self._stuck and mode != "stuck_counter":
            self._encoder.sent(_MESSAGE.name)  # whoever was stuck goes on with the next number
        self._stuck = mode == "stuck_counter"
        frame = self._encoder.encode(_MESSAGE.name, values)
        if mode == "bad_crc":
            frame = CanFrame(frame.id, bytes((frame.data[0] ^ 0xFF,)) + frame.data[1:])
        if self._bus.send(frame):
            self.sent += 1
            if not self._stuck:
                self._encoder.sent(_MESSAGE.name)
        else:
            self.failed += 1
        return values


def run(args: argparse.Namespace) -> int:
    """Drive until the trip or the duration ends. Raises BadInputError for a bad script or bus."""
    if args.duration is not None and not (math.isfinite(args.duration) and args.duration > 0):
        raise BadInputError(f"--duration: expected seconds above 0, got {args.duration}")
    base_id = check_base_id(DEFAULT_BASE_ID if args.base_id is None else args.base_id)
    trip = read_trip(_script(args.script))
    uri = args.can if args.can is not None else load_board(detect_board()).bus
    bus = open_node(uri, receive=(), transmit={_MESSAGE.frame_id(base_id)})
    vehicle = Vehicle(bus, trip, base_id)
    try:
        cycle = _drive(vehicle, trip, repeat=args.repeat, duration_s=args.duration)
    finally:
        bus.close()
    if args.json:
        result = {"trip": trip.name, "sent": vehicle.sent, "failed": vehicle.failed, "slots_missed": cycle.missed}
        print(json.dumps(result))
    else:
        print(f"{trip.name}: {vehicle.sent} frames sent, {vehicle.failed} failed, {cycle.missed} slots missed")
    return 0


def _script(path: Path) -> Path:
    packaged = data_path("vehicles", "trips", f"{path}.toml")
    return packaged if not path.exists() and packaged.is_file() else path


def _drive(vehicle: Vehicle, trip: Trip, *, repeat: bool, duration_s: float | None) -> Cycle:
    start_ns = now_ns()
    end_ns = math.inf if repeat else trip.end_ns
    if duration_s is not None:
        end_ns = min(end_ns, duration_s * NS_PER_S) if repeat else duration_s * NS_PER_S
    cycle = Cycle(start_ns, _PERIOD_NS)
    shown_ns = 0
    while (t_ns := cycle.due_ns - start_ns) <= end_ns:
        sleep_until_ns(cycle.due_ns)
        if not cycle.arrive(now_ns()):
            continue
        values = vehicle.step(t_ns % (trip.end_ns + 1) if repeat else t_ns)
        cycle.done()
        if sys.stderr.isatty() and t_ns - shown_ns >= _SHOW_EVERY_NS:
            shown_ns = t_ns
            text = " ".join(f"{k}={'?' if v is None else f'{v:g}'}" for k, v in values.items())
            print(f"\r\x1b[2K{t_ns / NS_PER_S:6.0f} s  {text}", end="", file=sys.stderr, flush=True)
    return cycle
