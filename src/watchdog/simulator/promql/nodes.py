"""The expressions that the evaluator knows, as data. Durations and times are in milliseconds."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from watchdog.simulator.promql.errors import BadQuery, ExecutionFailed
from watchdog.simulator.tsdb import Matcher

Kind = Literal["scalar", "string", "vector", "matrix"]
At = int | Literal["start", "end"] | None
Cardinality = Literal["one-to-one", "many-to-one", "one-to-many", "many-to-many"]


@dataclass(frozen=True, slots=True, eq=False)
class Number:
    """A number literal."""

    value: float


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """A string literal."""

    value: str


@dataclass(frozen=True, slots=True, eq=False)
class Selector:
    """An instant selector: `up{job="x"} offset 5m`."""

    matchers: tuple[Matcher, ...]
    offset: int
    at: At


@dataclass(frozen=True, slots=True, eq=False)
class RangeSelector:
    """A range of raw samples: `up[5m]`."""

    selector: Selector
    range: int


@dataclass(frozen=True, slots=True, eq=False)
class Subquery:
    """An expression evaluated over a range: `rate(x[1m])[10m:1m]`."""

    operand: "Node"
    range: int
    step: int | None
    offset: int
    at: At


@dataclass(frozen=True, slots=True, eq=False)
class Negate:
    """The unary minus."""

    operand: "Node"


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A function's call."""

    name: str
    args: tuple["Node", ...]
    returns: Kind


@dataclass(frozen=True, slots=True, eq=False)
class Aggregate:
    """`sum by (pod) (...)` and the like."""

    op: str
    operand: "Node"
    param: "Node | None"
    without: bool
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Matching:
    """How the two sides of a binary operation find each other."""

    cardinality: Cardinality = "one-to-one"
    on: bool = False
    labels: tuple[str, ...] = ()
    include: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Binary:
    """An arithmetic, comparing or set operation."""

    op: str
    left: "Node"
    right: "Node"
    matching: Matching
    returns_bool: bool


Node = Number | Text | Selector | RangeSelector | Subquery | Negate | Call | Aggregate | Binary


def kind(node: Node) -> Kind:
    """The type of value that an expression has."""
    match node:
        case Number():
            return "scalar"
        case Text():
            return "string"
        case Selector() | Aggregate():
            return "vector"
        case RangeSelector() | Subquery():
            return "matrix"
        case Negate(operand):
            return kind(operand)
        case Call():
            return node.returns
        case Binary():
            return "scalar" if kind(node.left) == kind(node.right) == "scalar" else "vector"


def to_milliseconds(duration: timedelta) -> int:
    """Whole milliseconds, exactly."""
    return duration // timedelta(milliseconds=1)


__all__ = [
    "Aggregate",
    "BadQuery",
    "Binary",
    "Call",
    "ExecutionFailed",
    "Kind",
    "Matching",
    "Negate",
    "Node",
    "Number",
    "RangeSelector",
    "Selector",
    "Subquery",
    "Text",
    "kind",
    "to_milliseconds",
]
