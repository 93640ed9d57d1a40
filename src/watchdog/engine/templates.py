"""Query templates: filled in, and read by the parser for how their answers are taken apart by pod."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import promql_parser as promql

from watchdog.engine.keeping_apart import about_pods, in_namespace, keeps_apart
from watchdog.engine.standing_in import NAMESPACE, PODS, stand_in, with_stand_ins, without_stand_ins

_TOKEN = re.compile(r"\{\{\s*(?P<name>[a-z]+)\s*\}\}|(?P<skip>\\.)|(?P<quote>[\"'`])", re.DOTALL)
OPERATORS = {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}


@dataclass(frozen=True, slots=True)
class Template:
    """A query in which only `{{ pods }}` is left open, the other variables being filled in.

    `pod_labels` are those that are matched against `{{ pods }}`, each with the regular expression that it is matched
    with (with `{{ pods }}` in it); empty where revisions are not told apart. `named` are all labels that are matched
    on. `apart`: whether a question about many revisions answers for each pod what a question about one would.
    `namespace_label`: where `{{ namespace }}` is left open too, the label by which the same holds for namespaces.
    `by_name`: whether it asks the same of the names of all pods that there are as of an expression of any.
    """

    text: str
    pod_labels: tuple[tuple[str, str], ...]
    named: frozenset[str]
    apart: bool
    namespace_label: str | None = None
    by_name: bool = False

    def __hash__(self) -> int:
        return hash(self.text)  # all else is read from it

    @property
    def names_pods(self) -> bool:
        """Whether it asks about the pods of one revision."""
        return stand_in(PODS) in with_stand_ins(self.text)

    def asked_of(self, pods: str, namespaces: Sequence[str] = ()) -> str:
        """The query for the pods of one regular expression, in the namespaces if they are left open."""
        if len(namespaces) > 1:
            return fill(_among(self.text, self.namespace_label or ""), {PODS: pods, NAMESPACE: "|".join(namespaces)})
        return fill(self.text, {PODS: pods, **dict.fromkeys([NAMESPACE] if namespaces else [], "".join(namespaces))})

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
    parts, last = _parts_of(text)
    filled = (
        before + (_escaped(values[name], quote) if name in values else written)
        for before, name, quote, written in parts
    )
    return "".join((*filled, last))


@lru_cache(maxsize=4096)
def variables_of(text: str) -> frozenset[str]:
    """The names of the variables that are left open in a template."""
    return frozenset(name for _, name, _, _ in _parts_of(text)[0])


_Part = tuple[str, str, str, str]
"""Text, the variable after it, the quote that this stands in, and the variable as it was written."""


@lru_cache(maxsize=4096)
def _parts_of(text: str) -> tuple[tuple[_Part, ...], str]:
    """A template as its variables divide it, with the rest: the same few are filled in for each question."""
    parts: list[_Part] = []
    quote, begin = "", 0
    for match in _TOKEN.finditer(text):
        if match["quote"]:
            if not quote or quote == match["quote"]:
                quote = "" if quote else match["quote"]
        elif match["name"]:
            parts.append((text[begin : match.start()], match["name"], quote, match[0]))
            begin = match.end()
        elif quote == "`":
            # A raw string knows no escapes, so the character after a backslash may be its end.
            quote = "" if match["skip"][1] == "`" else quote
    return tuple(parts), text[begin:]


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
            if stand_in(PODS) in matcher.value and matcher.op == promql.MatchOp.Re:
                found[matcher.name] = without_stand_ins(matcher.value)
    label = next(iter(found), None)
    apart = label is not None and len(found) == 1 and keeps_apart(expression, label, about_pods(label)) is True
    if apart and not all(map(_understood, found.values())):
        apart = False  # RE2 knows expressions that Python does not
    place = _namespace_label(expression, text) if apart else None
    apart = apart or stand_in(PODS) not in with_stand_ins(text)
    return Template(text, tuple(found.items()), frozenset(named), apart, place, apart and _by_name(expression, text))


def _by_name(expression: promql.Expr, text: str) -> bool:
    """Whether `{{ pods }}` is all that a label is matched with, wherever it stands, and only now is asked about."""
    if any(isinstance(node, promql.MatrixSelector | promql.SubqueryExpr) for node in _nodes(expression)):
        return False
    selectors = vector_selectors(expression)
    whole = sum(
        matcher.value == stand_in(PODS) and matcher.op == promql.MatchOp.Re
        for selector in selectors
        for matcher in selector.matchers.matchers
    )
    shifted = any(one.offset is not None or one.at is not None for one in selectors)
    return not shifted and 0 < whole == with_stand_ins(text).count(stand_in(PODS))


def _namespace_label(expression: promql.Expr, text: str) -> str | None:
    """The label that every selector matches with `{{ namespace }}` alone, if series of namespaces keep apart by it."""
    labels = {
        matcher.name
        for selector in vector_selectors(expression)
        for matcher in selector.matchers.matchers
        if matcher.value == stand_in(NAMESPACE) and matcher.op == promql.MatchOp.Equal
    }
    if len(labels) != 1:
        return None
    (label,) = labels
    within = in_namespace(label)
    selectors = vector_selectors(expression)
    if not all(map(within, selectors)) or keeps_apart(expression, label, within) is not True:
        return None
    # Each matcher must be found in the text as well, where it is to become one of several namespaces; and nothing else.
    written = len(_place(label).findall(text))
    return label if written == len(selectors) == with_stand_ins(text).count(stand_in(NAMESPACE)) else None


@lru_cache(maxsize=64)
def _place(label: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![a-zA-Z0-9_])({re.escape(label)}\s*)=(\s*[\"'`]\{{\{{\s*{NAMESPACE}\s*\}}\}}[\"'`])")


@lru_cache(maxsize=4096)
def _among(text: str, label: str) -> str:
    return _place(label).sub(r"\1=~\2", text)


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
    return [node for node in _nodes(expression) if isinstance(node, promql.VectorSelector)]


def _nodes(expression: promql.Expr) -> list[promql.Expr]:
    found: list[promql.Expr] = []
    promql.walk(expression, found.append)
    return found
