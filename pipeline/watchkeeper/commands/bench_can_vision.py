"""A vision process for `bench can`: no camera, a random judgement 30 times a second, so that every signal moves.

    python -m watchkeeper.commands.bench_can_vision watchkeeper-vision --state-fd N --vehicle-fd M

It publishes through the real mailbox, and the supervisor under test cannot tell it from the real one.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys

from watchkeeper.clock import NS_PER_MS, NS_PER_S, now_ns, sleep_until_ns
from watchkeeper.mailbox.layout import VISION
from watchkeeper.mailbox.writer import Writer
from watchkeeper.types import (
    Cause,
    DriverState,
    EyeState,
    Gaze,
    GazeZone,
    Head,
    Presence,
    VisionHealth,
    VisionReport,
)
from watchkeeper.types import Warning as DriverWarning

PERIOD_NS = NS_PER_S // 30
_SEED = 5
_AGE_NS = 20 * NS_PER_MS  # of a picture when it is judged


def random_state(rng: random.Random, seq: int, exposure_ns: int) -> DriverState:
    """A judgement with every field drawn anew; times and counts as a real one has them."""
    return DriverState(
        t_ns=exposure_ns,
        seq=seq,
        active=rng.random() < 0.9,
        cause=rng.choice((Cause.NONE, Cause.NONE, Cause.NO_FACE, Cause.EYES_HIDDEN, Cause.TOO_DARK)),
        calibration_pct=rng.uniform(0, 100),
        warning=rng.choice(list(DriverWarning)),
        level=rng.randrange(4),
        distraction_level=rng.randrange(4),
        drowsiness_level=rng.randrange(4),
        visual=rng.random() < 0.5,
        acoustic=rng.randrange(4),
        haptic=rng.random() < 0.5,
        warning_count=seq // 7,
        onset_ns=exposure_ns - rng.randrange(30) * NS_PER_S,
        acknowledged=rng.random() < 0.5,
        driver_present=rng.choice(list(Presence)),
        left_eye=rng.choice(list(EyeState)),
        right_eye=rng.choice(list(EyeState)),
        gaze_zone=rng.choice(list(GazeZone)),
        away_s=rng.uniform(0, 30),
        closed_s=rng.uniform(0, 15),
        perclos_pct=rng.choice((None, rng.uniform(0, 100))),
        sleepiness_kss=rng.choice((None, rng.randint(1, 9))),
        confidence=rng.randrange(4),
        head=Head(*(rng.uniform(-130, 130) for _ in range(3))),
        gaze=rng.choice((None, Gaze(rng.uniform(-130, 130), rng.uniform(-130, 130)))),
    )


def main() -> int:
    """Publish until told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--state-fd", type=int, required=True)
    parser.add_argument("--vehicle-fd", type=int, required=True)
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    writer, rng = Writer(args.state_fd, VISION), random.Random(_SEED)
    start_ns, seq = now_ns(), 0
    while True:
        seq += 1
        exposure_ns = now_ns() - _AGE_NS
        health = VisionHealth(seq, seq, 0, rng.randrange(4096), rng.uniform(10, 60), 0.0, 0.0, rng.uniform(0, 130))
        driver = random_state(rng, seq, exposure_ns)
        writer.write(VisionReport(now_ns(), os.getpid(), exposure_ns, Cause.NONE, False, driver, health, 0, ()))
        sleep_until_ns(start_ns + seq * PERIOD_NS)


if __name__ == "__main__":
    sys.exit(main())
