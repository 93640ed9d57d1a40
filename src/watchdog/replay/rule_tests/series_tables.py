"""The series of a test: its own, and those of its backgrounds, each held to what the guard's rules ask for."""

from collections.abc import Mapping

from watchdog.domain.rules import Guard
from watchdog.replay.rule_tests import keys
from watchdog.replay.rule_tests.cases import SeriesLine
from watchdog.replay.rule_tests.notation import samples_of
from watchdog.replay.rule_tests.relevance import metrics_of
from watchdog.replay.rule_tests.series_texts import CANDIDATE, labels_of, named_in
from watchdog.rulebook.mistakes import Fault, Mistakes, nearest, suggest
from watchdog.rulebook.nodes import Node
from watchdog.rulebook.tables import Fields
from watchdog.simulator.tsdb import METRIC_NAME, Labels
from watchdog.simulator.tsdb import labels_of as canonical

Table = Mapping[str, Node]


class Lines:
    """Reads the tables of series of one file."""

    def __init__(self, backgrounds: Mapping[str, Table], text: str, mistakes: Mistakes) -> None:
        self._backgrounds = backgrounds
        self._text = text
        self._mistakes = mistakes
        self._used: set[str] = set()
        self._looked_at: set[int] = set()  # series of backgrounds that some rule of some test asks for
        self._seen: dict[int, tuple[str, frozenset[str], str]] = {}

    def of_test(self, fields: Fields, guard: Guard, values: Mapping[str, str]) -> tuple[SeriesLine, ...]:
        """The series of one test; its own come instead of those of backgrounds with the same labels."""
        found: dict[Labels, SeriesLine] = {}
        for name in fields.get(keys.BACKGROUND):
            table = self._backgrounds.get(name)
            if table is None:
                at = fields.at(keys.BACKGROUND)
                what = f'there is no background "{name}"'
                remedy = suggest(name, self._backgrounds, f"add a table [background.{name}]")
                self._mistakes.add(at, what, remedy)
                continue
            self._used.add(name)
            found |= self._lines(table, guard, values, shared=True)
        return tuple((found | self._lines(fields.get(keys.SERIES), guard, values, shared=False)).values())

    def _lines(
        self, table: Table, guard: Guard, values: Mapping[str, str], *, shared: bool
    ) -> dict[Labels, SeriesLine]:
        found: dict[Labels, SeriesLine] = {}
        asked = frozenset[str]().union(*(metrics_of(rule) for rule in guard.rules))
        for text, node in table.items():
            try:
                labels = labels_of(text, values)
            except Fault as fault:
                quote = self._text[node.key_at] in "\"'"
                self._mistakes.add(node.key_at + quote + fault.index, fault.message, fault.remedy)
                continue
            key = canonical(labels)
            if key in found:
                what = f"the same series as {found[key].text}"
                self._mistakes.add(node.key_at, what, "write each series once")
            self._note(node, labels[METRIC_NAME], asked, guard, shared=shared)
            values_text = node.value if isinstance(node.value, str) else ""
            try:
                samples = samples_of(values_text)
            except Fault:
                samples = ()  # noted when the table was read
            found[key] = SeriesLine(text, values_text, labels, samples, CANDIDATE in named_in(text))
        return found

    def _note(self, node: Node, metric: str, asked: frozenset[str], guard: Guard, *, shared: bool) -> None:
        if metric in asked:
            self._looked_at.add(node.key_at)
        elif shared:
            self._seen.setdefault(node.key_at, (metric, asked, guard.name))
        else:
            self._unasked(node.key_at, metric, asked, guard.name)

    def _unasked(self, at: int, metric: str, asked: frozenset[str], guard: str) -> None:
        match = nearest(metric, sorted(asked))
        known = f"its rules ask for {', '.join(sorted(asked))}" if asked else "its rules ask Prometheus nothing"
        quote = self._text[at] in "\"'"
        what = f'no rule of guard "{guard}" asks for {metric}'
        self._mistakes.add(at + quote, what, f'did you mean "{match}"?' if match else known)

    def check_backgrounds(self) -> None:
        """Once all tests were read: what no test uses, and series that no rule of any test that has them asks for."""
        for name, table in self._backgrounds.items():
            if name not in self._used:
                at = min((node.key_at for node in table.values()), default=0)
                self._mistakes.warn(at, f'no test has background "{name}"', "name it in a test, or remove it")
        for at, (metric, asked, guard) in self._seen.items():
            if at not in self._looked_at:
                self._unasked(at, metric, asked, guard)
