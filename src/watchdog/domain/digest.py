"""No storms: what a guard's targets have in common within a minute is told once, as one notice of all of them."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta

from watchdog.domain.channels import QUIET_TOPICS, Topic
from watchdog.domain.effects import Notice, Severity

STORM = timedelta(minutes=1)
"""How long notices are gathered, from the first of them on, once there are two."""

ALONE = timedelta(seconds=15)
"""How long the first one waits for a second, where other watches of its guard are open."""

_NAMED = 3
_LISTED = 25
_LOUDNESS = (Severity.INFO, Severity.SUCCESS, Severity.WARNING, Severity.CRITICAL)
_WHAT: Mapping[Topic, str] = {
    Topic.SWITCH: "switched, and are watched",
    Topic.PASSED: "passed their watches",
    Topic.BREACH: "break their rules",
    Topic.ROLLED_BACK: "were put back",
    Topic.WOULD_ROLL_BACK: "would be put back, and were not",
    Topic.RECOVERED: "recovered after they were put back",
    Topic.NOT_RECOVERED: "did not recover after they were put back, or are not known to",
    Topic.HELD: "break their rules, but nothing was done",
    Topic.FAILED: "break their rules, and putting them back failed",
    Topic.NOTIFIED: "broke their rules, and were told of only",
    Topic.INCONCLUSIVE: "ended their watches without enough evidence",
    Topic.SUPERSEDED: "were switched again",
}


def family(notice: Notice) -> tuple[str, Topic] | None:
    """What a notice may be told together with: the same news of the same guard. None: it is told alone."""
    guard = notice.facts.get("guard", "")
    return (guard, notice.topic) if notice.watch and guard and notice.topic in _WHAT else None


def patience(gathered: int) -> timedelta:
    """How long after the first of so many notices they are told."""
    return ALONE if gathered < 2 else STORM


def digest(notices: Sequence[Notice]) -> Notice:
    """One notice of several of a family. Its id follows from theirs, so that the same ones are the same digest."""
    if len(notices) == 1:
        return notices[0]
    first = notices[0]
    guard = first.facts.get("guard", "")
    targets = list(dict.fromkeys(notice.target for notice in notices))
    runbook = first.facts.get("runbook", "")
    facts = {"guard": guard, "targets": str(len(targets)), "watches": ", ".join(one.watch for one in notices)}
    names = hashlib.sha256("\n".join(sorted(notice.id for notice in notices)).encode()).hexdigest()
    return Notice(
        id=f"digest/{first.topic}/{names[:16]}",
        topic=first.topic,
        severity=max((notice.severity for notice in notices), key=_LOUDNESS.index),
        watch="",
        target="",
        title=f"{len(targets)} targets of guard {guard} {_WHAT[first.topic]}: {_some(targets)}",
        lines=tuple(_lines(notices)),
        at=max(notice.at for notice in notices),
        facts={**facts, "runbook": runbook} if runbook else facts,
    )


def _some(targets: Sequence[str]) -> str:
    names = ", ".join(targets[:_NAMED])
    return f"{names} and {len(targets) - _NAMED} more" if len(targets) > _NAMED else names


def _lines(notices: Sequence[Notice]) -> list[str]:
    """Each one's story in a line, and where the whole of it stands."""
    quiet = notices[0].topic in QUIET_TOPICS
    told = [notice.title if quiet else f"{notice.title} (watchdog explain {notice.watch})" for notice in notices]
    left = len(told) - _LISTED
    return [*told[:_LISTED], f"and {left} more: watchdog history"] if left > 0 else told
