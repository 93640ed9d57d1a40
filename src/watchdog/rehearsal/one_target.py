"""What a dry run of one target leaves unsaid: that other targets of a guard cannot be read is no matter of its."""

import logging
from collections.abc import Callable, Mapping

from watchdog.adapters.kubernetes.said import CANNOT_BE_READ
from watchdog.domain.rollout import Target, TargetKind


def concerns(target: Target) -> Callable[[logging.LogRecord], bool]:
    """A filter of log records. What may stand behind the target (workloads, revisions, Services) concerns it."""

    def passes(record: logging.LogRecord) -> bool:
        facts = getattr(record, "facts", None)
        if record.getMessage() != CANNOT_BE_READ or not isinstance(facts, Mapping):
            return True
        try:
            other = Target.parse(str(facts.get("target", "")))
        except ValueError:
            return True  # of a kind that is no target: it may be part of one
        return other == target or not _beside(other.kind, target.kind)

    return passes


def _beside(other: TargetKind, kind: TargetKind) -> bool:
    """Whether an object of that kind is never behind one of this kind."""
    return other is kind or other.switch.in_parts
