"""A selector that asks for some of what another asks for: its series are picked out of that one's answer."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache

import promql_parser as promql

from watchdog.domain.measurement import Answer
from watchdog.engine.standing_in import with_stand_ins

Fits = Callable[[Mapping[str, str]], bool]

# What RE2 and Python read alike: letters, alternatives, classes, repeats; no escapes and no flags.
_PLAIN = re.compile(r"(?:[A-Za-z0-9_.|*+?\[\])-]|\((?!\?))*")


def picked(answer: Answer, whole: str, part: str) -> Answer | None:
    """The answer to `part` out of that to `whole`; None where it must be asked. Both are filled in but for the pods."""
    fits = refinement(whole, part)
    if fits is None:
        return None
    return replace(answer, series=tuple([series for series in answer.series if fits(series.labels)]))


@lru_cache(maxsize=4096)
def refinement(whole: str, part: str) -> Fits | None:
    """What the series of `part` have beyond those of `whole`; None where that cannot be told from the labels."""
    selectors = promql.parse(with_stand_ins(whole)), promql.parse(with_stand_ins(part))
    outer, inner = selectors
    if not isinstance(outer, promql.VectorSelector) or not isinstance(inner, promql.VectorSelector):
        return None
    if outer.name is None or outer.name != inner.name:
        return None
    if any(one.offset is not None or one.at is not None for one in (outer, inner)):
        return None
    known = {_written(matcher) for matcher in outer.matchers.matchers}
    asked = {_written(matcher) for matcher in inner.matchers.matchers}
    if not known <= asked or outer.matchers.or_matchers or inner.matchers.or_matchers:
        return None
    tests = [_test(*matcher) for matcher in asked - known]
    found = [test for test in tests if test is not None]
    if len(found) < len(tests):
        return None
    return found[0] if len(found) == 1 else lambda labels: all(test(labels) for test in found)


def _written(matcher: promql.Matcher) -> tuple[str, str, str]:
    return matcher.name, str(matcher.op), matcher.value


def _test(name: str, op: str, value: str) -> Fits | None:
    # A label that is absent is the empty one.
    match op:
        case "MatchOp.Equal":
            return lambda labels: labels.get(name, "") == value
        case "MatchOp.NotEqual":
            return lambda labels: labels.get(name, "") != value
        case "MatchOp.Re" | "MatchOp.NotRe" if _PLAIN.fullmatch(value):
            pattern, wanted = _compiled(value), op == "MatchOp.Re"
            return pattern and (lambda labels: (pattern.fullmatch(labels.get(name, "")) is not None) is wanted)
    return None


def _compiled(value: str) -> re.Pattern[str] | None:
    try:
        return re.compile(value)
    except re.error:
        return None
