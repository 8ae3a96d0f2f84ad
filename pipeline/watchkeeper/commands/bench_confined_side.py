"""One side of `bench confinement`: the product's loop on the demo drive, confined as vision is, or not at all.

    python -m watchkeeper.commands.bench_confined_side confined|free

A line with a number on stdin: so many frames are run, and a line of JSON says how long each took, ns. Nothing of weight
is imported before all is given up, as in runtime/confined.py.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any

from watchkeeper.confine.process import confine
from watchkeeper.mailbox.layout import VISION
from watchkeeper.mailbox.writer import Mailbox, Writer
from watchkeeper.runtime.policy import policy_for
from watchkeeper.runtime.vision_options import vision_options

SIDES = ("confined", "free")


def main() -> None:
    """Until stdin ends."""
    fd = Mailbox.create(VISION)
    args = vision_options(["watchkeeper-vision", "--board", "host", "--state-fd", str(fd), "--vehicle-fd", str(fd)])
    if sys.argv[1] == SIDES[0]:
        policy = policy_for(args)
        confine(policy.rules, local_sockets=policy.local_sockets, data_limit_bytes=policy.data_limit_bytes)
    bench: Any = importlib.import_module("watchkeeper.commands.bench_confined_loop")
    loop = bench.Loop(Writer(fd, VISION).write)
    for line in sys.stdin:
        print(json.dumps(loop.run(int(line))), flush=True)
    os._exit(0)  # its sockets and files are gone already; nothing is to be said at the end


if __name__ == "__main__":
    main()
