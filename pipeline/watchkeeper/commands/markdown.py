"""Pieces of a generated page (Markdown)."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterable


def text(*sentences: str) -> str:
    """One paragraph, wrapped."""
    return textwrap.fill(" ".join(sentences), 120, break_long_words=False, break_on_hyphens=False)


def doc(described: object) -> list[str]:
    """The paragraphs of a docstring."""
    return [text(*part.split()) for part in (inspect.getdoc(described) or "").split("\n\n")]


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of cells without line breaks."""
    first = list(head)
    lines = [first, ["---"] * len(first), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
