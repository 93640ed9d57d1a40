"""What was expected against what came: each expectation is met, or fails with one sentence and the moments to show."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from watchdog.domain.judge import Finding
from watchdog.replay.rule_tests.cases import Expectation, OutcomeExpected, When
from watchdog.replay.rule_tests.running import Course, Run, Said, Way
from watchdog.rulebook.durations import duration_text


@dataclass(frozen=True, slots=True)
class Checked:
    """One expectation and what became of it. `failure` is "" where it was met; `moments` are worth a look then."""

    rule: str  # "" for what the whole watch does
    expected: str
    failure: str = ""
    moments: tuple[timedelta, ...] = ()

    @property
    def met(self) -> bool:
        """Whether it came as expected."""
        return not self.failure


@dataclass(frozen=True, slots=True)
class Result:
    """A test that was run."""

    run: Run
    checked: tuple[Checked, ...]
    seconds: float = 0.0  # of real time

    @property
    def passed(self) -> bool:
        """Whether all came as expected."""
        return all(one.met for one in self.checked)


def check(run: Run) -> tuple[Checked, ...]:
    """Hold a run to what its test expects."""
    case = run.case
    checked = [
        Checked(rule, one.text, *_rule(one, run.courses[rule], run.end))
        for rule, expected in case.rules.items()
        for one in expected
    ]
    if run.way is not None:
        if case.first is not None:
            checked.append(Checked("", f"first = {case.first}", *_first(case.first, run.way, run.courses)))
        if case.outcome is not None:
            checked.append(Checked("", f"outcome = {case.outcome.text}", *_outcome(case.outcome, run.way)))
    # What cannot be evaluated looks like no data, and "no breach" would hold of it.
    checked += [
        Checked("", "every query can be evaluated", f"a query cannot be evaluated here: {why}: {query}")
        for query, why in run.refused.items()
    ]
    return tuple(checked)


_Failure = tuple[str, tuple[timedelta, ...]]
_MET: _Failure = ("", ())


def _rule(expected: Expectation, course: Course, end: timedelta) -> _Failure:
    breach = course.breach
    match expected.when:
        case When.NEVER:
            if breach is None:
                return _MET
            return f"expected no breach, came at {written(breach.at)}", (breach.at,)
        case When.WITHIN if expected.finding is Finding.BREACH:
            return _breach_within(expected, breach, end)
        case When.WITHIN:
            return _said_within(expected, course, end)
        case When.AT | When.AT_END:
            moment = end if expected.by is None else expected.by
            return _said_at(expected, course, moment)


def _breach_within(expected: Expectation, breach: Said | None, end: timedelta) -> _Failure:
    wanted = f"expected {expected.text}"
    if breach is None:
        return f"{wanted}, never came in the {written(end)} of the watch", _moments(expected.by, end)
    late = expected.by is not None and breach.at > expected.by
    early = expected.after is not None and breach.at <= expected.after
    if late or early:
        return f"{wanted}, came at {written(breach.at)}", _moments(expected.by if late else None, breach.at)
    return _MET


def _said_within(expected: Expectation, course: Course, end: timedelta) -> _Failure:
    found = next((one for one in course.said if one.verdict.finding is expected.finding), None)
    if found is not None and (expected.by is None or found.at <= expected.by):
        return _MET
    when = f"came at {written(found.at)}" if found is not None else f"never came in the {written(end)} of the watch"
    return f"expected {expected.text}, {when}", _moments(expected.by, end if found is None else found.at)


def _said_at(expected: Expectation, course: Course, moment: timedelta) -> _Failure:
    held = course.at(moment)
    if held is not None and held.verdict.finding is expected.finding:
        return _MET
    said = "it had said nothing yet" if held is None else f"it said {held.verdict.finding}"
    if held is not None and held.verdict.finding is Finding.BREACH:
        said = f"breach came at {written(held.at)}"
    shown = moment if held is None else held.at
    return f"expected {expected.text}{'' if expected.by else f' at the end, at {written(moment)}'}, {said}", (shown,)


def _moments(*moments: timedelta | None) -> tuple[timedelta, ...]:
    return tuple(moment for moment in moments if moment is not None)


def _first(rule: str, way: Way, courses: Mapping[str, Course]) -> _Failure:
    if way.first == rule:
        return _MET
    breach = courses[way.first].breach if way.first is not None else None
    came = f"{way.first} was, at {written(breach.at)}" if breach is not None else "no rule asked for a rollback"
    return f"expected {rule} to be the first to ask for a rollback, {came}", _moments(
        None if breach is None else breach.at
    )


def _outcome(expected: OutcomeExpected, way: Way) -> _Failure:
    came = f"it was {way.outcome} at {written(way.at)}: {way.why}"
    same = way.outcome == expected.outcome
    if same is expected.negated or (expected.by is not None and way.at > expected.by):
        return f"expected the watch to be {expected.text}, {came}", ()
    return _MET


def written(moment: timedelta) -> str:
    """A moment after the switch, as people write it in a test."""
    return duration_text(timedelta(seconds=round(moment.total_seconds())))
