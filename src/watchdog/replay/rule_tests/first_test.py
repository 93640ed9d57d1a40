"""Writes a first test of a rule: a good and a bad release, derived from its own condition and tried out at once."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from watchdog.domain.rules import Guard, Probe, Rule, Rulebook, Signs
from watchdog.replay.rule_tests import keys
from watchdog.replay.rule_tests.cases import Case
from watchdog.replay.rule_tests.checking import check
from watchdog.replay.rule_tests.example_labels import CannotWrite
from watchdog.replay.rule_tests.first_series import Scale, limits_of, series_of
from watchdog.replay.rule_tests.reading import read_tests
from watchdog.replay.rule_tests.running import run_case
from watchdog.rulebook.durations import duration_text
from watchdog.rulebook.mistakes import nearest

HEADER = """\
# Tests of the rules beside this file: `watchdog test` runs them, docs/rule-tests.md explains every key.
# Series are written as for promtool; those that name {{ candidate }} begin with the switch, all others with the test.
"""
_FAILS_FROM = timedelta(minutes=1)


class NoSuchName(Exception):
    """The rules file has no such rule or guard; names the nearest one."""


@dataclass(frozen=True, slots=True)
class _Draft:
    """One test on its way to its text."""

    name: str
    guard: Guard
    rule: Rule
    series: Mapping[str, str]
    expected: str
    tables: Sequence[str] = field(default=())  # probes, signs, limits: as lines

    def text(self) -> str:
        """As it stands in the file."""
        lines = [
            "[[tests]]",
            f"name   = {toml_text(self.name)}",
            f"guard  = {toml_text(self.guard.name)}",
            *self.tables,
            f"expect = {{ {self.rule.name} = {toml_text(self.expected)} }}",
        ]
        if self.series:
            width = max(len(toml_text(text)) for text in self.series)
            lines += ["", "[tests.series]"]
            lines += [f"{toml_text(text):<{width}} = '{values}'" for text, values in self.series.items()]
        return "\n".join([*lines, ""])


def first_tests(rulebook: Rulebook, rule: str, guard: str | None = None) -> str:
    """The text of two tests of that rule, which pass as written; raises `CannotWrite` and `NoSuchName`."""
    owner, found = _found(rulebook, rule, guard)
    scale = Scale.of(owner.interval, keys.SWITCH.default, owner.bake)
    good = _draft(owner, found, scale, bad=False)
    bad = _draft(owner, found, scale, bad=True)
    case = _case(good, rulebook)
    if not all(one.met for one in check(run_case(case))):
        raise CannotWrite(f"a release that should keep rule {rule} does not: {_why(case)}; write the test by hand")
    case = _case(bad, rulebook)
    breach = run_case(case).courses[rule].breach
    if breach is None:
        raise CannotWrite(f"a release that should break rule {rule} does not: {_why(case)}; write the test by hand")
    within = _rounded_up(breach.at, owner.interval)
    bad = replace(bad, expected=f"breach within {duration_text(within)}")
    case = _case(bad, rulebook)
    assert all(one.met for one in check(run_case(case)))
    return f"{good.text()}\n{bad.text()}"


def _found(rulebook: Rulebook, rule: str, guard: str | None) -> tuple[Guard, Rule]:
    guards = [one for one in rulebook.guards if guard is None or one.name == guard]
    if not guards:
        raise NoSuchName(_unknown("guard", str(guard), [one.name for one in rulebook.guards]))
    for one in guards:
        for found in one.rules:
            if found.name == rule:
                return one, found
    names = dict.fromkeys(found.name for one in guards for found in one.rules)
    raise NoSuchName(_unknown("rule of a guard" if guard is None else f'rule of guard "{guard}"', rule, [*names]))


def _unknown(what: str, name: str, known: Sequence[str]) -> str:
    match = nearest(name, known)
    return f'"{name}" is no {what}; ' + (f'did you mean "{match}"?' if match else f"known are {', '.join(known)}")


def _draft(guard: Guard, rule: Rule, scale: Scale, *, bad: bool) -> _Draft:
    series = series_of(rule, scale, bad=bad)
    tables = _tables(rule, bad=bad)
    name = f"{rule.name}: a bad release is found" if bad else f"{rule.name}: a good release keeps it"
    return _Draft(name, guard, rule, series, "breach" if bad else "pass", tables)


def _tables(rule: Rule, *, bad: bool) -> list[str]:
    lines = []
    limits = limits_of(rule)
    if limits:
        lines.append("limits = { " + ", ".join(f'{name} = "{amount}"' for name, amount in limits.items()) + " }")
    match rule.check:
        case Probe() as probe:
            rounds = round(_FAILS_FROM / probe.every)
            answers = f"{_status(probe, good=True)}x{rounds}" + (f" {_status(probe, good=False)}" if bad else "")
            lines.append(f'probes = {{ {rule.name} = "{answers}" }}')
        case Signs(signs) if bad:
            lines.append(f'signs  = {{ {signs[0]} = "{duration_text(_FAILS_FROM)}" }}')
    return lines


def _status(probe: Probe, *, good: bool) -> int:
    likely = (200, 204, 301, 401, 404) if good else (503, 500, 404, 200)
    statuses: tuple[int, ...] = (*likely, *range(100, 600))
    return next(status for status in statuses if probe.expects(status) is good)


def _case(draft: _Draft, rulebook: Rulebook) -> Case:
    report = read_tests(draft.text(), rulebook)
    if report.cases is None:
        mistake = report.mistakes[0]
        raise CannotWrite(f"{mistake.message}; write the test by hand")
    return report.cases[0]


def _why(case: Case) -> str:
    said = run_case(case).courses[next(iter(case.rules))].said
    return said[-1].verdict.sentence if said else "nothing was judged"


def _rounded_up(moment: timedelta, interval: timedelta) -> timedelta:
    """A block later than it came, on the grid of the blocks: a test that is tight but not brittle."""
    return (math.ceil(moment / interval) + 1) * interval


def toml_text(text: str) -> str:
    """A text as TOML writes it, without escapes where that can be."""
    if '"' not in text and "\\" not in text:
        return json.dumps(text, ensure_ascii=False)
    return f"'{text}'" if "'" not in text else json.dumps(text, ensure_ascii=False)
