"""Past switches as the watchdog's own records tell of them: of every kind, with all that was seen of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from watchdog.adapters.kubernetes.documents import record_name
from watchdog.domain.codec import Unreadable
from watchdog.domain.marks import is_false_alarm, is_missed
from watchdog.domain.record import watch_of
from watchdog.domain.rollout import Revision, SwitchKind
from watchdog.domain.state import Phase, Watch
from watchdog.domain.superseding import taken_back_to
from watchdog.replay.courses import SeenPod
from watchdog.replay.entries import BY_PERSON, Entry, Listed, ListInvalid
from watchdog.replay.report import Label, Note, Severity

_BY_HAND = "rolled back by hand"
_NAMED = 3  # records that a note names
_PUT_BACK = (Phase.RECOVERING, Phase.ROLLED_BACK)


@dataclass(frozen=True, slots=True)
class Read:
    """A record and where it lies, for people; None: no record is there."""

    where: str
    document: Mapping[str, Any] | None


def of_records(documents: Sequence[Mapping[str, Any]], *, series: str = "") -> Listed:
    """The watchdog's own records, from the cluster; `series` is what their ConfigMaps' names have before the watch."""
    return of_read([Read(f"ConfigMap {record_name(series + str(one.get('watch')))}", one) for one in documents])


def of_read(records: Sequence[Read]) -> Listed:
    """Those of another version of the watchdog, and damaged ones, are left out and named."""
    entries, unread = [], []
    for one in records:
        try:
            if one.document is None:
                raise ListInvalid(f"{one.where} holds no record")
            entries.append(of_record(one.document, one.where))
        except ListInvalid as error:
            unread.append(str(error))
    return Listed(tuple(entries), _unread(unread))


def _unread(reasons: Sequence[str]) -> tuple[Note, ...]:
    if not reasons:
        return ()
    count = "1 record is" if len(reasons) == 1 else f"{len(reasons)} records are"
    more = f"; and {len(reasons) - _NAMED} more" if len(reasons) > _NAMED else ""
    return (Note(Severity.WARNING, f"{count} left out: {'; '.join(reasons[:_NAMED])}{more}"),)


def of_record(document: Mapping[str, Any], where: str) -> Entry:
    """A whole record; what it rolled back was bad, unless a person marked it otherwise. Raises `ListInvalid`."""
    label, said = judgement(document)
    try:
        watch = watch_of(document)
    except Unreadable as error:
        raise ListInvalid(f"{where}: {error}") from error
    switch = watch.switch
    _check_weights(watch, where)
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
        rolled_back=is_rolled_back(document),
        superseded=watch.ended_at if watch.outcome is Phase.SUPERSEDED else None,
        said=said,
        at_is_bound=switch.at_is_bound,
        part=switch.part,
        steps=watch.steps,
        configs=switch.configs,
        completed=watch.bake_from if switch.kind is SwitchKind.ROLLOUT else None,
        patience=watch.progress_deadline,
        pods=_pods(watch),
        guard=None if watch.by_hand else watch.guard,
        by_hand=bool(watch.by_hand),
        stable=None if watch.by_hand else watch.stable,
        passed=watch.ended_at if watch.outcome is Phase.PASSED else None,
    )


def _check_weights(watch: Watch, where: str) -> None:
    """Raises `ListInvalid` where a part of the traffic is none."""
    switch = watch.switch
    first = [] if switch.part is None else [("its switch", switch.part)]
    for what, part in (*first, *((f"its step at {step.at.isoformat()}", step.share) for step in watch.steps)):
        if not 0.0 <= part <= 1.0:
            raise ListInvalid(
                f"{where}: {what} gives the candidate {part:g} of the traffic, which is no part from 0 to 1"
            )


def _back(watch: Watch) -> tuple[Revision | None, datetime | None]:
    """What had the candidate's traffic after this watch, and from when on, where no other record begins with it."""
    switch = watch.switch
    if watch.phase in _PUT_BACK:
        return watch.remedy.to if watch.remedy is not None else None, watch.acted_at
    if switch.kind.in_parts and switch.previous is not None and taken_back_to(watch, switch.previous):
        return switch.previous, watch.ended_at
    return None, None


def _pods(watch: Watch) -> tuple[SeenPod, ...]:
    """The candidate's pods with the moments that count: which blocks a replay takes must not hang on a guess."""
    pods = watch.pods
    if pods is None:
        return ()
    living = [SeenPod(one.name, one.created, uid=one.uid, recorded=True, ready=one.first_ready) for one in pods.pods]
    warmup, switched = watch.guard.warmup, watch.switch.at
    # Of those that died since it is kept from when on they were warm.
    gone = [
        SeenPod(name, switched, created_is_bound=True, recorded=True, ready=None if warm is None else warm - warmup)
        for name, warm in pods.gone.items()
    ]
    return (*living, *gone)


def is_rolled_back(document: Mapping[str, Any]) -> bool:
    """Whether the watchdog itself put it back: no person did, by its verb or otherwise."""
    return not document.get("by_hand") and _is_put_back(document)


def _is_put_back(document: Mapping[str, Any]) -> bool:
    return (document.get("outcome") or document.get("phase")) in _PUT_BACK


def judgement(document: Mapping[str, Any]) -> tuple[Label | None, str]:
    """Whether the release was bad: what a person marked comes before what the watchdog did."""
    if is_false_alarm(document):
        return Label.GOOD, BY_PERSON
    if is_missed(document):
        return Label.BAD, BY_PERSON
    if _is_put_back(document):
        return Label.BAD, _BY_HAND if document.get("by_hand") else ""
    return None, ""
