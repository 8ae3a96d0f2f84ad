"""What a row of the recorder's ring says: which stage of which frame, from when to when. See ring.py for the bytes."""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import NamedTuple


class Kind(IntEnum):
    """The stages in the order a frame goes through them (each begins where the one before ended), then the rest."""

    DEQUEUE = 1  # end of exposure to handed over by the source (sensor read-out, driver, decoder)
    QUEUE = 2  # handed over to taken by the loop
    QUALITY = 3  # histogram of the picture
    PREPROCESS = 4  # detail: Network
    INFER = 5  # detail: Network
    MEASURE = 6  # geometry behind the networks
    DECIDE = 7  # the state machine
    PUBLISH = 8  # the mailbox
    SEND = 9  # published to all frames of the slot handed to the bus, by the supervisor's own clock reading; detail: 1
    # when that was past the board's limit from exposure to bus
    ECHO = 10  # handed to the bus to heard back from it; only on a bus that says so
    FRAME = 20  # end of exposure to published; detail: 1 when that was past the deadline; value: rung of the ladder
    DROP = 21  # detail: Drop; value: how many
    COUNTER = 22  # detail: Counter
    SKIP = 23  # work that was left out for lack of time; detail: Task
    START = 24  # a vision process began; value: its pid
    REFINE = 26  # the full landmark network on a frame that has been published: for the frames to come
    OVER = 25  # a stage took more of the frame than its share; detail: its Kind; value: microseconds too many


STAGES = tuple(kind for kind in Kind if kind <= Kind.PUBLISH)
"""Their durations add up to the frame's."""


class Network(IntEnum):
    """detail of PREPROCESS and INFER."""

    NONE = 0
    DETECTOR = 1
    LANDMARKS = 2
    QUICK = 3
    EYES = 4


class Drop(IntEnum):
    """Why a captured frame was not judged."""

    OVERWRITTEN = 1  # a newer one came before the loop was ready
    SOURCE = 2  # the source lost or skipped it
    STALE = 3  # already older than the budget when the loop came to it
    HALF_RATE = 4  # left out by the last rung of the ladder
    FAILED = 5  # a stage failed on it


class Counter(IntEnum):
    """What a COUNTER row counts; the unit of its value."""

    TEMPERATURE = 1  # millidegree Celsius, hottest sensor
    FREQUENCY = 2  # kHz, slowest core
    PAGE_FAULTS = 3  # major ones since the start
    COLLECTIONS = 5  # microseconds of a garbage collection run in slack


class Task(IntEnum):
    """Work inside a frame that may be left out."""

    QUALITY = 1
    DETECT = 2
    REFINE = 3
    LANDMARKS = 4


class Row(NamedTuple):
    """seq: the frame's running number, -1 where none belongs. begin_ns, end_ns: CLOCK_MONOTONIC."""

    seq: int
    begin_ns: int
    end_ns: int
    kind: int
    detail: int
    value: int


ROW = struct.Struct("<qqqHHi")
