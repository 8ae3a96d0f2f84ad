"""`dbc`: the contract in every form it is handed out in, its lint, and what a change of it does to receivers."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from watchkeeper.errors import BadInputError, CheckFailedError
from watchkeeper.files import write_atomically
from watchkeeper.supervisor.c_header import header_text
from watchkeeper.supervisor.can_page import page_text
from watchkeeper.supervisor.dbc import dbc_text
from watchkeeper.supervisor.spec import DEFAULT_BASE_ID, check_base_id
from watchkeeper.supervisor.spec_change import compare, spec_record, version_problem
from watchkeeper.supervisor.spec_lint import lint


def record_text(base_id: int = DEFAULT_BASE_ID) -> str:
    """The contract as a record to compare later ones with; it does not depend on the base id."""
    check_base_id(base_id)
    return json.dumps(spec_record(), indent=1) + "\n"


FORMS: dict[str, Callable[[int], str]] = {
    "dbc": dbc_text,
    "page": page_text,
    "c": header_text,
    "record": record_text,
}


def run(args: argparse.Namespace) -> int:
    """Write the contract, or check it. Raises BadInputError (base id, file) and CheckFailedError (a problem found)."""
    base_id = check_base_id(DEFAULT_BASE_ID if args.base_id is None else args.base_id)
    if args.lint or args.against is not None:
        return _check(args.lint, args.against, base_id)
    text = FORMS[args.form](base_id)
    if args.out is None:
        sys.stdout.write(text)
        return 0
    # A record is only ever replaced by one whose version owns up to what has changed.
    replaces = args.form == "record" and args.out.exists()
    if replaces and (hidden := version_problem(read_record(args.out), spec_record())):
        raise CheckFailedError(f"{args.out}: not replaced: {hidden}")
    write_atomically(args.out, text)
    return 0


def _check(lint_too: bool, against: Path | None, base_id: int) -> int:
    problems = lint(base_id=base_id) if lint_too else []
    for problem in problems:
        print(problem)
    if problems:
        raise CheckFailedError(f"{len(problems)} problems in the CAN spec")
    if lint_too:
        print("the CAN spec is sound")
    if against is not None:
        old, new = read_record(against), spec_record()
        for change in compare(old, new):
            print(f"{change.severity.name.lower():10} {change.what}")
        if hidden := version_problem(old, new):
            raise CheckFailedError(f"{against}: {hidden}")
        print(f"contract version {'.'.join(map(str, new['contract_version']))} fits what has changed since {against}")
    return 0


def read_record(path: Path) -> dict[str, Any]:
    """A record as `dbc --as record` writes it. Raises BadInputError naming the file."""
    try:
        record: Any = json.loads(path.read_text(encoding="utf-8"))
        # every field that a comparison looks at; a record of itself is the cheapest complete check
        compare(record, record)
        major, minor = record["contract_version"]
        _ = int(major), int(minor)
    except OSError as error:
        raise BadInputError.at(path, f"cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadInputError.at(path, "expected a record as `watchkeeper dbc --as record` writes it") from None
    assert isinstance(record, dict)
    return record
