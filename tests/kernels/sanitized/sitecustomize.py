"""Python takes the package's native modules from WATCHKEEPER_SANITIZED, in child processes too. See tools/sanitize."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

_NATIVE = ("watchkeeper._kernels", "watchkeeper._geometry", "watchkeeper._mailbox")


class _Sanitized:
    """A finder that stands before the installed package's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module's file in the folder; ImportError where it has not been built."""
        if name not in _NATIVE:
            return None
        for suffix in importlib.machinery.EXTENSION_SUFFIXES:
            file = self._folder / (name.rpartition(".")[2] + suffix)
            if file.exists():
                return importlib.util.spec_from_file_location(name, file)
        raise ImportError(f"{name}: not in {self._folder}; tools/sanitize builds it")


if "WATCHKEEPER_SANITIZED" in os.environ:
    sys.meta_path.insert(0, _Sanitized(Path(os.environ["WATCHKEEPER_SANITIZED"])))
