"""Replays a recorded transcript against the simulator, and says where the two differ.

What cannot be equal is learnt instead: the first time a uid, a generated name, a template hash or a resourceVersion
is seen on both sides, the pair is remembered; from then on the one must stand wherever the other stood. Times
need only be times. Lists are paired by what their items are, for template hashes sort differently.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import pytest

Object = dict[str, Any]

TRANSCRIPTS = Path(__file__).resolve().parents[4] / "shared" / "kube-transcripts"
NAMESPACE = "transcripts"
# The recorded control plane's programs had other names.
_MANAGERS = {"controller-manager": "kube-controller-manager", "OpenAPI-Generator": "kubelet"}
_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
_NAMED_IN_TEXT = (re.compile(r'ReplicaSet "([a-z0-9-]+)"'), re.compile(r"^(1(?:0|27)\.\d+\.\d+\.\d+)$"))
_LEARNT = (
    *("uid", "resourceVersion", "name", "continue", "pod-template-hash", "clusterIP", "podIP", "creationTimestamp"),
    *("updateRevision", "controller-revision-hash", "controller.kubernetes.io/hash"),
)


def transcript(name: str) -> list[Object]:
    """The exchanges of a transcript; skips the test where the recordings are not beside the repository."""
    path = TRANSCRIPTS / f"{name}.json"
    if not path.exists():
        pytest.skip("the transcripts of a real API server are not beside this repository (shared/kube-transcripts)")
    exchanges: list[Object] = json.loads(path.read_text())
    return exchanges


class Replay:
    """Sends recorded requests to the simulator and compares the answers."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token
        self.known: dict[str, str] = {}

    async def send(self, request: Mapping[str, Any], token: str = "") -> tuple[int, Any, Mapping[str, str]]:
        """(status, body, headers) of the simulator's answer to a recorded request."""
        headers = {"Authorization": f"Bearer {token or self._token}", "User-Agent": "python-httpx/0.28.1"}
        if request.get("content_type"):
            headers["Content-Type"] = request["content_type"]
        body = request.get("body")
        data = None if body is None else json.dumps(self.translated(body)).encode()
        params = {key: str(self.translated(value)) for key, value in (request.get("params") or {}).items()}
        url = self._url + request["path"]
        async with (
            aiohttp.ClientSession() as session,
            session.request(request["method"], url, params=params, data=data, headers=headers) as answer,
        ):
            text = await answer.text()
            decoded = json.loads(text) if answer.content_type == "application/json" else text
            return answer.status, decoded, answer.headers

    async def compare(self, exchange: Mapping[str, Any], token: str = "", ignoring: Sequence[str] = ()) -> None:
        """Assert that the simulator answers this request as the real server did."""
        status, body, headers = await self.send(exchange["request"], token)
        recorded = exchange["response"]
        assert status == recorded["status"], body
        assert headers["Content-Type"].split(";")[0] == recorded["headers"]["content-type"].split(";")[0]
        self.learn(recorded["body"], body)
        found = list(self.differences(recorded["body"], body, ignoring=ignoring))
        assert not found, f"{exchange['name']}: {found}"

    def translated(self, value: Any) -> Any:
        """A recorded value as it is called here."""
        if isinstance(value, dict):
            return {self.translated(key): self.translated(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self.translated(part) for part in value]
        if not isinstance(value, str):
            return value
        if value in self.known:
            return self.known[value]
        for recorded in sorted(self.known, key=len, reverse=True):
            if len(recorded) >= 8:
                value = value.replace(recorded, self.known[recorded])
        return value

    def learn(self, recorded: Any, simulated: Any) -> None:
        """Remember what stands for what."""
        if isinstance(recorded, dict) and isinstance(simulated, dict):
            for key in _LEARNT:
                one, other = recorded.get(key), simulated.get(key)
                if isinstance(one, str) and isinstance(other, str):
                    self.known.setdefault(one, other)
            for key in recorded.keys() & simulated.keys() - {"managedFields"}:
                self.learn(recorded[key], simulated[key])
        elif isinstance(recorded, list) and isinstance(simulated, list):
            for one, other in zip(_ordered(recorded), _ordered(simulated), strict=False):
                self.learn(one, other)
        elif isinstance(recorded, str) and isinstance(simulated, str):
            for pattern in _NAMED_IN_TEXT:
                for one, other in zip(pattern.findall(recorded), pattern.findall(simulated), strict=False):
                    self.known.setdefault(one, other)

    def differences(self, recorded: Any, simulated: Any, path: str = "", ignoring: Sequence[str] = ()) -> Iterator[str]:
        """Where the simulator's value is not the recorded one, said in words."""
        if any(re.search(pattern, path) for pattern in ignoring):
            return
        if path.endswith("managedFields"):
            recorded, simulated = _managers(recorded), _managers(simulated)
        if isinstance(recorded, dict) and isinstance(simulated, dict):
            for key in sorted(recorded.keys() | simulated.keys()):
                below = f"{path}/{key}"
                if not any(re.search(pattern, below) for pattern in ignoring):
                    yield from self._member(key, recorded, simulated, below, ignoring)
        elif isinstance(recorded, list) and isinstance(simulated, list):
            if len(recorded) != len(simulated):
                yield f"{path}: {len(recorded)} recorded, {len(simulated)} here"
            pairs = zip(_ordered(recorded), _ordered(simulated), strict=False)
            for number, (one, other) in enumerate(pairs):
                yield from self.differences(one, other, f"{path}/{number}", ignoring)
        elif not self._alike(recorded, simulated):
            yield f"{path}: recorded {recorded!r}, here {simulated!r}"

    def _member(
        self, key: str, recorded: Object, simulated: Object, path: str, ignoring: Sequence[str]
    ) -> Iterator[str]:
        there = self.translated(key) if key not in recorded else key
        here = self.translated(key)
        if key not in recorded and there not in {self.translated(k) for k in recorded}:
            yield f"{path}: only here: {simulated[key]!r}"
        elif key in recorded and here not in simulated:
            yield f"{path}: missing, recorded {recorded[key]!r}"
        elif key in recorded:
            yield from self.differences(recorded[key], simulated[here], path, ignoring)

    def _alike(self, recorded: Any, simulated: Any) -> bool:
        if isinstance(recorded, str) and isinstance(simulated, str) and _TIME.match(recorded):
            return _TIME.match(simulated) is not None
        return bool(self.translated(recorded) == simulated)


def _ordered(items: list[Any]) -> list[Any]:
    return sorted(items, key=_kind_of)


def _kind_of(item: Any) -> str:
    """What an item is, apart from names that are drawn by lot."""
    if not isinstance(item, dict):
        return ""
    if "manager" in item:
        return str(item["manager"])
    spec = item.get("spec", {})
    pod = spec.get("template", {}).get("spec", spec) if isinstance(spec, dict) else {}
    images = [container["image"] for container in pod.get("containers", ())]
    if "revision" in item:
        owner = item["metadata"]["ownerReferences"][0]
        return f"{owner['kind']} {item['revision']}"
    name = "" if images else str(item.get("metadata", {}).get("name", item.get("type", item.get("field", ""))))
    return f"{images} {name}"


def _managers(entries: Any) -> list[Object]:
    """Who is named for which part; of the fields only those of the person who wrote, and without times."""
    result = []
    for entry in entries or ():
        name = _MANAGERS.get(entry["manager"], entry["manager"])
        about = {"manager": name, "subresource": entry.get("subresource", ""), "apiVersion": entry["apiVersion"]}
        result.append(about if name.startswith("kube") else {**about, "fieldsV1": entry["fieldsV1"]})
    return sorted(result, key=lambda entry: (entry["manager"], entry["subresource"]))
