"""One line of a scenario as words, numbers and signs, read from left to right; and times written as sums."""

from __future__ import annotations

import re
from collections.abc import Mapping

_TOKEN = re.compile(r"(?P<number>\d+(?:\.\d+)?)|(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign>[:;,=+*%-])|(?P<space>\s+)")
_UNITS_NS = {"ms": 1_000_000, "s": 1_000_000_000, "min": 60_000_000_000, "h": 3_600_000_000_000}
_LONGEST_NS = 1_000 * _UNITS_NS["h"]


class SyntaxProblemError(Exception):
    """What is wrong with the line being read; the parser adds file and line."""


class Words:
    """A line being read. `names`: times that may stand by their name."""

    def __init__(self, text: str, names: Mapping[str, int]) -> None:
        self._names = names
        self._tokens: list[str] = []
        at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise SyntaxProblemError(f"unexpected character {text[at]!r}")
            if match.lastgroup != "space":
                self._tokens.append(match.group())
            at = match.end()
        self._next = 0

    @property
    def peek(self) -> str:
        """The next word, number or sign; empty at the end."""
        return self._tokens[self._next] if self._next < len(self._tokens) else ""

    @property
    def shown(self) -> str:
        """The next token as errors show it."""
        return repr(self.peek) if self.peek else "the end of the line"

    def take(self, *wanted: str) -> bool:
        """Step over the next tokens when they are these."""
        if tuple(self._tokens[self._next : self._next + len(wanted)]) != wanted:
            return False
        self._next += len(wanted)
        return True

    def need(self, wanted: str) -> None:
        """Step over `wanted`, which has to come now."""
        if not self.take(wanted):
            raise SyntaxProblemError(f"expected {wanted!r}, got {self.shown}")

    def word(self, what: str) -> str:
        """The next word. `what` it is, for the error."""
        token = self.peek
        if not (token[:1].isalpha() or token[:1] == "_"):
            raise SyntaxProblemError(f"expected {what}, got {self.shown}")
        self._next += 1
        return token

    def one_of(self, what: str, known: Mapping[str, object] | tuple[str, ...]) -> str:
        """The next word, which has to be one of `known`."""
        shown, word = self.shown, self.word(f"{what}: {', '.join(known)}")
        if word not in known:
            raise SyntaxProblemError(f"expected {what}: {', '.join(known)}; got {shown}")
        return word

    @property
    def number_next(self) -> bool:
        """A number comes now."""
        token = self.peek
        if token == "-":
            token = self._tokens[self._next + 1] if self._next + 1 < len(self._tokens) else ""
        return token[:1].isdigit()

    def number(self, what: str, low: float, high: float) -> float:
        """The next number, from low to high."""
        sign = -1.0 if self.take("-") else 1.0
        if not self.number_next or self.peek == "-":
            raise SyntaxProblemError(f"expected {what} as a number, got {self.shown}")
        value = sign * float(self.peek)
        if not low <= value <= high:
            raise SyntaxProblemError(f"expected {what} from {low:g} to {high:g}, got {value:g}")
        self._next += 1
        return value

    def time_ns(self, what: str) -> int:
        """A sum of times, not negative: `10 s + 2 * T - 0.2 s`."""
        total, sign = self._term(what), 1
        while self.peek in ("+", "-"):
            sign = 1 if self.take("+") else -1
            if sign < 0:
                self.need("-")
            total += sign * self._term(what)
        if not 0 <= total <= _LONGEST_NS:
            raise SyntaxProblemError(f"expected {what} from 0 to 1000 h, got {total / 1e9:g} s")
        return total

    def _term(self, what: str) -> int:
        if not self.number_next:
            return self._named(what)
        value = self.number(what, 0.0, 1e9)
        if self.take("*"):
            return round(value * self._named(what))
        if self.peek not in _UNITS_NS:
            raise SyntaxProblemError(
                f"expected a unit of time after {value:g}: {', '.join(_UNITS_NS)}; got {self.shown}"
            )
        return round(value * _UNITS_NS[self.word("a unit")])

    def _named(self, what: str) -> int:
        shown, name = self.shown, self.word(f"{what}, such as 2.5 s,")
        if name not in self._names:
            raise SyntaxProblemError(f"expected {what}: {shown} is no time that was named before")
        return self._names[name]

    def end(self) -> None:
        """Nothing may follow."""
        if self.peek:
            raise SyntaxProblemError(f"expected the end of the line, got {self.shown}")
