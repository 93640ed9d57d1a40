"""Whether one query about many pods, or namespaces, answers for each what a query about it alone would."""

from collections.abc import Callable

import promql_parser as promql

from watchdog.engine.standing_in import NAMESPACE, PODS, stand_in

_ACROSS_SERIES = frozenset({"absent", "absent_over_time", "scalar", "count_values"})

Matches = Callable[[promql.VectorSelector], bool]


def about_pods(label: str) -> Matches:
    """Selectors that match `label` against `{{ pods }}`."""

    def matches(selector: promql.VectorSelector) -> bool:
        return any(
            matcher.name == label and matcher.op == promql.MatchOp.Re and stand_in(PODS) in matcher.value
            for matcher in selector.matchers.matchers
        )

    return matches


def in_namespace(label: str) -> Matches:
    """Selectors that match `label` with `{{ namespace }}` and nothing else."""

    def matches(selector: promql.VectorSelector) -> bool:
        return any(
            matcher.name == label and matcher.op == promql.MatchOp.Equal and matcher.value == stand_in(NAMESPACE)
            for matcher in selector.matchers.matchers
        )

    return matches


def keeps_apart(node: promql.Expr, label: str, matches: Matches) -> bool | None:
    """Whether each sample of the answer depends on series of its own pod (or namespace) alone and bears `label`.

    None: depends on no pod at all. What is not understood is False: such a question is asked for each revision alone.
    `matches` says which selectors are about one.
    """
    match node:
        case promql.NumberLiteral() | promql.StringLiteral():
            return None
        case promql.VectorSelector():
            return True if matches(node) else None
        case promql.MatrixSelector():
            return keeps_apart(node.vector_selector, label, matches)
        case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            return keeps_apart(node.expr, label, matches)
        case promql.AggregateExpr():
            return _aggregate_keeps_apart(node, label, matches)
        case promql.Call():
            return _call_keeps_apart(node, label, matches)
        case promql.BinaryExpr():
            return _binary_keeps_apart(node, label, matches)
    return False


def _aggregate_keeps_apart(node: promql.AggregateExpr, label: str, matches: Matches) -> bool | None:
    inner = keeps_apart(node.expr, label, matches)
    if inner is not True or str(node.op) in _ACROSS_SERIES:
        return inner and False
    if isinstance(node.param, promql.Expr) and keeps_apart(node.param, label, matches) is not None:
        return False
    if node.modifier is None:
        return False
    return (label in node.modifier.labels) is (node.modifier.type == promql.AggModifierType.By)


def _call_keeps_apart(node: promql.Call, label: str, matches: Matches) -> bool | None:
    parts = [keeps_apart(argument, label, matches) for argument in node.args]
    if all(part is None for part in parts):
        return None
    if False in parts or node.func.name in _ACROSS_SERIES:
        return False
    writes = [argument.val for argument in node.args[1:2] if isinstance(argument, promql.StringLiteral)]
    return not (node.func.name in ("label_replace", "label_join") and label in writes)


def _binary_keeps_apart(node: promql.BinaryExpr, label: str, matches: Matches) -> bool | None:
    left, right = keeps_apart(node.lhs, label, matches), keeps_apart(node.rhs, label, matches)
    if left is None and right is None:
        return None
    if left is None or right is None:
        # With a number each series keeps to itself; with another vector it depends on what matches.
        return isinstance(node.rhs if left else node.lhs, promql.NumberLiteral) and (left or right) is True
    if not (left and right):
        return False
    matching = node.modifier.matching if node.modifier is not None else None
    if matching is None:
        return True
    return (label in matching.labels) is (matching.type == promql.LabelModifierType.Include)
