"""Query templates: filled in, and read by the parser for how their answers are taken apart by pod."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import promql_parser as promql

_TOKEN = re.compile(r"\{\{\s*(?P<name>[a-z]+)\s*\}\}|(?P<skip>\\.)|(?P<quote>[\"'`])", re.DOTALL)
OPERATORS = {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}
PODS = "pods"


@dataclass(frozen=True, slots=True)
class Template:
    """A query in which only `{{ pods }}` is left open, the other variables being filled in.

    `pod_labels` are those that are matched against `{{ pods }}`, each with the regular expression that it is matched
    with (with `{{ pods }}` in it); empty where revisions are not told apart. `named` are all labels that are matched
    on. `apart`: whether a question about many revisions answers for each pod what a question about one would.
    """

    text: str
    pod_labels: tuple[tuple[str, str], ...]
    named: frozenset[str]
    apart: bool

    @property
    def names_pods(self) -> bool:
        """Whether it asks about the pods of one revision."""
        return _stand_in(PODS) in with_stand_ins(self.text)

    def asked_of(self, pods: str) -> str:
        """The query for the pods of one regular expression."""
        return fill(self.text, {PODS: pods})

    def pod_label(self, labels: Mapping[str, str]) -> str | None:
        """The label that names the pod of a series."""
        return next((label for label, _ in self.pod_labels if label in labels), None)

    def belongs(self, labels: Mapping[str, str], pods: str) -> bool:
        """Whether a series of a merged answer is of those pods."""
        return all(
            _regex(pattern, pods).fullmatch(labels[label]) is not None
            for label, pattern in self.pod_labels
            if label in labels
        )


def fill(text: str, values: Mapping[str, str]) -> str:
    """Replace the given variables, escaped for the PromQL string that each stands in; others stay as they are."""
    quote = ""

    def replacement(match: re.Match[str]) -> str:
        nonlocal quote
        if match["quote"]:
            if not quote or quote == match["quote"]:
                quote = "" if quote else match["quote"]
        elif match["name"] in values:
            return _escaped(values[match["name"]], quote)
        elif match["skip"] and quote == "`":
            # A raw string knows no escapes, so the character after a backslash may be its end.
            quote = "" if match["skip"][1] == "`" else quote
        return match[0]

    return _TOKEN.sub(replacement, text)


def quoted(value: str) -> str:
    """A PromQL string."""
    return f'"{_escaped(value, chr(34))}"'


def _escaped(value: str, quote: str) -> str:
    if quote == "`":
        return value.replace("`", "")
    escaped = value.replace("\\", "\\\\").replace("\n", "\\n")
    return escaped.replace(quote, f"\\{quote}") if quote else escaped


@lru_cache(maxsize=4096)
def template_of(text: str) -> Template:
    """Read a template whose variables but `{{ pods }}` are filled in; raises ValueError where it is no PromQL."""
    expression = promql.parse(with_stand_ins(text))
    found: dict[str, str] = {}
    named: set[str] = set()
    for selector in vector_selectors(expression):
        for matcher in selector.matchers.matchers:
            named.add(matcher.name)
            if _stand_in(PODS) in matcher.value and matcher.op == promql.MatchOp.Re:
                found[matcher.name] = without_stand_ins(matcher.value)
    label = next(iter(found), None)
    apart = label is not None and len(found) == 1 and _keeps_apart(expression, label) is True
    if apart and not all(map(_understood, found.values())):
        apart = False  # RE2 knows expressions that Python does not
    return Template(text, tuple(found.items()), frozenset(named), apart or _stand_in(PODS) not in with_stand_ins(text))


@lru_cache(maxsize=4096)
def sums_of(buckets: str) -> str | None:
    """The template of the `_sum` beside a histogram's `_bucket`; None where the selector names no such metric."""
    selector = promql.parse(with_stand_ins(buckets))
    if not isinstance(selector, promql.VectorSelector):
        return None
    matchers = list(selector.matchers.matchers)
    name = selector.name or next(
        (matcher.value for matcher in matchers if matcher.name == "__name__" and matcher.op == promql.MatchOp.Equal), ""
    )
    if not name.endswith("_bucket"):
        return None
    kept = [_written(matcher) for matcher in matchers if matcher.name not in ("le", "__name__")]
    return without_stand_ins(f"{name.removesuffix('_bucket')}_sum{{{', '.join(kept)}}}")


def _written(matcher: promql.Matcher) -> str:
    operator = OPERATORS[str(matcher.op)]
    return f"{matcher.name}{operator}{quoted(matcher.value)}"


def _stand_in(name: str) -> str:
    return f"WATCHDOG0{name}0STANDIN"


def with_stand_ins(text: str) -> str:
    """The template with a word for each variable, which the parser reads even as a regular expression."""
    return re.sub(r"\{\{\s*([a-z]+)\s*\}\}", lambda match: _stand_in(match[1]), text)


def without_stand_ins(text: str) -> str:
    """The way back from `with_stand_ins`."""
    return re.sub(r"WATCHDOG0([a-z]+)0STANDIN", r"{{ \1 }}", text)


def _understood(pattern: str) -> bool:
    try:
        _regex(pattern, "pod")
    except re.error:
        return False
    return True


@lru_cache(maxsize=4096)
def _regex(pattern: str, pods: str) -> re.Pattern[str]:
    return re.compile(pattern.replace("{{ pods }}", f"(?:{pods})"))


def vector_selectors(expression: promql.Expr) -> list[promql.VectorSelector]:
    """All vector selectors of a query, in its order."""
    found: list[promql.VectorSelector] = []

    def visit(node: promql.Expr) -> None:
        if isinstance(node, promql.VectorSelector):
            found.append(node)

    promql.walk(expression, visit)
    return found


_ACROSS_SERIES = frozenset({"absent", "absent_over_time", "scalar", "count_values"})


def _keeps_apart(node: promql.Expr, label: str) -> bool | None:
    """Whether each sample of the answer depends on series of its own pod alone and bears `label`.

    None: depends on no pod at all. What is not understood is False: such a question is asked for each revision alone.
    """
    match node:
        case promql.NumberLiteral() | promql.StringLiteral():
            return None
        case promql.VectorSelector():
            matched = any(
                matcher.name == label and matcher.op == promql.MatchOp.Re and _stand_in(PODS) in matcher.value
                for matcher in node.matchers.matchers
            )
            return True if matched else None
        case promql.MatrixSelector():
            return _keeps_apart(node.vector_selector, label)
        case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            return _keeps_apart(node.expr, label)
        case promql.AggregateExpr():
            return _aggregate_keeps_apart(node, label)
        case promql.Call():
            return _call_keeps_apart(node, label)
        case promql.BinaryExpr():
            return _binary_keeps_apart(node, label)
    return False


def _aggregate_keeps_apart(node: promql.AggregateExpr, label: str) -> bool | None:
    inner = _keeps_apart(node.expr, label)
    if inner is not True or str(node.op) in _ACROSS_SERIES:
        return inner and False
    if isinstance(node.param, promql.Expr) and _keeps_apart(node.param, label) is not None:
        return False
    if node.modifier is None:
        return False
    return (label in node.modifier.labels) is (node.modifier.type == promql.AggModifierType.By)


def _call_keeps_apart(node: promql.Call, label: str) -> bool | None:
    parts = [_keeps_apart(argument, label) for argument in node.args]
    if all(part is None for part in parts):
        return None
    if False in parts or node.func.name in _ACROSS_SERIES:
        return False
    writes = [argument.val for argument in node.args[1:2] if isinstance(argument, promql.StringLiteral)]
    return not (node.func.name in ("label_replace", "label_join") and label in writes)


def _binary_keeps_apart(node: promql.BinaryExpr, label: str) -> bool | None:
    left, right = _keeps_apart(node.lhs, label), _keeps_apart(node.rhs, label)
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
