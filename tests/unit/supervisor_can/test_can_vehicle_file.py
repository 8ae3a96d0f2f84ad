"""The vehicle's own messages: files and their errors, compiling from a DBC, protection, time-outs, plausibility."""

from __future__ import annotations

import os
import random
from pathlib import Path

import cantools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.cli import main
from watchkeeper.commands.vehicle import compile_mapping
from watchkeeper.errors import BadInputError
from watchkeeper.supervisor.e2e import CheckState, protect
from watchkeeper.supervisor.frames import CanFrame
from watchkeeper.supervisor.mapped_vehicle import MappedVehicle
from watchkeeper.supervisor.vehicle_file import read_vehicle_file
from watchkeeper.supervisor.vehicle_input import VehicleReceiver
from watchkeeper.supervisor.vehicle_map import Bits, Checksum

ROOT = Path(__file__).resolve().parents[3]
VEHICLES = ROOT / "vehicles"
_MS = 1_000_000
_S = 1_000_000_000

# A car of our own making, with everything the format knows.
_DBC = """VERSION ""
BU_: CAR
BO_ 256 MOVE: 8 CAR
 SG_ SUM : 63|8@0+ (1,0) [0|0] "" CAR
 SG_ SPEED : 7|16@0+ (0.1,0) [0|0] "mph" CAR
 SG_ SPEED_BAD : 16|1@1+ (1,0) [0|0] "" CAR
BO_ 257 BODY: 4 CAR
 SG_ BLINK : 4|2@1+ (1,0) [0|0] "" CAR
 SG_ KEY : 8|3@1+ (1,0) [0|0] "" CAR
 SG_ COUNT : 16|4@1+ (1,0) [0|0] "" CAR
BO_ 258 MUX: 8 CAR
 SG_ SEL M : 0|8@1+ (1,0) [0|0] "" CAR
 SG_ INNER m1 : 8|8@1+ (1,0) [0|0] "" CAR
BO_ 2147484000 LONG: 8 CAR
 SG_ FAR : 0|8@1+ (1,0) [0|0] "" CAR
"""
_MAPPING = """name = "own"
source = "made up"
dbc = "own.dbc"

[messages.MOVE]
[messages.MOVE.checksum]
signal = "SUM"
kind = "sum8"
[messages.BODY]
timeout_ms = 1000
counter = "COUNT"

[signals.Speed]
message = "MOVE"
signal = "SPEED"
scale = 1.609344
range = [0, 300]
max_rate_per_s = 100
valid = { signal = "SPEED_BAD", equals = [0] }
not_available = [65535]
[signals.TurnLeft]
message = "BODY"
signal = "BLINK"
equals = [1, 3]
[signals.TurnRight]
message = "BODY"
signal = "BLINK"
equals = [2, 3]
[signals.Ignition]
message = "BODY"
signal = "KEY"
equals = [4]
not_available = [7]
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "own.dbc").write_text(_DBC)
    (tmp_path / "own.map.toml").write_text(_MAPPING)
    assert main(["vehicle", "compile", str(tmp_path / "own.map.toml"), "--out", str(tmp_path / "own.toml")]) == 0
    return tmp_path / "own.toml"


def _move(mph_raw: int, *, bad: bool = False) -> CanFrame:
    data = mph_raw.to_bytes(2, "big") + bytes((bad, 0, 0, 0, 0))
    return CanFrame(256, data + bytes((sum(data) & 0xFF,)))


def _body(counter: int, *, blink: int = 0, key: int = 4) -> CanFrame:
    return CanFrame(257, bytes((blink << 4, key, counter % 16, 0)))


def test_a_compiled_file_reads_what_cantools_reads(own: Path) -> None:
    database = cantools.database.load_string(_DBC, "dbc")
    assert isinstance(database, cantools.database.Database)
    vehicle = read_vehicle_file(own)
    rng = random.Random(3)
    for _ in range(300):
        for message in vehicle.messages:
            data = rng.randbytes(message.length)
            theirs = database.decode_message(message.id, data, decode_choices=False, scaling=False)
            assert isinstance(theirs, dict)
            for signal in vehicle.signals:
                if signal.message == message.name:
                    name = {"Speed": "SPEED", "Ignition": "KEY"}.get(signal.name, "BLINK")
                    assert signal.bits.raw(data) == theirs[name]


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 63), st.integers(1, 32), st.booleans(), st.booleans(), st.binary(min_size=8, max_size=8))
def test_any_field_is_read_as_cantools_reads_it(start: int, length: int, big: bool, signed: bool, data: bytes) -> None:
    bits = Bits(start, length, "motorola" if big else "intel", signed)
    if bits.last_byte > 7:
        return
    text = f'VERSION ""\nBU_: A\nBO_ 1 M: 8 A\n SG_ S : {start}|{length}@{0 if big else 1}{"-" if signed else "+"} '
    database = cantools.database.load_string(text + '(1,0) [0|0] "" A\n', "dbc")
    assert isinstance(database, cantools.database.Database)
    theirs = database.decode_message(1, data)
    assert isinstance(theirs, dict)
    assert bits.raw(data) == theirs["S"]


def test_units_flags_and_codes(own: Path) -> None:
    car = MappedVehicle(read_vehicle_file(own))
    signals = car.step([_body(0, blink=3), _move(500)], _S).signals
    assert signals.speed_kph == pytest.approx(50 * 1.609344)
    assert (signals.turn_left, signals.turn_right, signals.ignition) == (True, True, True)
    assert (signals.steering_deg, signals.reverse, signals.acknowledge) == (None, None, None)
    signals = car.step([_body(1, blink=1, key=7), _move(500, bad=True)], _S + 20 * _MS).signals
    assert (signals.speed_kph, signals.turn_left, signals.turn_right, signals.ignition) == (None, True, False, None)
    assert car.step([_move(65535)], _S + 40 * _MS).signals.speed_kph is None


def test_what_fails_its_check_is_never_read(own: Path) -> None:
    car = MappedVehicle(read_vehicle_file(own))
    first = car.step([_body(3, blink=1), _move(500)], _S)
    damaged = CanFrame(256, _move(900).data[:-1] + b"\0")
    short = CanFrame(257, _body(4, blink=2).data[:3])
    repeated, jumped = _body(3, blink=2), _body(12, blink=2)
    assert car.step([damaged, short, repeated, jumped, CanFrame(0x555, bytes(8))], _S + 20 * _MS) is first
    assert car.counts[CheckState.WRONG_CRC] == 2
    assert (car.counts[CheckState.REPEATED], car.counts[CheckState.WRONG_SEQUENCE]) == (1, 1)
    report = car.step([_body(13, blink=2), _move(501)], _S + 40 * _MS)
    assert (report.signals.turn_right, report.t_ns) == (True, _S + 40 * _MS)


def test_a_jump_is_implausible_for_one_sample(own: Path) -> None:
    car = MappedVehicle(read_vehicle_file(own))
    speeds = [
        car.step([_move(raw)], _S + i * 20 * _MS).signals.speed_kph for i, raw in enumerate((500, 505, 900, 505, 506))
    ]
    assert [None if s is None else round(s / 1.609344, 1) for s in speeds] == [50.0, 50.5, None, None, 50.6]


def test_out_of_range_is_unknown(own: Path) -> None:
    car = MappedVehicle(read_vehicle_file(own))
    assert car.step([_move(1864)], _S).signals.speed_kph is not None
    assert MappedVehicle(read_vehicle_file(own)).step([_move(1865)], _S).signals.speed_kph is None


def test_time_outs_are_each_messages_own(own: Path) -> None:
    car = MappedVehicle(read_vehicle_file(own))
    first = car.step([_body(0, blink=1), _move(500)], _S)
    # the speed is silent: whoever holds it must not be told anew
    assert car.step([_body(1, blink=1)], _S + 400 * _MS) is first
    late = car.step([_body(2, blink=1)], _S + 501 * _MS)
    assert (late.signals.speed_kph, late.signals.turn_left, late.t_ns) == (None, True, _S + 501 * _MS)
    assert car.step([], _S + 1500 * _MS) is late
    gone = car.step([], _S + 1502 * _MS)
    assert (gone.signals.turn_left, gone.signals.ignition) == (None, None)
    assert car.step([], _S + 9000 * _MS) is gone
    assert car.step([_move(300)], _S + 9100 * _MS).signals.speed_kph == pytest.approx(30 * 1.609344)


def test_veh_input_is_given_up_after_500_ms() -> None:
    from watchkeeper.supervisor.frames import Encoder

    receiver = VehicleReceiver()
    first = receiver.step([Encoder().encode("VEH_Input", {"Speed": 50, "TurnLeft": 1})], _S)
    assert receiver.step([], _S + 500 * _MS) is first
    gone = receiver.step([], _S + 501 * _MS)
    assert (gone.signals.speed_kph, gone.signals.turn_left) == (None, None)
    assert receiver.step([], _S + 900 * _MS) is gone


@pytest.mark.parametrize("name", ["volkswagen_mqb", "toyota_2017"])
def test_the_packaged_examples_are_sound(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["vehicle", "check", str(VEHICLES / f"{name}.toml")]) == 0
    assert "Speed" in capsys.readouterr().out


def test_a_volkswagen_frame_is_checked_like_our_own() -> None:
    vehicle = read_vehicle_file(VEHICLES / "volkswagen_mqb.toml")
    speed = next(m for m in vehicle.messages if m.name == "ESP_21")
    assert speed.checksum is not None
    car = MappedVehicle(vehicle)
    for i in range(40):
        payload = (int(8000 + i) << 32).to_bytes(8, "little")
        report = car.step([CanFrame(0xFD, protect(payload, speed.checksum.data_ids, i))], _S + i * 20 * _MS)
        assert report.signals.speed_kph == pytest.approx(80 + i / 100)
    wrong_list = protect((9000 << 32).to_bytes(8, "little"), (1,) * 16, 40)
    assert car.step([CanFrame(0xFD, wrong_list)], _S + _S) is report


def test_toyotas_sum_is_the_one_published() -> None:
    # computed by hand: identifier 0xB4 and length 8 and the bytes before the sum
    data = bytes((0, 0, 0, 0, 0, 0x1F, 0x40))
    total = (0xB4 + 8 + 0x1F + 0x40) & 0xFF
    car = MappedVehicle(read_vehicle_file(VEHICLES / "toyota_2017.toml"))
    assert car.step([CanFrame(0xB4, data + bytes((total,)))], _S).signals.speed_kph == pytest.approx(80.0)
    assert car.step([CanFrame(0xB4, data + bytes((total ^ 1,)))], 2 * _S).signals.speed_kph is None
    wheel = car.step([CanFrame(0x25, bytes((0x0F, 0xFE, 0, 0, 0, 0, 0, 0)))], 3 * _S).signals
    assert wheel.steering_deg == -3.0


@pytest.mark.parametrize("kind", ["sum8", "xor8"])
def test_simple_checksums_find_every_single_bit(kind: str) -> None:
    data = bytes((0x12, 0x34, 0x56, 0x78))
    value = sum(data) & 0xFF if kind == "sum8" else 0x12 ^ 0x34 ^ 0x56 ^ 0x78
    frame = data[:2] + bytes((value,)) + data[2:]
    checksum = Checksum(kind, 2)
    assert checksum.holds(1, frame, 0)
    for bit in range(40):
        damaged = bytearray(frame)
        damaged[bit // 8] ^= 1 << (bit % 8)
        assert not checksum.holds(1, bytes(damaged), 0)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "own"', 'name = "own', ":2: expected TOML"),
        ("id = 0x100", "id = 0x800", ":6: message.id: expected a whole number from 0 to 2047"),
        ("id = 0x100", "id = 0x3A1", ":6: message.id: 0x3A1 is one that watchkeeper sends"),
        ("id = 0x100", "id = 0x101", ":12: message.id: 257 is another message's too"),
        ("length = 8", "length = 9", ":8: message.length: expected a whole number"),
        ('kind = "sum8"', 'kind = "md5"', "message.checksum.kind: expected one of"),
        ('kind = "sum8"', 'kind = "e2e-p02"', "picks its Data ID by the counter"),
        ("byte = 7", "byte = 8", "message.checksum.byte: expected a whole number from 0 to 7"),
        ("timeout_ms = 1000", 'timeout_ms = "1 s"', "message.timeout_ms: expected a whole number"),
        ('message = "MOVE"', 'message = "NONE"', "signal.Speed.message: expected one of MOVE, BODY"),
        ("start = 7", "start = 63", "signal.Speed.start: expected all bits inside the 8 bytes"),
        ('order = "motorola"', 'order = "big"', "signal.Speed.order: expected one of intel, motorola"),
        ("range = [0, 300]", "range = [300, 0]", "signal.Speed.range: expected two rising numbers"),
        ("range = [0, 300]", "reach = [0, 300]", "signal.Speed.reach: unknown field"),
        ("equals = [4]", "equals = 4", "signal.Ignition.equals: expected a list of whole numbers"),
        ("equals = [4]", "scale = 4", "signal.Ignition.scale: Ignition is true or false"),
        ("[signal.Ignition]", "[signal.Key]", "signal.Key: unknown field; known are Speed"),
    ],
)  # fmt: skip
def test_a_bad_file_is_told_by_line_and_field(own: Path, old: str, new: str, said: str) -> None:
    text = own.read_text()
    assert old in text
    broken = text.replace(old, new, 1)
    own.write_text(broken)
    with pytest.raises(BadInputError) as error:
        read_vehicle_file(own)
    message = str(error.value)
    assert message.startswith(f"{own}:")
    assert said.partition(": ")[2] in message
    if "TOML" not in said:
        # the line said is the one that was changed
        line = int(message.removeprefix(f"{own}:").partition(":")[0])
        assert new.splitlines()[0] in broken.splitlines()[line - 1]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('signal = "SPEED"', 'signal = "SPED"', ":15: signals.Speed.signal: MOVE has no 'SPED'"),
        ('message = "MOVE"', 'message = "MOVED"', ":14: signals.Speed.message: "),
        ('message = "MOVE"\nsignal = "SPEED"', 'message = "MUX"\nsignal = "INNER"', "not multiplexed"),
        ('message = "MOVE"\nsignal = "SPEED"', 'message = "LONG"\nsignal = "FAR"', "11-bit identifier"),
        ("[messages.BODY]", "[messages.OTHER]", "messages.OTHER: unknown field"),
        ('signal = "SUM"', 'signal = "SPEED"', "messages.MOVE.checksum.signal: SPEED: expected a whole byte"),
        ('dbc = "own.dbc"', 'dbc = "none.dbc"', "none.dbc: cannot be read"),
        ('dbc = "own.dbc"', 'dbc = "own.map.toml"', "own.map.toml: expected a DBC"),
    ],
)
def test_a_bad_mapping_is_told_by_line_and_field(own: Path, old: str, new: str, said: str) -> None:
    path = own.with_name("own.map.toml")
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(BadInputError) as error:
        compile_mapping(path)
    assert said in str(error.value)


def test_a_mapping_handed_to_run_is_told_what_to_do(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--vehicle", str(own.with_name("own.map.toml"))]) == 2
    assert "vehicle compile" in capsys.readouterr().err
    assert main(["run", "--vehicle", str(own.with_name("none.toml"))]) == 2
    assert "none.toml: cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "dbc"), [("volkswagen_mqb", "vw_mqb.dbc"), ("toyota_2017", "_toyota_2017.dbc")])
def test_the_examples_come_from_the_public_dbcs(name: str, dbc: str) -> None:
    folder = os.environ.get("WATCHKEEPER_OPENDBC")
    if folder is None:
        pytest.skip("the public DBCs are not part of the project (WATCHKEEPER_OPENDBC names their folder)")
    (path,) = Path(folder).rglob(dbc)
    assert compile_mapping(VEHICLES / "mappings" / f"{name}.toml", path) == (VEHICLES / f"{name}.toml").read_text()
