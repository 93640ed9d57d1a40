"""Lists that kubectl printed as JSON: ConfigMaps of the watchdog's records, and ReplicaSets."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from watchdog.adapters.kubernetes.documents import RECORD, RECORD_KEY, document_in
from watchdog.adapters.kubernetes.errors import UNREADABLE
from watchdog.domain.rollout import Revision, Target, TargetKind
from watchdog.replay.entries import Entry, Listed, ListInvalid
from watchdog.replay.recorded import Read, of_read

_KINDS = ("ConfigMap", "ReplicaSet")


def is_printed(document: Mapping[str, Any]) -> bool:
    """Whether it is a list of objects, under whatever name, or one of those that tell of switches."""
    kind = str(document.get("kind", ""))
    return kind in _KINDS or (kind.endswith("List") and "items" in document)


def of_printed(document: Mapping[str, Any], name: str) -> Listed:
    """The switches that they tell of; other objects among them are passed over. Raises `ListInvalid`."""
    items = [document] if document.get("kind") in _KINDS else document.get("items") or []
    try:
        _check(items, name)
        documents = [one for one in items if _is_record(one)]
        records = of_read([_read(one) for one in documents])
        sets = tuple(_of_replicasets(items))
    except UNREADABLE as error:
        raise ListInvalid(f"{name}: an object of it has not the shape of its kind ({error})") from error
    if not records.entries and not sets and items:
        if documents:
            raise ListInvalid(f"{name}: {records.notes[0].text}")
        none = "none is a ConfigMap with a record of the watchdog, or the ReplicaSet of a Deployment"
        raise ListInvalid(f"{name}: of {len(items)} objects {none}")
    return Listed((*records.entries, *sets), records.notes)


def _check(items: Any, name: str) -> None:
    """Raises `ListInvalid` with the number of the first that is no object of a cluster."""
    if not isinstance(items, list):
        raise ListInvalid(f"{name}: its items are no list; print it by `kubectl get -o json`")
    for number, one in enumerate(items, 1):
        if not isinstance(one, Mapping) or not isinstance(one.get("metadata"), Mapping):
            raise ListInvalid(f"{name}: object {number} has not the shape of its kind: it has no metadata")


def _is_record(item: Mapping[str, Any]) -> bool:
    """By what it holds, or by its label: one whose data are gone is named, and not passed over."""
    labels, data = item["metadata"].get("labels"), item.get("data")
    if isinstance(data, Mapping) and RECORD_KEY in data:
        return True
    return isinstance(labels, Mapping) and labels.get(RECORD) == "watch"


def _read(configmap: Mapping[str, Any]) -> Read:
    data = configmap.get("data")
    sound = isinstance(data, Mapping) and all(isinstance(one, str) for one in data.values())
    return Read(f"ConfigMap {configmap['metadata']['name']}", document_in(dict(configmap)) if sound else None)


def _of_replicasets(items: Sequence[Mapping[str, Any]]) -> Iterator[Entry]:
    """Each was switched to when it was made. Returns to an old one do not show."""
    made = []
    for one in items:
        metadata = one.get("metadata") or {}
        owner = next((o for o in metadata.get("ownerReferences") or [] if o.get("kind") == "Deployment"), None)
        template = (metadata.get("labels") or {}).get("pod-template-hash")
        if owner and template:
            target = Target(str(metadata.get("namespace")), TargetKind.DEPLOYMENT, str(owner["name"]))
            at = datetime.fromisoformat(str(metadata["creationTimestamp"])).astimezone(UTC)
            made.append((at, target, Revision(target.name, template)))
    for at, target, revision in sorted(made, key=lambda one: one[:2]):
        yield Entry(target, at, revision, source="replicasets")
