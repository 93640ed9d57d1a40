"""The one table of keys of a file of rule tests: the reader, its mistakes and docs/rule-tests.md follow it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from watchdog.domain.conditions import Dimension
from watchdog.domain.rollout import SwitchKind, Target
from watchdog.domain.rules import Sign
from watchdog.replay.rule_tests.cases import Expectation, OutcomeExpected
from watchdog.replay.rule_tests.expectations import parse_answers, parse_expectation, parse_outcome
from watchdog.replay.rule_tests.notation import samples_of
from watchdog.rulebook import names
from watchdog.rulebook.durations import DURATION
from watchdog.rulebook.limits import parse_quantity
from watchdog.rulebook.mistakes import Mistakes
from watchdog.rulebook.nodes import Node
from watchdog.rulebook.shapes import Choice, MapOf, OneOrMore, Schema, Text, Whole, words, wrong_type
from watchdog.rulebook.tables import Fields, Key, Section, TableOf

_VALUES = Text("series in promtool's notation", "'0+10x60'", samples_of, templates=True)
_ANSWERS = Text("answers of a probe", '"200x6 503"', parse_answers)


@dataclass(frozen=True, slots=True)
class SeriesOf:
    """A table of series: PromQL text to values in promtool's notation, with the place of each."""

    title: str = "table of series"
    example: str = """{ 'http_requests_total{pod="{{ candidate }}-1"}' = '0+10x60' }"""

    def read(self, node: Node, name: str, mistakes: Mistakes) -> Mapping[str, Node] | None:
        if not isinstance(node.value, dict):
            wrong_type(node, name, self, mistakes)
            return None
        for item in node.value.values():
            _VALUES.read(item, "the series", mistakes)
        return node.value

    def schema(self) -> Schema:
        return {"type": "object", "additionalProperties": {"type": "string"}}


@dataclass(frozen=True, slots=True)
class TableOr:
    """A short form, or a table that says more."""

    short: Text[tuple[str, ...]] | Text[timedelta]
    table: TableOf | MapOf[tuple[str, ...]]

    @property
    def title(self) -> str:
        return f"{self.short.title} or table"

    @property
    def example(self) -> str:
        return self.short.example

    def read(self, node: Node, name: str, mistakes: Mistakes) -> object | None:
        if isinstance(node.value, dict):
            return self.table.read(node, name, mistakes)
        if isinstance(node.value, str):
            return self.short.read(node, name, mistakes)
        wrong_type(node, name, self, mistakes)
        return None

    def schema(self) -> Schema:
        return {"anyOf": [self.short.schema(), self.table.schema()]}


@dataclass(frozen=True, slots=True)
class TablesOf:
    """A list of tables, `[[NAME]]`."""

    of: TableOf
    title: str = "list of tables"
    example: str = "[[tests]]"

    def read(self, node: Node, name: str, mistakes: Mistakes) -> tuple[Fields, ...] | None:
        if not isinstance(node.value, list):
            remedy = f"write the table as {self.example}, in double brackets"
            mistakes.add(node.key_at, f"{name} is no list of tables", remedy)
            return None
        read = [self.of.read(item, name, mistakes) for item in node.value]
        return tuple(fields for fields in read if fields is not None)

    def schema(self) -> Schema:
        return {"type": "array", "items": self.of.schema()}


# What a test says for itself, or the file for all its tests.

GUARD: Key[str | None] = Key(
    "guard",
    Text("name", '"services"', names.parse_name),
    "The guard of rules.toml under which the switch is watched.",
    None,
    "the only one",
)
INTERVAL: Key[timedelta | None] = Key(
    "interval", DURATION, "Between two samples of a series.", None, "the guard's `interval`"
)
SWITCH: Key[timedelta] = Key(
    "switch",
    DURATION,
    "When the switch comes, from the test's begin. What stable serves before is the baseline.",
    timedelta(minutes=10),
    '`"10m"`',
)
COMMON = (GUARD, INTERVAL, SWITCH)

# [[tests]]

NAME: Key[str | None] = Key(
    "name", Text("text", '"an error rate of 8 % is rolled back"', str), "What the test shows.", None, "needed", True
)
TARGET: Key[Target | None] = Key(
    "target", names.TARGET, "What is switched.", None, "the guard's first target, else one that fits its selector"
)
KIND: Key[SwitchKind | None] = Key(
    "kind",
    Choice("kind of switch", {kind.value: kind for kind in (SwitchKind.ROLLOUT, SwitchKind.SELECTOR)}),
    "`rollout` of a Deployment, or `selector`: a Service is flipped to another colour.",
    None,
    "that of the target: `rollout` of a Deployment, `selector` of a Service",
)
READY: Key[timedelta] = Key(
    "ready",
    DURATION,
    "When the candidate's pods are ready, from the switch. Their warm-up runs from then.",
    timedelta(0),
    '`"0s"`',
)
COMPLETE: Key[timedelta | None] = Key(
    "complete",
    replace(DURATION, example='"2m"'),
    "When the rollout is complete, from the switch: until then stable's pods serve beside, and the bake begins then.",
    None,
    "as `ready`",
)
CANDIDATE: Key[int | None] = Key("candidate", Whole(1, 100, "2"), "Pods of the candidate.", None, "those of the series")
STABLE: Key[int | None] = Key(
    "stable", Whole(0, 100, "2"), "Pods of stable; 0: no stable revision is known.", None, "those of the series"
)
PODS = Section("pods", "table", (CANDIDATE, STABLE))
PODS_KEY: Key[Fields | None] = Key(
    "pods",
    TableOf(PODS, "{ candidate = 2, stable = 2 }"),
    "How many pods there are, named `{{ candidate }}-1`, `-2` ...; beside those that series name.",
    None,
    "one each",
)
CPU: Key[float | None] = Key(
    "cpu",
    Text("CPU limit", '"500m"', lambda text: parse_quantity(text, Dimension.CORES)),
    "CPU limit of each pod's container.",
    None,
)
MEMORY: Key[float | None] = Key(
    "memory",
    Text("memory limit", '"512MiB"', lambda text: parse_quantity(text, Dimension.BYTES)),
    "Memory limit of each pod's container.",
    None,
)
LIMITS = Section("limits", "table", (CPU, MEMORY))
LIMITS_KEY: Key[Fields | None] = Key(
    "limits",
    TableOf(LIMITS, '{ memory = "512MiB" }'),
    "What the candidate's pods may use, for rules on `N% limit`.",
    None,
)
BACKGROUND: Key[tuple[str, ...]] = Key(
    "background",
    OneOrMore(Text("name", '"healthy"', names.parse_name), "names"),
    "Backgrounds whose series this test has as well. A series of its own takes the place of one with the same labels.",
    (),
)
SERIES: Key[Mapping[str, Node]] = Key("series", SeriesOf(), "Series by their PromQL text, in promtool's notation.", {})
PROBES: Key[Mapping[str, object]] = Key(
    "probes",
    MapOf(
        "table of answers",
        '{ health = "200x6 503" }',
        TableOr(_ANSWERS, MapOf("table of answers", '{ "{{ candidate }}-1" = "503" }', _ANSWERS, str, ".*")),
        names.parse_name,
        names.NAME_PATTERN,
    ),
    "By probe rule: what its rounds meet, on all of the candidate's pods or by pod.",
    {},
    "all are answered as expected",
)
SINCE: Key[timedelta] = Key("from", DURATION, "From when, after the switch.", timedelta(0), '`"0s"`')
UNTIL: Key[timedelta | None] = Key("until", replace(DURATION, example='"2m"'), "Until when.", None, "for good")
ON_PODS: Key[int | None] = Key("pods", Whole(1, 100, "1"), "On how many of the candidate's pods.", None, "all")
SIGN = Section("signs", "table", (SINCE, UNTIL, ON_PODS))
_SIGN_NAMES = words(Sign)
SIGNS: Key[Mapping[str, object]] = Key(
    "signs",
    MapOf(
        "table of signs",
        '{ crash-loop = "40s" }',
        TableOr(replace(DURATION, example='"40s"'), TableOf(SIGN, '{ from = "40s", until = "2m", pods = 1 }')),
        str,
        "|".join(_SIGN_NAMES),
    ),
    "What Kubernetes says of the candidate's pods, from which moment after the switch.",
    {},
)
EXPECT: Key[Mapping[str, tuple[Expectation, ...]]] = Key(
    "expect",
    MapOf(
        "table of expectations",
        '{ errors = "breach within 90s" }',
        OneOrMore(Text("expectation", '"breach within 90s"', parse_expectation), "expectations"),
        names.parse_name,
        names.NAME_PATTERN,
    ),
    "By rule: what it says, and until when.",
    {},
)
FIRST: Key[str | None] = Key(
    "first", Text("name of a rule", '"errors"', names.parse_name), "Which rule asks for a rollback first.", None
)
OUTCOME: Key[OutcomeExpected | None] = Key(
    "outcome",
    Text("outcome", '"rolled-back"', parse_outcome),
    "How the watch of all the guard's rules goes.",
    None,
)
TEST = Section(
    "[[tests]]",
    "test",
    (
        NAME,
        *COMMON,
        TARGET,
        KIND,
        READY,
        COMPLETE,
        PODS_KEY,
        LIMITS_KEY,
        BACKGROUND,
        SERIES,
        PROBES,
        SIGNS,
        EXPECT,
        FIRST,
        OUTCOME,
    ),
)

# The file

TESTS: Key[tuple[Fields, ...]] = Key(
    "tests", TablesOf(TableOf(TEST, "[[tests]]", title="table")), "`[[tests]]`: one test each.", (), "needed"
)
BACKGROUNDS: Key[Mapping[str, Mapping[str, Node]]] = Key(
    "background",
    MapOf("table of tables of series", "[background.NAME]", SeriesOf(), names.parse_name, names.NAME_PATTERN),
    "`[background.NAME]`: series that several tests have.",
    {},
)
FILE = Section("the file", "file", (*COMMON, BACKGROUNDS, TESTS))

SECTIONS = (FILE, TEST, PODS, LIMITS, SIGN)
