"""Past switches as the watchdog's own records tell of them: of every kind, with all that was seen of each."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from watchdog.domain.codec import Unreadable
from watchdog.domain.marks import is_false_alarm, is_missed
from watchdog.domain.record import watch_of
from watchdog.domain.rollout import Revision, SwitchKind
from watchdog.domain.state import Phase, Watch
from watchdog.domain.superseding import taken_back_to
from watchdog.replay.entries import Entry, ListInvalid
from watchdog.replay.report import Label

_MARKED = "marked by a person"


def of_records(documents: Sequence[Mapping[str, Any]]) -> tuple[Entry, ...]:
    """The watchdog's own records. Raises `ListInvalid`."""
    return tuple(of_record(one, f"record {one.get('watch', '?')}") for one in documents)


def of_record(document: Mapping[str, Any], where: str) -> Entry:
    """A whole record; what it rolled back was bad, unless a person marked it otherwise. Raises `ListInvalid`."""
    label, said = judgement(document)
    try:
        watch = watch_of(document)
    except Unreadable as error:
        raise ListInvalid(f"{where}: {error}") from error
    switch = watch.switch
    back, back_at = _back(watch)
    return Entry(
        target=switch.target,
        at=switch.at,
        candidate=switch.candidate,
        previous=switch.previous,
        label=label,
        by=switch.by,
        source="records",
        back_to=back,
        back_at=back_at,
        superseded=watch.ended_at if watch.outcome is Phase.SUPERSEDED else None,
        said=said,
        at_is_bound=switch.at_is_bound,
        part=switch.part,
        steps=watch.steps,
        configs=switch.configs,
        completed=watch.bake_from if switch.kind is SwitchKind.ROLLOUT else None,
        patience=watch.progress_deadline,
    )


def _back(watch: Watch) -> tuple[Revision | None, datetime | None]:
    """What had the candidate's traffic after this watch, and from when on, where no other record begins with it."""
    switch = watch.switch
    if watch.outcome is Phase.ROLLED_BACK:
        return watch.remedy.to if watch.remedy is not None else None, watch.acted_at
    if switch.kind.in_parts and switch.previous is not None and taken_back_to(watch, switch.previous):
        return switch.previous, watch.ended_at
    return None, None


def judgement(document: Mapping[str, Any]) -> tuple[Label | None, str]:
    """Whether the release was bad: what a person marked comes before what the watchdog did."""
    if is_false_alarm(document):
        return Label.GOOD, _MARKED
    if is_missed(document):
        return Label.BAD, _MARKED
    return Label.BAD if document.get("outcome") == Phase.ROLLED_BACK else None, ""
