"""Reads what a record says, without trusting its shape: a record may be of another version, or edited by hand."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from watchdog.domain.conditions import Dimension
from watchdog.domain.judge.sentences import odds
from watchdog.domain.judge.verdict import number

Record = Mapping[str, Any]

_NUMBERS = (("measured", "value"), ("limit", "limit"), ("stable before", "baseline"))


def mapping(value: object) -> Mapping[str, Any]:
    """The value where it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def items(value: object) -> Sequence[Any]:
    """The value where it is a list, else an empty one."""
    return value if isinstance(value, Sequence) and not isinstance(value, str | bytes) else ()


def moment(value: object) -> datetime | None:
    """A moment with its offset, else None."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None else None


def real(value: object) -> float | None:
    """A finite number, else None."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    return None


@dataclass(frozen=True, slots=True)
class Point:
    """One judged moment of a rule."""

    at: datetime
    value: float | None
    limit: float | None
    finding: str = ""
    log_evidence: float | None = None
    needed: float | None = None


def points(value: object) -> list[Point]:
    """A rule's path, as records have it; points that cannot be read are left out."""
    found = []
    for row in items(value):
        cells = [*items(row), None, None, None, None, None, None][:6]
        at = moment(cells[0])
        if at is not None:
            finding = cells[3] if isinstance(cells[3], str) else ""
            found.append(Point(at, real(cells[1]), real(cells[2]), finding, real(cells[4]), real(cells[5])))
    return found


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a record."""

    name: str
    all: Mapping[str, Any]

    @property
    def dimension(self) -> Dimension:
        try:
            return Dimension(self.all.get("dimension", ""))
        except ValueError:
            return Dimension.PLAIN

    @property
    def finding(self) -> str:
        return str(self.all.get("finding", "no-data"))

    @property
    def text(self) -> str:
        return str(self.all.get("text", ""))

    @property
    def sentence(self) -> str:
        return str(self.all.get("sentence", ""))

    @property
    def query(self) -> str:
        return str(self.all.get("query") or "")

    @property
    def evidence(self) -> float | None:
        return real(self.all.get("log_evidence"))

    @property
    def needed(self) -> float | None:
        return real(self.all.get("log_evidence_needed"))

    @property
    def by_evidence(self) -> bool:
        """Whether it is judged by evidence beside its limit."""
        return self.evidence is not None and self.needed is not None

    def shown(self, field: str) -> str:
        """A number of it, as people read it."""
        value = real(self.all.get(field))
        return "-" if value is None else number(value, self.dimension)

    def numbers(self) -> list[tuple[str, str]]:
        """Its numbers with their names, those that are known."""
        bad, total = real(self.all.get("bad")), real(self.all.get("total"))
        counted = "" if bad is None or total is None else f"{bad:,.0f} of {total:,.0f}"
        told = [(name, self.shown(field)) for name, field in _NUMBERS]
        return [(name, shown) for name, shown in (*told, ("bad of all", counted)) if shown not in ("", "-")]

    def stands(self) -> str:
        """How far the evidence is, in odds."""
        if self.evidence is None or self.needed is None:
            return ""
        return f"{odds(self.evidence, far=True)}, of {odds(self.needed, far=True)} needed"


def rules_of(record: Record) -> list[Rule]:
    """The rules of a record, those that matter first: breached, then by what the judge says."""
    order = {"breach": 0, "undecided": 1, "no-data": 2, "pass": 3}
    rules = [Rule(str(name), mapping(one)) for name, one in mapping(record.get("rules")).items()]
    return sorted(rules, key=lambda rule: order.get(rule.finding, 2))


def broken(record: Record) -> list[str]:
    """The names of the rules that were breached, whether that asked for a rollback or was only told."""
    return [str(name) for name in (*items(record.get("breached")), *items(record.get("noted")))]


def is_open(record: Record) -> bool:
    """Whether the watch goes on."""
    return record.get("outcome") is None


def state_of(record: Record) -> str:
    """The outcome, or the phase of an open watch."""
    return str(record.get("outcome") or record.get("phase") or "unknown")


def image_tags(record: Record, side: str) -> str:
    """`research:2.4.0` of `candidate` or `stable`."""
    images = items(mapping(record.get("images")).get(side))
    return ", ".join(str(image).rsplit("/", 1)[-1] for image in images)


def seconds(record: Record, name: str) -> timedelta:
    """A stretch of the guard's tempo."""
    value = real(mapping(record.get("tempo")).get(name))
    return timedelta(seconds=min(max(value or 0.0, 0.0), 1e9))
