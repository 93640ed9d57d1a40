"""Why a test failed, for people: the moments, the evidence's path up to them, the rule's series as they were then."""

import math
from collections.abc import Iterator, Sequence
from datetime import timedelta

from watchdog.domain.conditions import Op, Threshold
from watchdog.domain.judge.sentences import odds
from watchdog.domain.judge.verdict import Verdict, number
from watchdog.domain.rules import Budget, Rule
from watchdog.replay.rule_tests.cases import SeriesLine
from watchdog.replay.rule_tests.checking import Checked, written
from watchdog.replay.rule_tests.cluster import BEGIN
from watchdog.replay.rule_tests.relevance import looks_at
from watchdog.replay.rule_tests.running import Course, Run, Said
from watchdog.replay.rule_tests.scenes import revisions
from watchdog.simulator.tsdb import STALE, milliseconds
from watchdog.simulator.tsdb import labels_of as canonical

_FIRST_ROWS, _LAST_ROWS = 2, 9
_BAR = 12
_LOOK_BACK = timedelta(minutes=5)  # as Prometheus does for the value at a moment
_WIDEST_VALUES = 60


def why_failed(checked: Sequence[Checked], run: Run) -> Iterator[str]:
    """The lines that explain a failed test; what is the same of one rule's expectations is said once."""
    shown: set[str] = set()
    for one in checked:
        if one.met:
            continue
        yield f"{one.rule}: {one.failure}" if one.rule else one.failure
        rule = one.rule or (run.way.first if run.way is not None and run.way.first is not None else "")
        course = run.courses.get(rule)
        if course is not None and course.said and rule not in shown:
            shown.add(rule)
            yield from _evidence_of(one, course, run)


def _evidence_of(checked: Checked, course: Course, run: Run) -> Iterator[str]:
    for moment in checked.moments:
        held = course.at(moment)
        if held is None:
            yield f"  at {written(moment)}: nothing was judged yet"
            continue
        judged = "" if held.at == moment else f" (judged at {written(held.at)})"
        yield f"  at {written(moment)}{judged}: {held.verdict.finding}: {held.verdict.sentence}"
    came = course.breach.at if course.breach is not None else course.said[-1].at
    last = max(checked.moments, default=came)
    yield "  how it went:"
    yield from (f"    {row}" for row in _path(course, last))
    lines = _series_of(course.rule, run)
    if not lines and course.said[-1].verdict.evidence.query:
        yield "  no series of the test is what this rule asks for:"
        yield f"    {course.said[-1].verdict.evidence.query}"
    elif lines:
        yield f"  its series, and their values at {written(last)}:"
        width = max(len(line.text) for line in lines)
        yield from (f"    {line.text:<{width}}  {_shortened(line.values)}  {_value(line, run, last)}" for line in lines)


def _path(course: Course, last: timedelta) -> list[str]:
    """What the rule said up to a moment, runs of the same put together, the middle left out where it is long."""
    rows: list[tuple[str, str]] = []
    before = ""
    for one in course.said:
        if one.at > last and rows:
            break
        text = _row(course.rule, one)
        if text != before:
            rows.append((written(one.at), text))
        before = text
    if len(rows) > _FIRST_ROWS + _LAST_ROWS + 1:
        left_out = len(rows) - _FIRST_ROWS - _LAST_ROWS
        rows = [*rows[:_FIRST_ROWS], ("...", f"{left_out} more"), *rows[-_LAST_ROWS:]]
    return [f"{moment:>7}  {text}" for moment, text in rows]


def _row(rule: Rule, one: Said) -> str:
    verdict = one.verdict
    evidence = verdict.evidence
    if evidence.value is None or _op(rule) is None:
        return f"{verdict.finding:<9}  {verdict.sentence}"
    value, limit = number(evidence.value, evidence.dimension), number(evidence.limit, evidence.dimension)
    return f"{verdict.finding:<9}  {value:>8} (limit {_op(rule)} {limit}){_evidence(verdict)}"


def _evidence(verdict: Verdict) -> str:
    stands, needed = verdict.evidence.log_evidence, verdict.evidence.needed
    if stands is None or needed is None:
        return ""
    share = min(1.0, max(0.0, stands / needed)) if needed > 0 and math.isfinite(stands) else 0.0
    bar = "#" * round(share * _BAR)
    return f"  [{bar:<{_BAR}}] odds {odds(stands)} of {odds(needed)} needed"


def _op(rule: Rule) -> Op | None:
    match rule.check:
        case Threshold(op=op):
            return op
        case Budget(threshold):
            return threshold.op
        case _:
            return None


def _series_of(rule: Rule, run: Run) -> Sequence[SeriesLine]:
    switch = run.case.switch
    wanted = looks_at(rule, switch.target, revisions(switch), run.tsdb)
    return [line for line in run.case.series if canonical(line.labels) in wanted]


def _shortened(values: str) -> str:
    plain = " ".join(values.split())
    return f"'{plain if len(plain) <= _WIDEST_VALUES else plain[: _WIDEST_VALUES - 3] + '...'}'"


def _value(line: SeriesLine, run: Run, moment: timedelta) -> str:
    at = BEGIN + run.case.switch.at + moment
    series = run.tsdb.series(line.labels)
    found = [
        value
        for time, value in zip(series.times, series.values, strict=True)
        if milliseconds(at - _LOOK_BACK) <= time <= milliseconds(at)
    ]
    if not found:
        return "no sample"
    return "stale" if found[-1] is STALE else f"{found[-1]:,.6g}"
