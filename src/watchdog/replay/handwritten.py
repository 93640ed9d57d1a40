"""Lists that people hand in: switches that Prometheus does not tell of, and marks of which were really bad."""

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from watchdog.domain.codec import Unreadable
from watchdog.domain.marks import is_false_alarm, is_missed
from watchdog.domain.record import watch_of
from watchdog.domain.rollout import Revision, Target, TargetKind
from watchdog.domain.state import Phase
from watchdog.replay.cases import Mark
from watchdog.replay.courses import Course, SeenPod, Serving
from watchdog.replay.report import Label

_BEFORE = timedelta(days=30)  # since when the first one's predecessor is taken to have served
_EARLIEST, _LATEST = 1970, 9000  # years
_KEYS = frozenset({"target", "at", "candidate", "previous", "label", "by"})
_SAYS = {"records": "rolled back by the watchdog", "list": "label file"}
_MARKED = "marked by a person"
Pods = Mapping[tuple[str, str], Mapping[str, tuple[SeenPod, ...]]]


class ListInvalid(Exception):
    """A list cannot be read: where, and what would be right."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list."""

    target: Target
    at: datetime
    candidate: Revision | None = None
    previous: Revision | None = None
    label: Label | None = None
    by: str = ""
    source: str = ""
    back_to: Revision | None = None  # what it was put back to, and when, where that is known
    back_at: datetime | None = None
    said: str = ""  # who says what its label is, where that is not told by its source

    @property
    def label_source(self) -> str:
        """Who says so."""
        return self.said or _SAYS.get(self.source, self.source)


def read_list(text: str, name: str, *, label: str = "") -> tuple[Entry, ...]:
    """`[[switches]]` tables (TOML), JSON lines, lines of `watchdog history -o json`, or `kubectl get rs -o json`.

    `label`: what an entry that does not say so is taken to be. Raises `ListInvalid`.
    """
    stripped = text.lstrip()
    if stripped.startswith("{"):
        whole = _as_json(text)
        if isinstance(whole, Mapping) and whole.get("kind") == "List":
            return tuple(_of_replicasets(whole, name))
        documents = [whole] if isinstance(whole, Mapping) else list(_lines(text, name))
        return tuple(_entry(one, f"{name}:{number}", label) for number, one in enumerate(documents, 1))
    try:
        tables = tomllib.loads(text).get("switches", [])
    except tomllib.TOMLDecodeError as error:
        raise ListInvalid(f"{name}: {error}") from error
    if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
        raise ListInvalid(f"{name}: write each switch as a table [[switches]] with target and at")
    if not tables and stripped:
        raise ListInvalid(f"{name}: it holds no [[switches]]")
    return tuple(_entry(one, f"{name}: switch {number}", label) for number, one in enumerate(tables, 1))


def _as_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _lines(text: str, name: str) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            document = _as_json(line)
            if not isinstance(document, Mapping):
                raise ListInvalid(f"{name}:{number}: this is no JSON object; write one a line")
            yield document


def _entry(document: Mapping[str, Any], where: str, label: str) -> Entry:
    if "switched_at" in document and "schema" in document:
        return _of_record(document, where)
    unknown = set(document) - _KEYS
    if unknown:
        raise ListInvalid(f"{where}: {sorted(unknown)[0]!r} is no key; there are {', '.join(sorted(_KEYS))}")
    target, at = _target(document.get("target"), where), _moment(document.get("at"), where)
    said = str(document.get("label") or label)
    if said and said not in list(Label):
        raise ListInvalid(f"{where}: label {said!r} is none; write {', '.join(Label)}")
    return Entry(
        target,
        at,
        _revision(document.get("candidate"), target, where),
        _revision(document.get("previous"), target, where),
        Label(said) if said else None,
        str(document.get("by") or ""),
        "list",
    )


def of_records(documents: Sequence[Mapping[str, Any]]) -> tuple[Entry, ...]:
    """The watchdog's own records. Raises `ListInvalid`."""
    return tuple(_of_record(one, f"record {one.get('watch', '?')}") for one in documents)


def _of_record(document: Mapping[str, Any], where: str) -> Entry:
    """A record of the watchdog's own; what it rolled back was bad, unless a person marked it otherwise.

    As `history` prints it, it is only a mark.
    """
    label, said = _judgement(document)
    if "state" not in document:
        target, at = _target(document.get("target"), where), _moment(document.get("switched_at"), where)
        return Entry(target, at, label=label, source="records", said=said)
    try:
        watch = watch_of(document)
    except Unreadable as error:
        raise ListInvalid(f"{where}: {error}") from error
    switch = watch.switch
    back = watch.outcome is Phase.ROLLED_BACK
    return Entry(
        switch.target,
        switch.at,
        switch.candidate,
        switch.previous,
        label,
        switch.by,
        "records",
        watch.remedy.to if back and watch.remedy is not None else None,
        watch.acted_at if back else None,
        said,
    )


def _judgement(document: Mapping[str, Any]) -> tuple[Label | None, str]:
    """Whether the release was bad: what a person marked comes before what the watchdog did."""
    if is_false_alarm(document):
        return Label.GOOD, _MARKED
    if is_missed(document):
        return Label.BAD, _MARKED
    return Label.BAD if document.get("outcome") == Phase.ROLLED_BACK else None, ""


def _of_replicasets(whole: Mapping[str, Any], name: str) -> Iterator[Entry]:
    """`kubectl get replicasets -o json`: each was switched to when it was made. Returns to an old one do not show."""
    made = []
    for one in whole.get("items") or []:
        metadata = one.get("metadata") or {}
        owner = next((o for o in metadata.get("ownerReferences") or [] if o.get("kind") == "Deployment"), None)
        template = (metadata.get("labels") or {}).get("pod-template-hash")
        if owner and template:
            target = Target(str(metadata.get("namespace")), TargetKind.DEPLOYMENT, str(owner["name"]))
            made.append((_moment(metadata.get("creationTimestamp"), name), target, Revision(target.name, template)))
    for at, target, revision in sorted(made, key=lambda one: one[:2]):
        yield Entry(target, at, revision, source="replicasets")


def _target(text: Any, where: str) -> Target:
    try:
        return Target.parse(str(text))
    except ValueError as error:
        raise ListInvalid(f"{where}: {error}") from error


def _moment(value: Any, where: str) -> datetime:
    try:
        at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError as error:
        raise ListInvalid(f"{where}: at {value!r} is no moment; write 2026-03-02T14:05:00+00:00") from error
    if at.tzinfo is None:
        raise ListInvalid(f"{where}: at {value} says no UTC offset; write 2026-03-02T14:05:00+00:00")
    if not _EARLIEST <= at.year <= _LATEST:
        raise ListInvalid(f"{where}: at {value}: the year cannot be meant; write a time from {_EARLIEST} on")
    return at.astimezone(UTC)


def _revision(text: Any, target: Target, where: str) -> Revision | None:
    if not text:
        return None
    workload, dash, template = str(text).rpartition("-")
    if target.kind is TargetKind.SERVICE and not dash:
        raise ListInvalid(f"{where}: {text!r} is no revision of a Service; write DEPLOYMENT-HASH")
    return Revision(workload or target.name, template)


def courses_of(entries: Sequence[Entry], pods: Pods, *, kube_state: bool) -> tuple[Course, ...]:
    """The targets' courses as the list has them. An entry without candidate cannot be replayed: `ListInvalid`."""
    by_target: dict[Target, list[Entry]] = {}
    for entry in sorted(entries, key=lambda one: (one.target, one.at)):
        if entry.candidate is None:
            raise ListInvalid(f"the switch of {entry.target} at {entry.at.isoformat()} names no candidate")
        by_target.setdefault(entry.target, []).append(entry)
    return tuple(_course(target, listed, pods, kube_state=kube_state) for target, listed in by_target.items())


def _course(target: Target, listed: Sequence[Entry], pods: Pods, *, kube_state: bool) -> Course:
    stretches = []
    first = listed[0]
    if first.previous is not None:
        known = _pods(target, first.previous, pods)
        stretches.append(Serving(first.previous, first.at - _BEFORE, source=first.source, pods=known))
    for entry in listed:
        assert entry.candidate is not None
        known = _pods(target, entry.candidate, pods)
        source = entry.label_source if entry.label else ""
        stretches.append(Serving(entry.candidate, entry.at, False, entry.source, entry.by, known, entry.label, source))
        if entry.back_to is not None and entry.back_at is not None:
            back = _pods(target, entry.back_to, pods)
            stretches.append(Serving(entry.back_to, entry.back_at, source=entry.source, pods=back))
    return Course(target, {}, tuple(stretches), kube_state=kube_state)


def _pods(target: Target, revision: Revision, pods: Pods) -> tuple[SeenPod, ...]:
    return pods.get((target.namespace, revision.workload), {}).get(revision.template, ())


def marks_of(entries: Sequence[Entry]) -> tuple[Mark, ...]:
    """What the entries say of their switches."""
    return tuple(
        Mark(entry.target, entry.at, entry.label, entry.label_source) for entry in entries if entry.label is not None
    )
