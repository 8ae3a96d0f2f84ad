"""`evaluate page`: results of `evaluate clips --json`, of one or more runs, as one page."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from watchkeeper.commands.evaluation.page import join_results, page
from watchkeeper.errors import BadInputError
from watchkeeper.files import write_atomically


def run(args: argparse.Namespace) -> int:
    """Join and write. Raises BadInputError for a file that is none."""
    write_atomically(args.out, page(join_results([_read(path) for path in args.results])))
    return 0


def _read(path: Path) -> dict[str, Any]:
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInputError.at(path, f"cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise BadInputError.at(path, f"expected JSON: {error}") from None
    for key in ("clips", "subjects"):
        if not isinstance(result, dict) or not isinstance(result.get(key), list):
            raise BadInputError.at(path, "expected what `evaluate clips --json` prints", field=key)
    return dict(result)
