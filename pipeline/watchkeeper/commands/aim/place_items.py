"""Where camera and face stand to each other: across, height, room, distance, angles, mounting, side of the car. Pure.

Bounds follow from the product: where its measures end (lids seen from above, the far eye of a turned head, the quick
network), or from how far seats and people move heads.
"""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.commands.aim.verdict import Item, Verdict, at_least, banded, item, worst
from watchkeeper.commands.aim.window import Window
from watchkeeper.types import CameraGeometry

PLACE_PASS_DEG, PLACE_WARN_DEG = (
    6.0,
    12.0,
)  # off the lens's axis; seats and people move heads by 100 mm: 9 deg at 650 mm
ROOM_PASS, ROOM_WARN = 0.35, 0.0  # of the face's width and height, free on each side
DISTANCE_PASS_MM, DISTANCE_WARN_MM = (350.0, 1000.0), (250.0, 1500.0)
ABOVE_PASS_DEG, ABOVE_WARN_DEG = (-30.0, 10.0), (-40.0, 13.0)  # from 13 up lowered lids look closed (measure/lids.py)
ASIDE_PASS_DEG, ASIDE_WARN_DEG = 22.0, 35.0  # quick network's end; the far eye begins to go (measure/eyes.py)
TILT_PASS_DEG, TILT_WARN_DEG = 8.0, 20.0
MOUNT_PASS_MM, MOUNT_WARN_MM = 120.0, 300.0  # 300: beyond lies a passenger (measure/face.py)
MOUNT_PASS_DEG, MOUNT_WARN_DEG = 5.0, 10.0


@dataclass(frozen=True, slots=True)
class Setup:
    """What was said of the mounting. side: driver's, as asked for; cabin_side: as the geometry file has it."""

    side: str
    cabin_side: str
    geometry: str
    camera: CameraGeometry


def place_items(window: Window, setup: Setup, off_mm: tuple[float, float, float] | None) -> list[Item]:
    """off_mm: how far the face is from where the measured mounting has it, vehicle frame; None where nobody measured
    the mounting or there is no face."""
    return [
        _across(window, setup), _height(window), _room(window), _distance(window), _aside(window, setup),
        _above(window), _tilt(window), _mounting(window, setup, off_mm),
    ]  # fmt: skip


def side_item(setup: Setup) -> Item:
    """Whether the geometry file is for the side that was asked for."""
    found = f"{setup.side}-hand drive; {setup.geometry} is for {setup.cabin_side}-hand drive"
    if setup.side != setup.cabin_side:
        action = f"start with --geometry of a {setup.side}-hand drive car, such as passenger-car-{setup.side}"
        return Item("drive side", Verdict.FAIL, found, action)
    return Item("drive side", Verdict.PASS, found)


def _towards(left: bool, setup: Setup) -> str:
    """What lies to the driver's left or right."""
    return "the door" if left == (setup.side == "left") else "the middle of the car"


def _across(window: Window, setup: Setup) -> Item:
    def of(deg: float) -> tuple[Verdict, str, str]:
        verdict = banded(abs(deg), (0.0, PLACE_PASS_DEG), (0.0, PLACE_WARN_DEG))
        where = "right" if deg > 0 else "left"
        # what the camera has on its right is on the driver's left
        action = f"turn the camera {abs(deg):.0f} deg to its {where}, towards {_towards(deg > 0, setup)}"
        return verdict, f"{abs(deg):.1f} deg {where} of the middle", action

    return item("across", window.median("face_right_deg"), of)


def _height(window: Window) -> Item:
    def of(deg: float) -> tuple[Verdict, str, str]:
        verdict = banded(abs(deg), (0.0, PLACE_PASS_DEG), (0.0, PLACE_WARN_DEG))
        where = "down" if deg > 0 else "up"
        return verdict, f"{abs(deg):.1f} deg {where} from the middle", f"tilt the camera {abs(deg):.0f} deg {where}"

    return item("height", window.median("face_down_deg"), of)


def _room(window: Window) -> Item:
    newest = window.newest
    x, y = window.median("face_x_px"), window.median("face_y_px")
    w, h = window.median("face_w_px"), window.median("face_h_px")
    room = None
    if newest is not None and x is not None and y is not None and w and h:
        room = min(x / w, (newest.width_px - x - w) / w, y / h, (newest.height_px - y - h) / h)

    def of(share: float) -> tuple[Verdict, str, str]:
        found = f"{share:.0%} of the face free at the narrowest side" if share >= 0 else "the face is cut off"
        action = "bring the face to the middle first; then mount further away or take a wider lens"
        return at_least(share, ROOM_PASS, ROOM_WARN), found, action

    return item("room", room, of)


def _distance(window: Window) -> Item:
    def of(mm: float) -> tuple[Verdict, str, str]:
        way = "further away" if mm < DISTANCE_PASS_MM[0] else "nearer"
        return banded(mm, DISTANCE_PASS_MM, DISTANCE_WARN_MM), f"{mm / 10:.0f} cm", f"mount the camera {way}"

    return item("distance", window.median("distance_mm"), of)


def _aside(window: Window, setup: Setup) -> Item:
    def of(deg: float) -> tuple[Verdict, str, str]:
        verdict = banded(abs(deg), (0.0, ASIDE_PASS_DEG), (0.0, ASIDE_WARN_DEG))
        where = "left" if deg > 0 else "right"
        action = f"look ahead; if you do: mount the camera further towards {_towards(deg < 0, setup)}"
        return verdict, f"{abs(deg):.0f} deg to the driver's {where}", action

    return item("camera aside", window.median("camera_left_deg"), of)


def _above(window: Window) -> Item:
    def of(deg: float) -> tuple[Verdict, str, str]:
        way = "lower" if deg > 0 else "higher"
        found = f"{abs(deg):.0f} deg {'above' if deg > 0 else 'below'} the face's own level"
        return banded(deg, ABOVE_PASS_DEG, ABOVE_WARN_DEG), found, f"look ahead; if you do: mount the camera {way}"

    return item("camera above", window.median("camera_above_deg"), of)


def _tilt(window: Window) -> Item:
    def of(deg: float) -> tuple[Verdict, str, str]:
        verdict = banded(abs(deg), (0.0, TILT_PASS_DEG), (0.0, TILT_WARN_DEG))
        way = "clockwise" if deg > 0 else "counter-clockwise"
        action = f"turn the camera {abs(deg):.0f} deg {way} about its lens, seen from behind it"
        return verdict, f"face turned {abs(deg):.0f} deg {way}", action

    return item("tilt", window.median("picture_tilt_deg"), of)


def _mounting(window: Window, setup: Setup, off_mm: tuple[float, float, float] | None) -> Item:
    if not setup.camera.mounting_known:
        action = "nobody measured the mounting: put the report's [mounting] into the vehicle's geometry file"
        return Item("mounting", Verdict.WARN, "not measured", action)
    yaw, pitch = window.median("head_yaw_deg"), window.median("head_pitch_deg")
    if off_mm is None or yaw is None or pitch is None:
        return Item("mounting", Verdict.UNKNOWN, "no face to measure")
    left, up, ahead = off_mm
    off = (left**2 + up**2 + ahead**2) ** 0.5
    place = banded(off, (0.0, MOUNT_PASS_MM), (0.0, MOUNT_WARN_MM))
    turn = banded(max(abs(yaw), abs(pitch)), (0.0, MOUNT_PASS_DEG), (0.0, MOUNT_WARN_DEG))
    verdict = worst((place, turn))
    found = (
        f"face {abs(left):.0f} mm {'left' if left > 0 else 'right'}, "
        f"{abs(up):.0f} mm {'above' if up > 0 else 'below'}, "
        f"{abs(ahead):.0f} mm {'before' if ahead > 0 else 'behind'} its nominal place; "
        f"head at yaw {yaw:+.0f}, pitch {pitch:+.0f} deg"
    )
    action = "look ahead, seat as usual; if that is so: the camera does not stand where its geometry says: measure anew"
    return Item("mounting", verdict, found, "" if verdict is Verdict.PASS else action)
