"""A puppet that becomes another user first, as the product's vision does where it was started with the right to.

own_user_vision.py UID GID PUPPET'S OPTIONS...
"""

from __future__ import annotations

import sys
from pathlib import Path

import puppet_vision

from watchkeeper.confine.account import Account
from watchkeeper.confine.landlock import READ, Rule
from watchkeeper.confine.process import confine


def main() -> int:
    """The puppet's exit status."""
    user = Account("watchkeeper-vision", int(sys.argv[1]), int(sys.argv[2]))
    confine([Rule(Path("/"), READ)], user=user)
    del sys.argv[1:3]
    return puppet_vision.main()


if __name__ == "__main__":
    sys.exit(main())
