"""The text of a series, `http_requests_total{pod="{{ candidate }}-1", status="500"}`, read into its labels."""

import re
from collections.abc import Mapping

import promql_parser

from watchdog.rulebook.mistakes import Fault, shown, suggest
from watchdog.simulator.tsdb import METRIC_NAME

CANDIDATE, STABLE = "candidate", "stable"
PLACEHOLDERS = (CANDIDATE, STABLE, "namespace", "name", "workload")
_PLACEHOLDER = re.compile(r"\{\{(?P<name>[^{}]*)\}\}")
_FORM = 'write NAME{LABEL="VALUE", ...}, as promtool\'s input_series do'


def named_in(text: str) -> frozenset[str]:
    """The placeholders that a text names."""
    return frozenset(match["name"].strip() for match in _PLACEHOLDER.finditer(text))


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders replaced; raises Fault at one that is unknown."""
    for match in _PLACEHOLDER.finditer(text):
        name = match["name"].strip()
        if name not in values:
            what = f"{{{{ {name} }}}} is no placeholder of a series"
            raise Fault(match.start(), what, suggest(name, values))
    return _PLACEHOLDER.sub(lambda match: values[match["name"].strip()], text)


def labels_of(text: str, values: Mapping[str, str]) -> dict[str, str]:
    """The labels of a series, its metric's name under `__name__`; raises Fault."""
    plain = filled(text, values)
    try:
        expression = promql_parser.parse(plain)
    except ValueError as error:
        raise Fault(0, f"{shown(text)} is no series: {error}", _FORM) from None
    if not isinstance(expression, promql_parser.VectorSelector) or expression.offset or expression.at:
        raise Fault(0, f"{shown(text)} is no series but an expression", _FORM)
    labels = {METRIC_NAME: expression.name} if expression.name else {}
    for matcher in expression.matchers.matchers:
        if matcher.op != promql_parser.MatchOp.Equal:
            at = max(text.find(matcher.name), 0)
            raise Fault(at, f"a series has one value of {matcher.name}, no pattern", f'write {matcher.name}="VALUE"')
        labels[matcher.name] = matcher.value
    if not labels.get(METRIC_NAME):
        raise Fault(0, f"{shown(text)} names no metric", _FORM)
    return labels
