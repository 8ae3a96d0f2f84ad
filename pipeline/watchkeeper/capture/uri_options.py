"""Options after a source's address: `?name=value&name=value`, each checked against a pattern."""

from __future__ import annotations

import re

from watchkeeper.errors import BadInputError

SIZE, FPS, BUFFERS = r"(\d{2,4})x(\d{2,4})", r"\d{1,3}(?:\.\d{1,3})?", r"[2-9]|[12]\d|3[0-2]"


class UriOptions:
    """`source` is the whole URI for messages, `expected` what they say was expected. Take every option that is known,
    then call `end`."""

    def __init__(self, source: str, query: str, expected: str) -> None:
        self._source, self._expected = source, expected
        self._given = dict(part.partition("=")[::2] for part in query.split("&") if part)

    def take(self, name: str, pattern: str) -> re.Match[str] | None:
        """The option's match, None when it is not given. Raises BadInputError when it does not fit."""
        text = self._given.pop(name, None)
        match = None if text is None else re.fullmatch(pattern, text)
        if text is not None and match is None:
            raise BadInputError(f"source {self._source}: {name}={text}: expected {self._expected}")
        return match

    def size(self, default: tuple[int, int]) -> tuple[int, int]:
        """`size=WxH`, both even as every YUV layout needs."""
        match = self.take("size", SIZE)
        size = (int(match[1]), int(match[2])) if match else default
        if size[0] % 2 or size[1] % 2 or not all(size):
            raise BadInputError(f"source {self._source}: size={size[0]}x{size[1]}: expected even numbers of pixels")
        return size

    def number(self, name: str, pattern: str, default: float) -> float:
        """Raises BadInputError for 0 too."""
        match = self.take(name, pattern)
        value = float(match[0]) if match else default
        if match and value <= 0:
            raise BadInputError(f"source {self._source}: {name}={match[0]}: expected a number above 0")
        return value

    def end(self) -> None:
        """Raises BadInputError naming an option that nobody took."""
        if self._given:
            name = next(iter(self._given))
            raise BadInputError(f"source {self._source}: unknown option {name}; expected {self._expected}")
