"""A judged scenario held against what it expects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from watchkeeper.scenarios.model import Expectation, Kind, Scenario


def failures(scenario: Scenario, seen: Mapping[str, Sequence[int]]) -> list[str]:
    """What did not come as expected, a line each; empty when all did. `seen`: times from the drive's start, ns."""
    problems = ((e, _problem(e, scenario.margin_ns, seen[e.what])) for e in scenario.expectations)
    return [f"{scenario.source}:{e.line}: {e.what}: {problem}" for e, problem in problems if problem]


def _problem(expectation: Expectation, margin_ns: int, seen: Sequence[int]) -> str | None:
    times = ", ".join(f"{t_ns / 1e9:.3f} s" for t_ns in seen) or "never"
    at_ns, within_ns = expectation.at_ns, expectation.within_ns
    if expectation.kind is Kind.NEVER or at_ns is None:
        return f"expected never, seen at {times}" if seen else None
    on_time = any(abs(t_ns - at_ns) <= within_ns for t_ns in seen)
    early = [t_ns for t_ns in seen if t_ns < at_ns - within_ns]
    if expectation.kind is Kind.HAPPENS or margin_ns > 0:
        missed = not on_time or (expectation.kind is Kind.EDGE and bool(early))
        return f"expected at {at_ns / 1e9:.3f} s within {within_ns / 1e9:g} s, seen: {times}" if missed else None
    if margin_ns < 0 and any(t_ns <= at_ns + within_ns for t_ns in seen):
        return f"expected not up to {(at_ns + within_ns) / 1e9:.3f} s, seen: {times}"
    return f"expected not before {(at_ns - within_ns) / 1e9:.3f} s, seen: {times}" if early else None
