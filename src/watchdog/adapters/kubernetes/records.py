"""Reads records again and again, and fetches only those that were written since."""

from collections.abc import Sequence
from typing import Any

from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.documents import PAGE, RECORD, document_in, record_name
from watchdog.adapters.kubernetes.errors import unanswered
from watchdog.adapters.kubernetes.kinds import CONFIGMAPS
from watchdog.ports import Document

Json = dict[str, Any]


class RecordsReader:
    """The records in one namespace, for whoever looks at them every few seconds. RBAC: get, list of configmaps."""

    def __init__(self, client: KubeClient, namespace: str, *, series: str = "") -> None:
        self._client = client
        self._series = series
        self._labels = f"{RECORD}={series}watch"
        self._namespace = namespace
        self._known: dict[str, tuple[str, Document | None]] = {}  # by name: resourceVersion, record

    async def all(self) -> Sequence[Document]:
        """Every record that can be decoded. Raises `OutOfReach`."""
        with unanswered("reading the records"):
            there = {}
            pages = self._client.pages(
                CONFIGMAPS,
                self._namespace,
                labels=self._labels,
                limit=PAGE,
                metadata_only=bool(self._known),
            )
            async for page, _ in pages:
                for one in page:
                    there[one["metadata"]["name"]] = one
            for name, one in there.items():
                version = str(one["metadata"]["resourceVersion"])
                if self._known.get(name, ("", None))[0] != version:
                    await self._take(name, version, one)
        self._known = {name: known for name, known in self._known.items() if name in there}
        return [document for _, document in self._known.values() if document is not None]

    async def one(self, watch_id: str) -> Document | None:
        """The record of a watch as it is now; None where there is none. Raises `OutOfReach`."""
        with unanswered(f"reading the record of watch {watch_id}"):
            return _record(await self._get(record_name(self._series + watch_id)))

    async def _take(self, name: str, version: str, listed: Json) -> None:
        whole = listed if "data" in listed else await self._get(name)
        self._known[name] = (version, _record(whole))

    async def _get(self, name: str) -> Json | None:
        return await self._client.find(CONFIGMAPS, self._namespace, name)


def _record(configmap: Json | None) -> Document | None:
    return None if configmap is None else document_in(configmap)
