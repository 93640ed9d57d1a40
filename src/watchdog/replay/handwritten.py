"""Lists that people hand in: switches that Prometheus does not tell of, and marks of which were really bad."""

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from watchdog.adapters.kubernetes.providers import pods_of
from watchdog.domain.rollout import RUNNER, Revision, Target, WeightStep, any_pods_of
from watchdog.replay.entries import Entry, Listed, ListInvalid
from watchdog.replay.printed import is_printed, of_printed
from watchdog.replay.recorded import is_rolled_back, judgement, of_record
from watchdog.replay.report import Label, Note

_EARLIEST, _LATEST = 1970, 9000  # years
_KEYS = frozenset({"target", "at", "candidate", "previous", "label", "by", "weight", "steps"})
_STEP = frozenset({"at", "weight", "by"})
_PERCENT = 100.0
_RIGHT = "write each switch as a TOML table [[switches]] with target and at, or as a JSON object a line"
_NO_SWITCH = (
    "a line of `watchdog history -o json` says only how a watch ended: give it to --label. As --switches take the "
    "records, by `kubectl get configmaps -l rollback-watchdog.dev/record=watch -o json`"
)


def read_list(text: str, name: str, *, now: datetime, label: str = "") -> Listed:
    """`[[switches]]` tables (TOML), JSON lines, lines of `watchdog history -o json`, or what kubectl printed as JSON:
    ReplicaSets, or the ConfigMaps of the watchdog's records.

    `label`: what an entry that does not say so is taken to be; without one it is a list of switches, which lines of
    `history` are not. Raises `ListInvalid`.
    """
    stripped = text.removeprefix("\ufeff").strip()
    if not stripped:
        raise ListInvalid(f"{name} is empty; {_RIGHT}")
    found: list[tuple[str, Entry]] = []
    notes: list[Note] = []
    for where, document in list(_documents(stripped, name)):
        if is_printed(document):
            listed = of_printed(document, name)
            found += [(name, one) for one in listed.entries]
            notes += listed.notes
        else:
            found.append((where, _entry(document, where, label)))
    _check(found, now)
    if not label:
        _check_whole(found)
    return Listed(tuple(one for _, one in found), tuple(notes))


def _documents(text: str, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each with its place."""
    whole = _as_json(text, name) if text[0] in "{[" else None
    if isinstance(whole, Mapping):
        yield f"{name}:1", whole
    elif isinstance(whole, list):
        if not whole:
            raise ListInvalid(f"{name}: it holds no switch; {_RIGHT}")
        for number, one in enumerate(whole, 1):
            if not isinstance(one, Mapping):
                raise ListInvalid(f"{name}: entry {number} is no JSON object; {_RIGHT}")
            yield f"{name}: entry {number}", one
    elif text.startswith("{"):
        yield from _lines(text, name)
    else:
        yield from _tables(text, name)


def _tables(text: str, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        tables = tomllib.loads(text).get("switches", [])
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        yaml = text.startswith(("apiVersion:", "---", "- "))
        right = "this looks like YAML: have kubectl print it by -o json" if yaml else _RIGHT
        why = "nested too deeply" if isinstance(error, RecursionError) else error
        raise ListInvalid(f"{name}: this is neither TOML ({why}) nor JSON; {right}") from error
    if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
        raise ListInvalid(f"{name}: write each switch as a table [[switches]] with target and at")
    if not tables:
        raise ListInvalid(f"{name}: it holds no [[switches]]; {_RIGHT}")
    yield from ((f"{name}: switch {number}", one) for number, one in enumerate(tables, 1))


def _as_json(text: str, where: str) -> Any:
    """None for what is no JSON."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ListInvalid(f"{where}: nested too deeply for any list of switches; {_RIGHT}") from error
    except ValueError:
        return None


def _lines(text: str, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            where = f"{name}:{number}"
            document = _as_json(line, where)
            if not isinstance(document, Mapping):
                cut = "; nor is the file one JSON document: was it cut off?" if number == 1 else ""
                raise ListInvalid(f"{where}: this is no JSON object; write one a line{cut}")
            yield where, document


def _check(found: Sequence[tuple[str, Entry]], now: datetime) -> None:
    """What is written by hand is of the past, and says of each switch one thing. Raises `ListInvalid`."""
    known: dict[tuple[Target, datetime], tuple[str, Entry]] = {}
    for where, entry in found:
        if entry.source == "list":
            for moment in (entry.at, *(step.at for step in entry.steps)):
                if moment > now:
                    late = f"{moment.isoformat()}, of {entry.target}, is still to come; write a time up to now"
                    raise ListInvalid(f"{where}: {late}")
        before, other = known.setdefault((entry.target, entry.at), (where, entry))
        if other is entry:
            continue
        what = f"{where}: {entry.target} at {entry.at.isoformat()} is listed already ({before})"
        if other.label and entry.label and other.label is not entry.label:
            raise ListInvalid(f"{what}, there as {other.label} and here as {entry.label}; keep the one that is true")
        if "list" in (entry.source, other.source):
            raise ListInvalid(f"{what}; keep one of them")


def _check_whole(found: Sequence[tuple[str, Entry]]) -> None:
    """What is to be replayed says what served; a mark may do without. Raises `ListInvalid`."""
    for where, entry in found:
        if entry.source != "list":
            continue
        if entry.candidate is None:
            raise ListInvalid(f"{where}: the switch of {entry.target} names no candidate; write DEPLOYMENT-HASH")
        if entry.target.kind.switch.in_parts and entry.previous is None:
            who = "names no previous, which serves beside the candidate; write DEPLOYMENT-HASH"
            raise ListInvalid(f"{where}: the switch of {entry.target} {who}")


def _entry(document: Mapping[str, Any], where: str, label: str) -> Entry:
    if "switched_at" in document and "schema" in document:
        if "state" in document:
            return of_record(document, where)
        if not label:
            raise ListInvalid(f"{where}: {_NO_SWITCH}")
        return _mark(document, where)
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
    part = _share(document.get("weight", _PERCENT), where, nothing=False)
    steps, last, share = [], at, part
    for number, one in enumerate(listed, 1):
        place = f"{where}: step {number}"
        moment = _moment(one.get("at"), place)
        if moment <= last:
            raise ListInvalid(f"{place}: {moment.isoformat()} is not after {last.isoformat()}")
        before, share = share, _share(one.get("weight"), place, nothing=True)
        if share == before:
            same = f"{share * _PERCENT:g} % as before"
            raise ListInvalid(f"{place}: {same}; write the weight that it moved to, or leave it out")
        last = moment
        steps.append(WeightStep(moment, share, target.name, str(one.get("by") or "")))
    return {"part": part, "steps": tuple(steps)}


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
    return Entry(target, at, label=label, source="records", said=said, rolled_back=is_rolled_back(document))


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
