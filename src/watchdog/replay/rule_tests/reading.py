"""From the text of rules.test.toml to its tests, or to all its mistakes; what it speaks of is held to rules.toml."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from watchdog.domain.rules import Guard, Probe, Rulebook, Sign
from watchdog.replay.rule_tests import keys
from watchdog.replay.rule_tests.cases import Case, SignShown
from watchdog.replay.rule_tests.scenes import placeholder_values, switched, with_pods
from watchdog.replay.rule_tests.series_tables import Lines as SeriesTables
from watchdog.replay.rule_tests.series_texts import filled
from watchdog.rulebook.document import read_document
from watchdog.rulebook.durations import duration_text
from watchdog.rulebook.mistakes import Fault, Lines, Mistake, Mistakes, suggest
from watchdog.rulebook.nodes import Node
from watchdog.rulebook.tables import Fields, Key


@dataclass(frozen=True, slots=True)
class Report:
    """What a reading found: the tests (None where there is a mistake), all mistakes and all warnings."""

    cases: tuple[Case, ...] | None
    mistakes: tuple[Mistake, ...] = ()
    warnings: tuple[Mistake, ...] = ()


def read_tests(text: str, rulebook: Rulebook, filename: str = "rules.test.toml") -> Report:
    """Read a file of rule tests against the rules that it tests. Never raises."""
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n")
    lines = Lines(plain)
    mistakes = Mistakes(lines, filename)
    cases: tuple[Case, ...] = ()
    try:
        document = read_document(plain)
        assert isinstance(document.value, dict)
        file = Fields(document, document.value, keys.FILE, mistakes)
        cases = _Reader(file, rulebook, plain, lines).cases()
    except Fault as fault:
        mistakes.add(fault.index, fault.message, fault.remedy)
    return Report(None if mistakes.mistakes else cases, mistakes.mistakes, mistakes.warnings)


class _Reader:
    """Reads the tests of one file."""

    def __init__(self, file: Fields, rulebook: Rulebook, text: str, lines: Lines) -> None:
        self._file = file
        self._rulebook = rulebook
        self._mistakes = file.mistakes
        self._lines = lines
        self._series = SeriesTables(file.get(keys.BACKGROUNDS), text, file.mistakes)

    def cases(self) -> tuple[Case, ...]:
        """All tests that could be read."""
        named = self._file.get(keys.GUARD)
        if named is not None and self._rulebook.guard(named) is None:
            guards = [guard.name for guard in self._rulebook.guards]
            self._mistakes.add(self._file.at(keys.GUARD), f'there is no guard "{named}"', suggest(named, guards))
        tests = self._file.get(keys.TESTS)
        if not tests and self._file.fine(keys.TESTS):
            self._mistakes.add(0, "there is no test", "add a table [[tests]]; watchdog test --new RULE writes one")
        cases: list[Case] = []
        first: dict[str, int] = {}
        for fields in tests:
            name = fields.get(keys.NAME) or ""
            line = self._lines.place(fields.node.key_at)[0]
            if name and first.setdefault(name, line) != line:
                what = f"the test of line {first[name]} has this name already"
                self._mistakes.add(fields.at(keys.NAME), what, "give each test a name of its own")
            guard = self._guard(fields)
            if guard is not None:
                cases.append(self._case(name, line, fields, guard))
        self._series.check_backgrounds()
        return tuple(cases)

    def _common(self, fields: Fields, key: Key[timedelta | None] | Key[timedelta]) -> timedelta | None:
        """What a test says for itself, else what the file says for all."""
        return fields.get(key) if fields.has(key) else self._file.get(key)

    def _guard(self, fields: Fields) -> Guard | None:
        owner = fields if fields.has(keys.GUARD) else self._file
        name = owner.get(keys.GUARD)
        guards = [guard.name for guard in self._rulebook.guards]
        if name is None:
            if len(guards) == 1 or not owner.fine(keys.GUARD):
                return self._rulebook.guards[0]
            what = f"rules.toml has {len(guards)} guards, and the test names none"
            remedy = f'add guard = "{guards[0]}" to the test, or at the top for all tests'
            self._mistakes.add(fields.node.key_at, what, remedy)
            return None
        guard = self._rulebook.guard(name)
        if guard is None:
            self._mistakes.add(owner.at(keys.GUARD), f'there is no guard "{name}"', suggest(name, guards))
        return guard

    def _case(self, name: str, line: int, fields: Fields, guard: Guard) -> Case:
        at = self._common(fields, keys.SWITCH) or keys.SWITCH.default
        switch = switched(fields, guard, at)
        values = placeholder_values(switch)
        series = self._series.of_test(fields, guard, values)
        probes = self._probes(fields, guard, values)
        probed = [pod for answers in probes.values() for pod in answers]
        self._check_expected(fields, guard, switch.complete + guard.bake)
        return Case(
            name,
            line,
            guard,
            with_pods(switch, fields, series, probed),
            self._common(fields, keys.INTERVAL) or guard.interval,
            series,
            probes,
            _signs(fields),
            fields.get(keys.EXPECT),
            fields.get(keys.FIRST),
            fields.get(keys.OUTCOME),
        )

    def _probes(
        self, fields: Fields, guard: Guard, values: Mapping[str, str]
    ) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
        probing = [rule.name for rule in guard.rules if isinstance(rule.check, Probe)]
        probes: dict[str, dict[str, tuple[str, ...]]] = {}
        for rule, answers in fields.get(keys.PROBES).items():
            node = _inner(fields, keys.PROBES, rule)
            if rule not in probing:
                what = f'guard "{guard.name}" has no probe rule "{rule}"'
                self._mistakes.add(node.key_at, what, suggest(rule, probing, "it has none"))
            if isinstance(answers, tuple):
                probes[rule] = {"": answers}  # of all the candidate's pods
            elif isinstance(answers, dict):
                probes[rule] = {self._pod(pod, node, values): given for pod, given in answers.items()}
        return probes

    def _pod(self, text: str, node: Node, values: Mapping[str, str]) -> str:
        try:
            return filled(text, values)
        except Fault as fault:
            assert isinstance(node.value, dict)
            self._mistakes.add(node.value[text].key_at, fault.message, fault.remedy)
            return text

    def _check_expected(self, fields: Fields, guard: Guard, end: timedelta) -> None:
        known = [rule.name for rule in guard.rules]
        if not fields.has(keys.EXPECT) and not fields.has(keys.FIRST) and not fields.has(keys.OUTCOME):
            remedy = 'add expect = { RULE = "breach within 90s" } or outcome = "rolled-back"'
            self._mistakes.add(fields.node.key_at, "the test expects nothing", remedy)
        first = fields.get(keys.FIRST)
        if first is not None and first not in known:
            self._mistakes.add(
                fields.at(keys.FIRST), f'guard "{guard.name}" has no rule "{first}"', suggest(first, known)
            )
        for rule, expected in fields.get(keys.EXPECT).items():
            node = _inner(fields, keys.EXPECT, rule)
            if rule not in known:
                self._mistakes.add(node.key_at, f'guard "{guard.name}" has no rule "{rule}"', suggest(rule, known))
            for one in expected:
                latest = max((moment for moment in (one.after, one.by) if moment is not None), default=end)
                if latest > end:
                    what = f"the watch ends {duration_text(end)} after the switch, before {duration_text(latest)}"
                    self._mistakes.add(node.at, what, f"expect it within {duration_text(end)}")


def _inner(fields: Fields, key: Key[Mapping[str, object]] | Key[Mapping[str, tuple[object, ...]]], name: str) -> Node:
    table = fields.nodes[key.name].value
    assert isinstance(table, dict)
    return table[name]


def _signs(fields: Fields) -> Mapping[Sign, SignShown]:
    known = {str(sign): sign for sign in Sign}
    shown: dict[Sign, SignShown] = {}
    for name, given in fields.get(keys.SIGNS).items():
        if name not in known:
            node = _inner(fields, keys.SIGNS, name)
            fields.mistakes.add(node.key_at, f'"{name}" is no sign', suggest(name, known))
        elif isinstance(given, timedelta):
            shown[known[name]] = SignShown(given)
        elif isinstance(given, Fields):
            since, until = given.get(keys.SINCE), given.get(keys.UNTIL)
            if until is not None and until <= since:
                given.mistakes.add(given.at(keys.UNTIL), "the sign ends before it begins", "write until after from")
            shown[known[name]] = SignShown(since, until, given.get(keys.ON_PODS))
    return shown
