"""`evaluate page`: results of `evaluate clips --json`, of several runs over the same clips, as one page."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from watchkeeper.commands.evaluation.page import page
from watchkeeper.errors import BadInputError
from watchkeeper.files import write_atomically


def run(args: argparse.Namespace) -> int:
    """Join and write. Raises BadInputError for a file that is none, or for runs over different clips."""
    results = [_read(path) for path in args.results]
    for path, result in zip(args.results[1:], results[1:], strict=True):
        if result["clips"] != results[0]["clips"]:
            raise BadInputError.at(path, f"expected the same clips as in {args.results[0]}", field="clips")
    joined = results[0] | {"subjects": [s for result in results for s in result["subjects"]]}
    write_atomically(args.out, page(joined))
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
