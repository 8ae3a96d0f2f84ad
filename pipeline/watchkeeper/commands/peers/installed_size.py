"""Bytes that distributions take on disk with all they require, as installed for the interpreter that runs this.

argv: names. Prints one number. Imports nothing but the standard library: it is run by the peers' interpreters too.
Requirements of extras are left out, and so is what is required but not installed (another platform's).
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def closure(names: list[str]) -> set[str]:
    """Names with those of their requirements that are installed, as PEP 503 writes them."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        try:
            requires = distribution(name).requires or []
        except PackageNotFoundError:
            continue
        found.add(name)
        for text in requires:
            match = _NAME.match(text)
            if match and "extra ==" not in text:
                waiting.append(match.group())
    return found


def installed_bytes(names: list[str]) -> int:
    """Of all files of the closure; compiled .pyc files are left out: they come and go."""
    paths: set[Path] = set()
    for name in closure(names):
        for file in distribution(name).files or []:
            path = Path(str(file.locate())).resolve()
            if path.suffix != ".pyc" and path.is_file():
                paths.add(path)
    return sum(path.stat().st_size for path in paths)


if __name__ == "__main__":
    print(installed_bytes(sys.argv[1:]))
