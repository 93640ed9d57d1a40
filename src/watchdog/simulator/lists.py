"""Lists and their pages."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from watchdog.simulator.objects import Object, key_of
from watchdog.simulator.refusals import Refusal, bad_request, expired, from_the_future, no_number
from watchdog.simulator.resources import Resource
from watchdog.simulator.store import Store

_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)


def parse_version(text: str) -> int | None:
    """A resourceVersion parameter; None where none was given."""
    if not text:
        return None
    if not text.isdigit():
        raise no_number(text)
    return int(text)


@dataclass(frozen=True)
class Listed:
    """The stored objects that a List tells of, and what it says beside them."""

    resource: Resource
    metadata: Object
    objects: Sequence[Object]

    def head(self) -> Object:
        """The List without its items."""
        kind = {"kind": f"{self.resource.kind}List", "apiVersion": self.resource.api_version}
        return {**kind, "metadata": self.metadata}

    def of_metadata(self) -> Object:
        """The List with nothing but its objects' metadata, as a client may ask for it."""
        kind = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
        items = [{**kind, "metadata": obj["metadata"]} for obj in self.objects]
        return {**self.head(), "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "items": items}

    def whole(self) -> Object:
        """The List."""
        bare = [{key: part for key, part in obj.items() if key not in ("kind", "apiVersion")} for obj in self.objects]
        return {**self.head(), "items": bare}


def page(
    store: Store,
    resource: Resource,
    namespace: str,
    selects: Callable[[Object], bool] | None,
    *,
    limit: int = 0,
    token: str = "",
    version: str = "",
) -> Listed:
    """Everything, or one page of a consistent state."""
    asked = parse_version(version)
    if asked is not None and asked > store.version:
        raise from_the_future(asked, store.version)
    at, start = _decode(token) if token else (store.version, "")
    if token:
        objects = _as_of(store, resource, at, start)
    else:
        objects = {key_of(obj): obj for obj in store.all(resource, namespace)}
    keys = sorted(key for key in objects if not namespace or key[0] == namespace)
    chosen: list[Object] = []
    last = ("", "")
    for position, key in enumerate(keys):
        if start and _path(key, namespace) < start:
            continue
        if limit and len(chosen) == limit:
            left = len(keys) - position if selects is None else None
            return _list(resource, at, chosen, _encode(at, _path(last, namespace)), left)
        if selects is None or selects(objects[key]):
            chosen.append(objects[key])
            last = key
    return _list(resource, at, chosen)


def _path(key: tuple[str, str], namespace: str) -> str:
    return f"/{key[1]}" if namespace or not key[0] else f"/{key[0]}/{key[1]}"


def _as_of(store: Store, resource: Resource, version: int, start: str) -> dict[tuple[str, str], Object]:
    try:
        return store.as_of(resource, version)
    except Refusal:
        raise expired(_TOO_OLD, _encode(-1, start.rstrip("\0"))) from None


def _list(resource: Resource, version: int, items: list[Object], token: str = "", left: int | None = None) -> Listed:
    metadata: Object = {"resourceVersion": str(version)}
    if token:
        metadata["continue"] = token
    if left:
        metadata["remainingItemCount"] = left
    return Listed(resource, metadata, items)


def _encode(version: int, last: str) -> str:
    body = json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": last + "\0"}, separators=(",", ":"))
    return base64.urlsafe_b64encode(body.encode()).decode().rstrip("=")


def _decode(token: str) -> tuple[int, str]:
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise bad_request(f"invalid continue token: continue key is not valid: {error}") from None
    try:
        body = json.loads(raw)
        return int(body["rv"]), str(body["start"])
    except (ValueError, KeyError, TypeError):
        first = raw[:1] or b"?"
        shown = f"\\x{first[0]:02x}" if first[0] > 127 else first.decode()
        problem = f"invalid character '{shown}' looking for beginning of value"
        raise bad_request(f"invalid continue token: continue key is not valid: {problem}") from None
