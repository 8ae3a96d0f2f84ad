"""What the readings say of a mounting: the items in the order in which they are to be put right. Pure."""

from __future__ import annotations

from watchkeeper.commands.aim.mounting import off_place_mm
from watchkeeper.commands.aim.place_items import Setup, place_items, side_item
from watchkeeper.commands.aim.sight_items import picture_items, sight_items
from watchkeeper.commands.aim.verdict import Item
from watchkeeper.commands.aim.window import Window


def judge(window: Window, setup: Setup) -> list[Item]:
    """Side of the car, picture, face; places and angles; eyes, lids, light; at last whether the mounting is as said."""
    poses = [reading.pose for reading in window.readings if reading.pose is not None]
    *places, mounting = place_items(window, setup, off_place_mm(poses, setup.camera))
    return [side_item(setup), *picture_items(window), *places, *sight_items(window), mounting]
