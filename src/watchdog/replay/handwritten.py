"""Lists that people hand in: switches that Prometheus does not tell of, and marks of which were really bad."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from watchdog.adapters.kubernetes.documents import RECORD_KEY, document_in
from watchdog.adapters.kubernetes.providers import pods_of
from watchdog.domain.rollout import RUNNER, Revision, Target, TargetKind, WeightStep, any_pods_of
from watchdog.replay.entries import Entry, ListInvalid
from watchdog.replay.recorded import judgement, of_record
from watchdog.replay.report import Label

_EARLIEST, _LATEST = 1970, 9000  # years
_KEYS = frozenset({"target", "at", "candidate", "previous", "label", "by", "weight", "steps"})
_STEP = frozenset({"at", "weight", "by"})
_PERCENT = 100.0


def read_list(text: str, name: str, *, label: str = "") -> tuple[Entry, ...]:
    """`[[switches]]` tables (TOML), JSON lines, lines of `watchdog history -o json`, or what kubectl printed as JSON:
    ReplicaSets, or the ConfigMaps of the watchdog's records.

    `label`: what an entry that does not say so is taken to be. Raises `ListInvalid`.
    """
    stripped = text.lstrip()
    if stripped.startswith("{"):
        whole = _as_json(text)
        if isinstance(whole, Mapping) and whole.get("kind") == "List":
            return (*_of_configmaps(whole, name), *_of_replicasets(whole, name))
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
        return of_record(document, where) if "state" in document else _mark(document, where)
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
        **_weights(document, target, at, where),
    )


def _weights(document: Mapping[str, Any], target: Target, at: datetime, where: str) -> dict[str, Any]:
    """Of a route: what the candidate got at first, and then."""
    if not target.kind.switch.in_parts:
        for key in ("weight", "steps"):
            if key in document:
                raise ListInvalid(f"{where}: {key} is of a route; {target} moves all of its traffic at once")
        return {}
    both = [_revision(document.get(key), target, where) for key in ("candidate", "previous")]
    if both[0] and both[1] and both[0].workload == both[1].workload:
        raise ListInvalid(f"{where}: candidate and previous are both of {both[0].workload}; a route shares among two")
    listed = document.get("steps", [])
    if not isinstance(listed, list) or not all(isinstance(one, Mapping) and set(one) <= _STEP for one in listed):
        raise ListInvalid(f"{where}: write steps as [{{ at = 2026-03-02T14:15:00Z, weight = 25 }}]")
    if listed and "weight" not in document:
        raise ListInvalid(f"{where}: write weight too: what the candidate got before its first step")
    steps, last = [], at
    for one in listed:
        moment = _moment(one.get("at"), f"{where}: steps")
        if moment <= last:
            raise ListInvalid(f"{where}: steps: {moment.isoformat()} is not after {last.isoformat()}")
        last = moment
        share = _share(one.get("weight"), f"{where}: steps", nothing=True)
        steps.append(WeightStep(moment, share, target.name, str(one.get("by") or "")))
    first = document.get("weight", _PERCENT)
    return {"part": _share(first, where, nothing=False), "steps": tuple(steps)}


def _share(weight: Any, where: str, *, nothing: bool) -> float:
    """Percent as a part of the whole; `nothing`: it may be 0."""
    number = isinstance(weight, int | float) and not isinstance(weight, bool)
    if not number or not 0.0 <= weight <= _PERCENT or not (weight or nothing):
        raise ListInvalid(f"{where}: weight {weight!r} is no part of the traffic; write percent, such as 25")
    return float(weight) / _PERCENT


def _mark(document: Mapping[str, Any], where: str) -> Entry:
    """A record as `history` prints it: it holds no watch, and is only a mark."""
    label, said = judgement(document)
    target, at = _target(document.get("target"), where), _moment(document.get("switched_at"), where)
    return Entry(target, at, label=label, source="records", said=said)


def _of_configmaps(whole: Mapping[str, Any], name: str) -> Iterator[Entry]:
    """`kubectl get configmaps -l rollback-watchdog.dev/record=watch -o json`: the watchdog's own records."""
    for one in whole.get("items") or []:
        if RECORD_KEY in (one.get("data") or {}):
            document = document_in(one)
            where = f"{name}: ConfigMap {one['metadata']['name']}"
            if document is None:
                raise ListInvalid(f"{where} holds no record")
            yield of_record(document, where)


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
    if target.kind.routes:
        if not dash:
            raise ListInvalid(f"{where}: {text!r} is no revision behind {target}; write DEPLOYMENT-HASH")
        return Revision(workload, template)
    known = Revision(workload or target.name, template, kind=target.kind)
    own = pods_of(known.workload_in(target.namespace))
    return known if target.kind is RUNNER or own == any_pods_of(known.workload) else replace(known, pods=own)
