"""The three patch formats of the API. Each returns a new value and leaves what it was given as it is."""

from collections.abc import Mapping, Sequence
from typing import Any

from watchdog.simulator.refusals import bad_request, rejected_patch

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON = "application/json-patch+json"

# The strategic merge keys of the kinds that are simulated; a list that is not here is replaced whole.
_MERGE_KEYS: dict[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "ports": ("containerPort", "port"),
    "conditions": ("type",),
    "imagePullSecrets": ("name",),
    "hostAliases": ("ip",),
    "ownerReferences": ("uid",),
    "topologySpreadConstraints": ("topologyKey",),
    "podIPs": ("ip",),
    "addresses": ("type",),
    "taints": ("key",),
}
_MERGED_PRIMITIVES = frozenset({"finalizers"})
_RETAIN, _ORDER, _DELETE = "$retainKeys", "$setElementOrder/", "$deleteFromPrimitiveList/"


def merge(target: Any, patch: Any) -> Any:
    """RFC 7386: a null removes, a list replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def strategic(target: Any, patch: Any) -> Any:
    """Kubernetes' strategic merge: lists with a merge key are merged item by item; `$patch` says otherwise."""
    if not isinstance(patch, dict):
        return patch
    directive = patch.get("$patch")
    if directive == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    if directive == "delete":
        return {}
    result = dict(target) if isinstance(target, dict) else {}
    if _RETAIN in patch:
        result = {key: value for key, value in result.items() if key in patch[_RETAIN]}
    for key, value in patch.items():
        if key.startswith(_DELETE):
            name = key.removeprefix(_DELETE)
            result[name] = [item for item in result.get(name, []) if item not in value]
        elif key.startswith("$"):
            continue
        elif value is None:
            result.pop(key, None)
        else:
            result[key] = _strategic_value(key, result.get(key), value)
    for key, order in patch.items():
        if key.startswith(_ORDER):
            name = key.removeprefix(_ORDER)
            result[name] = _ordered(name, result.get(name, []), order)
    return result


def _strategic_value(name: str, current: Any, patch: Any) -> Any:
    if isinstance(patch, dict):
        return strategic(current, patch)
    if not isinstance(patch, list):
        return patch
    current = current if isinstance(current, list) else []
    if name in _MERGED_PRIMITIVES:
        return [*current, *(item for item in patch if item not in current)]
    key = _merge_key(name, [*patch, *current])
    return patch if key is None else _merged_list(key, current, patch)


def _merge_key(name: str, items: Sequence[Any]) -> str | None:
    for key in _MERGE_KEYS.get(name, ()):
        if any(isinstance(item, dict) and key in item for item in items):
            return key
    return None


def _merged_list(key: str, current: Sequence[Any], patch: Sequence[Any]) -> list[Any]:
    if any(item.get("$patch") == "replace" and len(item) == 1 for item in patch):
        return [item for item in patch if "$patch" not in item]
    result = list(current)
    for item in patch:
        if key not in item:
            raise bad_request(f"map: {item} does not contain declared merge key: {key}")
        place = next((i for i, old in enumerate(result) if old.get(key) == item[key]), None)
        if item.get("$patch") == "delete":
            if place is not None:
                del result[place]
        elif place is None:
            result.append(strategic({}, item))
        else:
            result[place] = strategic(result[place], item)
    return result


def _ordered(name: str, items: list[Any], order: Sequence[Any]) -> list[Any]:
    key = _merge_key(name, [*items, *order])
    wanted = [entry.get(key) if key and isinstance(entry, dict) else entry for entry in order]

    def place(item: Any) -> int:
        value = item.get(key) if key and isinstance(item, dict) else item
        return wanted.index(value) if value in wanted else len(wanted)

    return sorted(items, key=place)


def json_patch(target: Any, operations: Any) -> Any:
    """RFC 6902. Anything that does not apply is refused as the real server refuses it: without a reason."""
    if not isinstance(operations, list) or not all(isinstance(step, Mapping) for step in operations):
        raise bad_request("error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    for step in operations:
        target = _apply(target, step)
    return target


def _apply(target: Any, step: Mapping[str, Any]) -> Any:
    path = _pointer(step.get("path"))
    match step.get("op"):
        case "test":
            if _at(target, path, absent=None) != step.get("value"):
                raise rejected_patch()
            return target
        case "add":
            return _put(target, path, step.get("value"), insert=True)
        case "replace":
            _at(target, path)
            return _put(target, path, step.get("value"), insert=False)
        case "remove":
            return _drop(target, path)
        case "copy":
            return _put(target, path, _at(target, _pointer(step.get("from"))), insert=True)
        case "move":
            origin = _pointer(step.get("from"))
            return _put(_drop(target, origin), path, _at(target, origin), insert=True)
        case _:
            raise rejected_patch()


def _pointer(text: Any) -> list[str]:
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise rejected_patch()
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


_RAISE = object()


def _at(target: Any, path: Sequence[str], absent: Any = _RAISE) -> Any:
    for part in path:
        if isinstance(target, dict) and part in target:
            target = target[part]
        elif isinstance(target, list) and part.isdigit() and int(part) < len(target):
            target = target[int(part)]
        elif absent is _RAISE:
            raise rejected_patch()
        else:
            return absent
    return target


def _put(target: Any, path: Sequence[str], value: Any, *, insert: bool) -> Any:
    if not path:
        return value
    head, rest = path[0], path[1:]
    if isinstance(target, dict):
        if rest and head not in target:
            raise rejected_patch()
        return {**target, head: _put(target.get(head), rest, value, insert=insert)}
    if isinstance(target, list):
        return _put_in_list(target, head, rest, value, insert=insert)
    raise rejected_patch()


def _put_in_list(target: list[Any], head: str, rest: Sequence[str], value: Any, *, insert: bool) -> list[Any]:
    place = len(target) if head == "-" else int(head) if head.isdigit() else -1
    if not 0 <= place <= len(target) or (place == len(target) and (rest or not insert)):
        raise rejected_patch()
    if rest:
        return [*target[:place], _put(target[place], rest, value, insert=insert), *target[place + 1 :]]
    return [*target[:place], value, *target[place if insert else place + 1 :]]


def _drop(target: Any, path: Sequence[str]) -> Any:
    _at(target, path)
    if not path:
        return None
    head, rest = path[0], path[1:]
    if isinstance(target, dict):
        if not rest:
            return {key: value for key, value in target.items() if key != head}
        return {**target, head: _drop(target[head], rest)}
    place = int(head)
    if not rest:
        return [*target[:place], *target[place + 1 :]]
    return [*target[:place], _drop(target[place], rest), *target[place + 1 :]]


def apply_patch(content_type: str, target: Any, patch: Any) -> Any:
    """The patched value, by the format that the content type names."""
    if content_type == JSON:
        return json_patch(target, patch)
    if not isinstance(patch, dict):
        raise bad_request(
            "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}"
        )
    return strategic(target, patch) if content_type == STRATEGIC else merge(target, patch)
