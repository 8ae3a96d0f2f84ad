"""`dbc`: the generated DBC, on stdout or into a file."""

from __future__ import annotations

import argparse
import sys

from watchkeeper.files import write_atomically
from watchkeeper.supervisor.dbc import dbc_text
from watchkeeper.supervisor.spec import DEFAULT_BASE_ID


def run(args: argparse.Namespace) -> int:
    """Write the DBC for the base id. Raises BadInputError for a bad one or an unwritable file."""
    text = dbc_text(DEFAULT_BASE_ID if args.base_id is None else args.base_id)
    if args.out is None:
        sys.stdout.write(text)
    else:
        write_atomically(args.out, text)
    return 0
