"""From a query's text to expressions, by the `promql-parser` package."""

import re
from datetime import timedelta
from functools import lru_cache
from typing import Any

import promql_parser as parser

from watchdog.simulator.promql.errors import BadQuery, ExecutionFailed
from watchdog.simulator.promql.nodes import (
    Aggregate,
    At,
    Binary,
    Call,
    Cardinality,
    Kind,
    Matching,
    Negate,
    Node,
    Number,
    RangeSelector,
    Selector,
    Subquery,
    Text,
    to_milliseconds,
)
from watchdog.simulator.tsdb import METRIC_NAME, Matcher, MatchOperator

# The parser's enumerations cannot be hashed: they are looked up by what they print.
_OPERATORS: dict[str, MatchOperator] = {
    "MatchOp.Equal": "=",
    "MatchOp.NotEqual": "!=",
    "MatchOp.Re": "=~",
    "MatchOp.NotRe": "!~",
}
_CARDINALITIES: dict[str, Cardinality] = {
    "VectorMatchCardinality.OneToOne": "one-to-one",
    "VectorMatchCardinality.ManyToOne": "many-to-one",
    "VectorMatchCardinality.OneToMany": "one-to-many",
    "VectorMatchCardinality.ManyToMany": "many-to-many",
}
_KINDS: dict[str, Kind] = {
    "ValueType.Vector": "vector",
    "ValueType.Scalar": "scalar",
    "ValueType.Matrix": "matrix",
    "ValueType.String": "string",
}


@lru_cache(maxsize=1024)
def parse(query: str) -> Node:
    """The expression that `query` says; raises `BadQuery` or, for what is not built, `ExecutionFailed`."""
    if not query.strip():
        raise BadQuery("1:1: parse error: no expression found in input")
    try:
        expression = parser.parse(query)
    except ValueError as error:
        raise BadQuery(f"parse error: {error}") from error
    return _node(expression)


def parse_selector(text: str) -> Selector:
    """An instant vector selector, as the parameter `match[]` wants one."""
    node = parse(text)
    if not isinstance(node, Selector) or node.offset or node.at is not None:
        raise BadQuery("parse error: expected a series selector")
    return node


def _node(expr: Any) -> Node:
    match expr:
        case parser.ParenExpr():
            return _node(expr.expr)
        case parser.NumberLiteral():
            return Number(expr.val)
        case parser.StringLiteral():
            return Text(expr.val)
        case parser.VectorSelector():
            return _selector(expr)
        case parser.MatrixSelector():
            return RangeSelector(_selector(expr.vector_selector), to_milliseconds(expr.range))
        case parser.SubqueryExpr():
            step = to_milliseconds(expr.step) if expr.step else None
            return Subquery(
                _node(expr.expr), to_milliseconds(expr.range or timedelta()), step, _offset(expr.offset), _at(expr.at)
            )
        case parser.UnaryExpr():
            return Negate(_node(expr.expr))
        case parser.Call():
            returns = _KINDS[str(expr.func.return_type)]
            return Call(expr.func.name, tuple(_node(arg) for arg in expr.args), returns)
        case parser.AggregateExpr():
            return _aggregate(expr)
        case parser.BinaryExpr():
            return _binary(expr)
    raise ExecutionFailed(f"the simulator does not support {type(expr).__name__}")


def _selector(expr: Any) -> Selector:
    if expr.matchers.or_matchers:
        raise ExecutionFailed("the simulator does not support `or` between matchers")
    for matcher in expr.matchers.matchers:
        _check_regular_expression(str(matcher.op), matcher.value)
    matchers = [Matcher(m.name, _OPERATORS[str(m.op)], m.value) for m in expr.matchers.matchers]
    if expr.name:
        matchers.insert(0, Matcher(METRIC_NAME, "=", expr.name))
    return Selector(tuple(matchers), _offset(expr.offset), _at(expr.at))


def _check_regular_expression(op: str, value: str) -> None:
    """The parser checked it by its own rules; here it must also be one of Python's."""
    if op.endswith(("Re", "NotRe")):
        try:
            re.compile(value)
        except re.error as error:
            raise ExecutionFailed(f"the simulator does not support the regular expression {value!r}") from error


def _offset(offset: timedelta | None) -> int:
    return to_milliseconds(offset) if offset else 0


def _at(at: Any) -> At:
    if at is None:
        return None
    if at.type == parser.AtModifierType.Start:
        return "start"
    if at.type == parser.AtModifierType.End:
        return "end"
    return round(at.at.timestamp() * 1000)


def _aggregate(expr: Any) -> Aggregate:
    modifier = expr.modifier
    return Aggregate(
        op=str(expr.op),
        operand=_node(expr.expr),
        param=None if expr.param is None else _node(expr.param),
        without=modifier is not None and modifier.type == parser.AggModifierType.Without,
        labels=() if modifier is None else tuple(modifier.labels),
    )


def _binary(expr: Any) -> Binary:
    modifier = expr.modifier
    op = str(expr.op)
    if modifier is None:
        # The parser leaves the modifier out where nothing is written; sets always match many to many.
        cardinality: Cardinality = "many-to-many" if op in {"and", "or", "unless"} else "one-to-one"
        return Binary(op, _node(expr.lhs), _node(expr.rhs), Matching(cardinality), False)
    fill = modifier.fill_values
    if fill is not None and (fill.lhs is not None or fill.rhs is not None):
        raise ExecutionFailed("the simulator does not support fill()")
    labels = modifier.matching
    matching = Matching(
        cardinality=_CARDINALITIES[str(modifier.card)],
        on=labels is not None and labels.type == parser.LabelModifierType.Include,
        labels=() if labels is None else tuple(labels.labels),
        include=tuple(modifier.group_labels or ()),
    )
    return Binary(op, _node(expr.lhs), _node(expr.rhs), matching, modifier.return_bool)
