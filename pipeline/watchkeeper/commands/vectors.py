"""`vectors`: the E2E test vectors as JSON."""

from __future__ import annotations

import argparse
import json

from watchkeeper.supervisor.spec import DEFAULT_BASE_ID
from watchkeeper.supervisor.vectors import vectors


def run(args: argparse.Namespace) -> int:
    """Print the vectors, one a line inside one JSON list."""
    rows = vectors(DEFAULT_BASE_ID if args.base_id is None else args.base_id)
    print("[\n" + ",\n".join("  " + json.dumps(row) for row in rows) + "\n]")
    return 0
