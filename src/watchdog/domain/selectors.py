"""Kubernetes label selectors, as guards write them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class SelectorOp(StrEnum):
    """The operators of a Kubernetes label selector."""

    IN = "in"
    NOT_IN = "notin"
    EXISTS = "exists"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement of a label selector."""

    key: str
    op: SelectorOp
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """As Kubernetes does: `notin` and `!=` also match objects without the label."""
        match self.op:
            case SelectorOp.IN:
                return labels.get(self.key) in self.values
            case SelectorOp.NOT_IN:
                return labels.get(self.key) not in self.values
            case SelectorOp.EXISTS:
                return self.key in labels
            case SelectorOp.ABSENT:
                return self.key not in labels


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """A Kubernetes label selector; `text` is as written."""

    text: str
    requirements: tuple[Requirement, ...]

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether all requirements hold."""
        return all(requirement.matches(labels) for requirement in self.requirements)
