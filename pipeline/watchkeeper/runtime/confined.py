"""The vision process as the product starts it: confined before a byte of a picture, or a library, is in it.

    python -m watchkeeper.runtime.confined watchkeeper-vision --source URI ... --state-fd N --vehicle-fd M

What needs a permission (first-in-first-out scheduling, locked memory) is taken first; then everything is given up,
the supervisor's user too where it was started with the right to become another; only then are numpy, the decoder and
the engine loaded. There is no option that leaves it out. Exit status as runtime.vision.
"""

from __future__ import annotations

import importlib
import sys

from watchkeeper.confine import account
from watchkeeper.confine.process import confine
from watchkeeper.errors import WatchkeeperError
from watchkeeper.runtime.policy import policy_for
from watchkeeper.runtime.realtime import become_realtime
from watchkeeper.runtime.vision_options import vision_options


def main(argv: list[str] | None = None) -> int:
    """As runtime.vision.main, whose arguments it takes; one line on stderr for each thing this kernel lacks."""
    args = vision_options(argv)
    try:
        policy = policy_for(args)
    except WatchkeeperError as error:
        print(f"watchkeeper-vision: {error}", file=sys.stderr)
        return error.exit_status
    locked = args.realtime
    if args.realtime:
        for what in become_realtime():
            print(f"watchkeeper-vision: works with more jitter: no {what}", file=sys.stderr)
        args.realtime = False  # done; later there is no permission for it
    user, why_not = account.choose(policy.read, policy.written)
    missing = confine(
        policy.rules,
        local_sockets=policy.local_sockets,
        data_limit_bytes=policy.data_limit_bytes,
        locked=locked,
        user=user,
    )
    for what in missing if why_not is None else [why_not, *missing]:
        print(f"watchkeeper-vision: less confined: {what}", file=sys.stderr)
    status: int = importlib.import_module("watchkeeper.runtime.vision").run(args)
    return status


if __name__ == "__main__":
    sys.exit(main())
