"""The vector selectors inside a query, as values: which metric, under which matchers."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

import promql_parser as promql

from watchdog.engine.templates import OPERATORS, quoted, vector_selectors

_NAME = "__name__"


@dataclass(frozen=True, slots=True)
class Matcher:
    """One matcher: `label op "value"`."""

    label: str
    op: str  # =, !=, =~ or !~
    value: str

    def __str__(self) -> str:
        return f"{self.label}{self.op}{quoted(self.value)}"

    def accepts(self, value: str) -> bool:
        """Whether a label of that value ("" for none) is matched; True where the expression is not understood."""
        match self.op:
            case "=":
                return value == self.value
            case "!=":
                return value != self.value
        try:
            matched = re.fullmatch(self.value, value) is not None
        except re.error:  # RE2 knows expressions that Python does not
            return True
        return matched is (self.op == "=~")


@dataclass(frozen=True, slots=True)
class Selector:
    """One vector selector; `name` is empty where it names no metric."""

    name: str
    matchers: tuple[Matcher, ...] = ()

    def __str__(self) -> str:
        if not self.matchers:
            return self.name
        return f"{self.name}{{{', '.join(map(str, self.matchers))}}}"

    @property
    def wide(self) -> "Selector":
        """All series of its metric."""
        return replace(self, matchers=())

    def without(self, label: str) -> "Selector":
        """The same, whatever that label says."""
        return replace(self, matchers=tuple(one for one in self.matchers if one.label != label))

    def also(self, label: str, op: str, value: str) -> "Selector":
        """The same with one matcher more."""
        return replace(self, matchers=(*self.matchers, Matcher(label, op, value)))


def selectors_in(query: str) -> tuple[Selector, ...]:
    """Every vector selector of a query, in its order, each once; raises ValueError where it is no PromQL."""
    return tuple(dict.fromkeys(_selector(node) for node in vector_selectors(promql.parse(query))))


def _selector(node: promql.VectorSelector) -> Selector:
    matchers = [Matcher(one.name, OPERATORS[str(one.op)], one.value) for one in node.matchers.matchers]
    name = node.name or _named(matchers)
    return Selector(name, tuple(one for one in matchers if one.label != _NAME or not name))


def _named(matchers: Iterable[Matcher]) -> str:
    return next((one.value for one in matchers if one.label == _NAME and one.op == "="), "")
