"""Which series a rule looks at: its own queries, filled in for a revision, held against the labels of a series."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

import promql_parser

from watchdog.domain.conditions import Threshold
from watchdog.domain.rollout import Revision, Target
from watchdog.domain.rules import ALERT_NAME, ALERT_STATE, Alerts, Budget, Rule
from watchdog.engine.questions import selectors_of
from watchdog.engine.templates import fill
from watchdog.rulebook.promql_text import stand_in
from watchdog.simulator.tsdb import METRIC_NAME, Labels, Matcher, MatchOperator, Tsdb

_OPERATORS: Mapping[str, MatchOperator] = {
    "MatchOp.Equal": "=",
    "MatchOp.NotEqual": "!=",
    "MatchOp.Re": "=~",
    "MatchOp.NotRe": "!~",
}
Selector = tuple[Matcher, ...]


def queries_of(rule: Rule) -> tuple[str, ...]:
    """The templates that a rule asks Prometheus; none where it asks nothing."""
    match rule.check:
        case Threshold() as threshold:
            return tuple(query for query in selectors_of(threshold) if query is not None)
        case Budget(threshold):
            return tuple(query for query in selectors_of(threshold) if query is not None)
        case Alerts(names=names):
            return (f'ALERTS{{{ALERT_NAME}=~"{"|".join(names)}", {ALERT_STATE}=~".+"}}',)
        case _:
            return ()


@lru_cache(maxsize=512)
def selectors_in(query: str) -> tuple[Selector, ...]:
    """The matchers of each selector of a query, its metric's name among them."""
    found: list[Selector] = []

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            named = [Matcher(METRIC_NAME, "=", node.name)] if node.name else []
            others = [Matcher(one.name, _OPERATORS[str(one.op)], one.value) for one in node.matchers.matchers]
            found.append((*named, *others))

    promql_parser.walk(promql_parser.parse(query), visit)
    return tuple(found)


def metrics_of(rule: Rule) -> frozenset[str]:
    """The names of the metrics that a rule asks for."""
    texts = map(stand_in, queries_of(rule))
    matchers = (matcher for text in texts for selector in selectors_in(text) for matcher in selector)
    return frozenset(matcher.value for matcher in matchers if matcher.name == METRIC_NAME and matcher.op == "=")


def _asked(rule: Rule, target: Target, revisions: Sequence[Revision]) -> Iterator[Selector]:
    for query in queries_of(rule):
        for revision in revisions:
            values = {
                "namespace": target.namespace,
                "name": target.name,
                "workload": revision.workload,
                "pods": revision.pods_pattern,
            }
            yield from selectors_in(fill(query, values))


def looks_at(rule: Rule, target: Target, revisions: Sequence[Revision], tsdb: Tsdb) -> frozenset[Labels]:
    """The series of the store that a rule's queries select, of these revisions."""
    return frozenset(series.labels for selector in _asked(rule, target, revisions) for series in tsdb.select(selector))
