"""The shapes of single values that are neither plain nor names: queries, shares, floors, probes' ports and statuses."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from watchdog.rulebook import promql
from watchdog.rulebook.mistakes import Fault, Mistakes, shown
from watchdog.rulebook.names import matching
from watchdog.rulebook.nodes import Node
from watchdog.rulebook.shapes import ListOf, MapOf, Schema, Text, wrong_type


def _checked(check: Callable[[str], object]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        check(text)
        return text

    return parse


COUNTER_QUERY = Text(
    "counter", "'http_requests_total{pod=~\"{{ pods }}\"}'", _checked(promql.parse_counter), templates=True
)
BUCKETS_QUERY = Text(
    "counter",
    "'http_request_duration_seconds_bucket{pod=~\"{{ pods }}\"}'",
    _checked(promql.parse_buckets),
    templates=True,
)
GAUGE_QUERY = Text(
    "PromQL query", "'max by (pod) (queue_depth{pod=~\"{{ pods }}\"})'", _checked(promql.parse_gauge), templates=True
)


_SHARE = re.compile(r"(?P<number>[0-9]{1,3}(?:\.[0-9]{1,12})?)%")


def parse_share(text: str) -> float:
    """Read "99.9%" as 0.999; raises Fault."""
    match = _SHARE.fullmatch(text)
    if match is None or not 0 < Decimal(match["number"]) < 100:
        raise Fault(0, f"{shown(text)} is no share", 'write a percentage between 0% and 100%, as in "99.9%"')
    return float(Decimal(match["number"]) / 100)


SHARE = Text("percentage", '"99.9%"', parse_share, r"^[0-9]{1,3}(\.[0-9]+)?%$")

OFF = 1.0
"""What `confidence = "off"` is read as: nothing is promised, and the rule as written decides alone."""


def parse_confidence(text: str) -> float:
    """Read "99.9%" as 0.001, what is left to chance, and "off" as `OFF`; raises Fault."""
    if text == "off":
        return OFF
    match = _SHARE.fullmatch(text)
    if match is None or not 50 <= Decimal(match["number"]) < 100:
        raise Fault(0, f"{shown(text)} is no confidence", 'write a percentage from 50% to below 100%, or "off"')
    return float((100 - Decimal(match["number"])) / 100)


CONFIDENCE = Text("confidence", '"99.9%"', parse_confidence, r"^(off|[5-9][0-9](\.[0-9]{1,12})?%)$")

PATH = Text("path", '"/health"', matching(r"/[!-~]*", "path", 'begin it with "/", without blanks'), "^/[!-~]*$")

_HEADER_NAME = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"
_SECRET_HEADERS = re.compile(r"authorization|cookie|token|secret|api-?key|password", re.IGNORECASE)


def parse_header_name(text: str) -> str:
    """The name of a header that may stand in rules.toml; raises Fault."""
    if _SECRET_HEADERS.search(text):
        raise Fault(
            0,
            f"the header {shown(text)} would hold a secret",
            "secrets never stand in rules.toml; probe a path that needs none",
        )
    return matching(_HEADER_NAME, "name of a header", "write letters, digits and hyphens")(text)


HEADERS = MapOf(
    "table of texts",
    '{ X-Probe = "watchdog" }',
    Text("text", '"watchdog"', matching(r"[\t -~]*", "value of a header", "write printable ASCII on one line")),
    parse_header_name,
    _HEADER_NAME,
)


@dataclass(frozen=True, slots=True)
class Port:
    """A port of a pod: its name as declared, or its number."""

    title: str = "name or number of a port"
    example: str = '"http"'

    def read(self, node: Node, name: str, mistakes: Mistakes) -> str | None:
        if isinstance(node.value, bool) or not isinstance(node.value, int | str):
            wrong_type(node, name, self, mistakes)
            return None
        number = node.value if isinstance(node.value, int) else None
        if isinstance(node.value, str) and re.fullmatch(r"[0-9]{1,5}", node.value):
            number = int(node.value)
        if number is not None and not 1 <= number <= 65535:
            mistakes.add(node.at, f"{number} is no port", "write a number from 1 to 65535")
            return None
        if number is None and not re.fullmatch(r"(?=.{1,15}$)[a-z0-9]+(-[a-z0-9]+)*", str(node.value)):
            remedy = 'write the name of a declared port (small letters, digits and "-", 15 at most) or its number'
            mistakes.add(node.at, f"{shown(str(node.value))} is no name of a port", remedy)
            return None
        return str(number or node.value)

    def schema(self) -> Schema:
        return {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": 65535},
                {"type": "string", "pattern": "^[a-z0-9-]{1,15}$"},
            ]
        }


@dataclass(frozen=True, slots=True)
class Statuses:
    """A status code or a range of them."""

    title: str = "status code or range"
    example: str = '"200-399"'

    def read(self, node: Node, name: str, mistakes: Mistakes) -> tuple[int, int] | None:
        if isinstance(node.value, bool) or not isinstance(node.value, int | str):
            wrong_type(node, name, self, mistakes)
            return None
        match = re.fullmatch(r"([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?", str(node.value))
        if match is None or (match[2] and match[2] < match[1]):
            mistakes.add(node.at, f"{shown(str(node.value))} is no status code or range", 'write 204 or "200-399"')
            return None
        return int(match[1]), int(match[2] or match[1])

    def schema(self) -> Schema:
        return {
            "anyOf": [
                {"type": "integer", "minimum": 100, "maximum": 599},
                {"type": "string", "pattern": "^[1-5][0-9]{2}(-[1-5][0-9]{2})?$"},
            ]
        }


EXPECTED = ListOf(Statuses(), "status codes or ranges")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A floor: a number in the metric's base unit, or a text with a unit; what fits is known with the metric."""

    title: str = "number, or text with a unit"
    example: str = '"10ms"'

    def read(self, node: Node, name: str, mistakes: Mistakes) -> float | str | None:
        if isinstance(node.value, str):
            return node.value
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            wrong_type(node, name, self, mistakes)
            return None
        if not 0 < node.value < 1e18:
            mistakes.add(node.at, f"{name} is out of bounds", "write a number above 0")
            return None
        return float(node.value)

    def schema(self) -> Schema:
        return {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0},
                {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?(%|m|ms|s|KiB|MiB|GiB)?$"},
            ]
        }
