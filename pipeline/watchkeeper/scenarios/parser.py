"""Reading the language of docs/scenarios.md: a statement a line, errors with file and line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from watchkeeper.errors import BadInputError
from watchkeeper.scenarios.actions import read_action
from watchkeeper.scenarios.model import Action, CameraModel, Expectation, Kind, Noise, Readings, Scenario
from watchkeeper.scenarios.observations import read_what
from watchkeeper.scenarios.tokens import SyntaxProblemError, Words

MARGIN = "margin"
_MARGIN_NS = _WITHIN_NS = 200_000_000  # the test tolerance of Euro NCAP; a scenario may say otherwise
_NOISY = ("gaze", "head", "lids", "mouth")
_STATEMENTS = (
    "title", "clause", "profile", "limits", "camera", "noise", "readings", "at", "every", "edge", "expect", "end",
    "or NAME = TIME",
)  # fmt: skip


def read_scenario(
    path: Path, names: Mapping[str, int], margin_ns: int = _MARGIN_NS, within_ns: int = _WITHIN_NS
) -> Scenario:
    """The scenario in a file; see `parse_scenario`."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BadInputError.at(path, "expected UTF-8 text") from None
    except OSError as error:
        raise BadInputError.at(path, f"cannot be read: {error.strerror}") from None
    return parse_scenario(text, str(path), names, margin_ns, within_ns)


def parse_scenario(
    text: str, source: str, names: Mapping[str, int], margin_ns: int = _MARGIN_NS, within_ns: int = _WITHIN_NS
) -> Scenario:
    """The scenario written in `text`; `source` is its name in errors.

    names: times in ns the text may use, the limits of the rules for one. margin_ns: what `margin` stands for.
    within_ns: tolerance of expectations that state none.
    Raises BadInputError naming source, line and what was expected.
    """
    parser = _Parser(source, {**names, MARGIN: margin_ns}, margin_ns, within_ns)
    for number, line in enumerate(text.splitlines(), start=1):
        parser.read(line.partition("#")[0].strip(), number)
    return parser.finish()


class _Parser:
    def __init__(self, source: str, names: dict[str, int], margin_ns: int, within_ns: int) -> None:
        self._source, self._names, self._margin_ns, self._within_ns = source, names, margin_ns, within_ns
        self._texts: dict[str, str] = {}
        self._camera, self._readings = CameraModel(), Readings()
        self._noise: list[Noise] = []
        self._actions: list[Action] = []
        self._expectations: list[Expectation] = []
        self._end_ns: int | None = None

    def read(self, text: str, line: int) -> None:
        """Take one line. Raises BadInputError."""
        try:
            self._statement(text, line)
        except SyntaxProblemError as problem:
            raise BadInputError.at(self._source, str(problem), line=line) from None

    def _statement(self, text: str, line: int) -> None:
        keyword, _, rest = text.partition(" ")
        if not text:
            return
        if keyword in ("title", "clause", "profile", "limits"):
            if keyword in self._texts:
                raise SyntaxProblemError(f"{keyword} stands twice")
            self._texts[keyword] = rest.strip()
            return
        words = Words(text, self._names)
        name = words.word(f"a statement: {', '.join(_STATEMENTS)};")
        if words.take("="):
            self._define(name, words)
        elif name == "at":
            self._at(words)
        elif name == "every":
            self._every(words)
        elif name == "camera":
            self._read_camera(words)
        elif name == "noise":
            self._read_noise(words)
        elif name == "readings":
            words.need("bare")
            bare = words.number("a share", 0, 1)
            words.need("glasses")
            self._readings = Readings(bare, words.number("a share", 0, 1))
        elif name in ("expect", "edge"):
            self._expect(name, words, line)
        elif name == "end":
            words.need("at")
            self._end_ns = words.time_ns("the end")
        else:
            raise SyntaxProblemError(f"expected a statement: {', '.join(_STATEMENTS)}; got {name!r}")
        words.end()

    def _define(self, name: str, words: Words) -> None:
        if name in self._names:
            raise SyntaxProblemError(f"{name} has a time already")
        self._names[name] = words.time_ns("a time")

    def _at(self, words: Words) -> None:
        start_ns = 0 if words.take("start") else words.time_ns("when")
        self._add(self._read_actions(words), start_ns)

    def _every(self, words: Words) -> None:
        period_ns = words.time_ns("how often")
        if period_ns == 0:
            raise SyntaxProblemError("expected to happen less often than every 0 s")
        words.need("from")
        start_ns = words.time_ns("the first time")
        words.need("to")
        last_ns = words.time_ns("the last time")
        actions = self._read_actions(words)
        if (last_ns - start_ns) // period_ns > 100_000:
            raise SyntaxProblemError("expected at most 100000 repetitions")
        for at_ns in range(start_ns, last_ns + 1, period_ns):
            self._add(actions, at_ns)

    def _read_actions(self, words: Words) -> list[Action]:
        words.need(":")
        actions: list[Action] = []
        while True:
            settings, lasts_ns = read_action(words)
            actions += [Action(track, value, 0, lasts_ns) for track, value in settings]
            if not words.take(";"):
                return actions

    def _add(self, actions: list[Action], start_ns: int) -> None:
        for action in actions:
            end_ns = None if action.end_ns is None else start_ns + action.end_ns
            self._actions.append(replace(action, start_ns=start_ns, end_ns=end_ns))

    def _read_camera(self, words: Words) -> None:
        camera = replace(self._camera, fps=words.number("frames a second", 1, 240))
        words.need("fps")
        while words.take(","):
            setting = words.one_of("a camera setting", ("jitter", "lost", "seed", "shift"))
            if setting == "jitter":
                camera = replace(camera, jitter_ns=words.time_ns("jitter each way"))
            elif setting == "shift":
                camera = replace(camera, shift_ns=words.time_ns("time of the first frame"))
            elif setting == "seed":
                camera = replace(camera, seed=int(words.number("a seed", 0, 2**31)))
            else:
                camera = replace(camera, lost=words.number("a share in percent", 0, 99) / 100)
                words.need("%")
        self._camera = camera

    def _read_noise(self, words: Words) -> None:
        while True:
            signal = words.one_of("a signal", _NOISY)
            std = words.number("one standard deviation", 0, 90)
            words.take("deg")
            over_ns = words.time_ns("over which time") if words.take("over") else 0
            self._noise.append(Noise(signal, std, over_ns))
            if not words.take(","):
                return

    def _expect(self, name: str, words: Words, line: int) -> None:
        kind = Kind.EDGE if name == "edge" else Kind.NEVER if words.take("no") else Kind.HAPPENS
        what = read_what(words)
        at_ns: int | None = None
        within_ns = self._within_ns
        if kind is not Kind.NEVER:
            words.need("at")
            at_ns = words.time_ns("when")
            if words.take("within"):
                within_ns = words.time_ns("a tolerance")
        self._expectations.append(Expectation(kind, what, at_ns, within_ns, line))

    def finish(self) -> Scenario:
        if self._end_ns is None:
            raise BadInputError.at(self._source, "expected a line `end at TIME`")
        listed = {key: self._texts.get(key, "").replace(",", " ").split() for key in ("profile", "limits")}
        for limit in listed["limits"]:
            if limit not in self._names:
                raise BadInputError.at(self._source, f"{limit} is no time that was named before", field="limits")
        return Scenario(
            self._source, self._texts.get("title", Path(self._source).stem), self._texts.get("clause", ""),
            tuple(listed["profile"]), tuple(listed["limits"]), self._end_ns, self._camera, self._readings,
            self._margin_ns, tuple(self._noise), tuple(self._actions), tuple(self._expectations),
        )  # fmt: skip
