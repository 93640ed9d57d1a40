"""Records and memories, as ConfigMaps in the watchdog's own namespace: they outlive the process and need no database.

A record is one ConfigMap a watch. A memory is one key, of one ConfigMap per namespace of the targets.

Every write carries the resourceVersion that was read or written last. A write of a leader that leads no more may still
arrive (the process was stopped, a connection came back to life): it meets a newer version and changes nothing. Whoever
leads, meets a conflict and is sure of its right reads again and writes again; the fence stands before that, too.
"""

import asyncio
import json
import logging
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, TypeVar

from watchdog.adapters.kubernetes.client import MERGE_PATCH, KubeClient
from watchdog.adapters.kubernetes.documents import (
    MARK_KEY,
    MARKED,
    OPEN,
    PAGE,
    RECORD,
    RECORD_KEY,
    decoded,
    document_in,
    record_name,
    target_of,
)
from watchdog.adapters.kubernetes.errors import ApiError, unanswered
from watchdog.adapters.kubernetes.kinds import CONFIGMAPS, NAME
from watchdog.domain.marks import Marking
from watchdog.domain.rollout import Target
from watchdog.ports import Clock, Document, Keeping, OutOfReach, TooLarge

log = logging.getLogger(__name__)

Json = dict[str, Any]
T = TypeVar("T")

LARGEST = 256 * 1024  # bytes of a record
_LARGE = 50  # ConfigMaps in one answer: it is decoded in one go, while nobody else has a turn
ATTEMPTS = 3
PRUNED_AT_ONCE = 20


class ConfigMapJournal:
    """The `Journal` port. RBAC, in its own namespace: get, list, create, update, patch, delete of configmaps.

    `series` keeps documents apart from those of other journals in the namespace, by their labels and names: no journal
    finds, counts or prunes what is of another series.
    """

    def __init__(
        self,
        client: KubeClient,
        namespace: str,
        *,
        clock: Clock,
        rng: random.Random,
        records_kept: int = 200,
        series: str = "",
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._clock = clock
        self._rng = rng
        self._kept = records_kept
        self._versions: dict[str, str] = {}  # of open watches' records and of memories, as written or read last
        self._marks: dict[str, tuple[str, str]] = {}  # label and text of a person's mark, by the same names
        self._remembering = asyncio.Lock()
        self._to_remember: dict[str, Json] = {}  # by the ConfigMap: what the next write of it takes along
        self._series = series
        self._watches, self._targets = f"{series}watch", f"{series}targets"  # values of the label

    async def records(self, kept: Keeping[T], *, open_only: bool = False, but: Collection[str] = ()) -> Sequence[T]:
        """All records, or those of open watches, newest first; a schema that is not known is handed out as it is."""
        labels = f"{RECORD}={self._watches}" + (f",{OPEN}=true" if open_only else "")
        found: list[tuple[tuple[str, str], T]] = []
        with unanswered("reading the records"):
            names = {record_name(self._series + one) for one in but}
            async for one in self._others(labels, names) if names else self._all(labels):
                if (one["metadata"].get("labels") or {}).get(OPEN) == "true":
                    self._know(one)
                document = document_in(one)
                mine = None if document is None else kept(document)
                if mine is not None:
                    found.append((_age(one), mine))
                await self._clock.sleep(0.0)  # each may take milliseconds to decode, and there may be a thousand
        found.sort(key=itemgetter(0), reverse=True)
        return [mine for _, mine in found]

    async def _all(self, labels: str) -> AsyncGenerator[Json]:
        """The ConfigMaps with these labels. Each is let go with the next: a thousand at a time are 100 MB."""
        async for page, _ in self._client.pages(CONFIGMAPS, self._namespace, labels=labels, limit=PAGE):
            while page:
                yield page.pop(0)

    async def _others(self, labels: str, but: Collection[str]) -> AsyncGenerator[Json]:
        """The ConfigMaps of other names, one by one: where nearly all are known, the names alone are listed."""
        for name in await self._names(labels):
            one = None if name in but else await self._client.find(CONFIGMAPS, self._namespace, name)
            if one is not None:
                yield one

    async def _names(self, labels: str) -> list[str]:
        return [name for _, name in await self._ages(labels)]

    async def _ages(self, labels: str) -> list[tuple[str, str]]:
        """When the ConfigMaps with these labels were made, and their names, without what is in them."""
        pages = self._client.pages(CONFIGMAPS, self._namespace, labels=labels, metadata_only=True)
        return [_age(one) async for page, _ in pages for one in page]

    async def write(self, watch_id: str, document: Document, *, open_watch: bool) -> None:
        """Create or replace one record; prunes ended ones beyond the number kept."""
        text = json.dumps(document, separators=(",", ":"))
        if (size := len(text.encode())) > LARGEST:
            raise TooLarge(
                f"the record of watch {watch_id} has {size} bytes; at most {LARGEST} may be kept", final=True
            )
        name = record_name(self._series + watch_id)
        labels = {RECORD: self._watches, OPEN: "true" if open_watch else "false"}
        body: Json = {"metadata": {"name": name, "labels": labels}, "data": {RECORD_KEY: text}}
        with unanswered(f"writing the record of watch {watch_id}"):
            await self._insist(lambda: self._put(name, body))
        if not open_watch:
            self._versions.pop(name, None)
            self._marks.pop(name, None)
            await self._prune()

    async def false_alarms(self, watches: Collection[str]) -> Collection[str]:
        """Those of the watches that a person marked a false alarm."""
        labels = f"{RECORD}={self._watches},{MARKED}={Marking.FALSE_ALARM}"
        with unanswered("looking which watches are marked"):
            names = set(await self._names(labels))
        return {watch for watch in watches if record_name(self._series + watch) in names}

    async def open_watches(self) -> Sequence[str]:
        """The ids of the records that are open, without reading any."""
        labels = f"{RECORD}={self._watches},{OPEN}=true"
        start = f"{NAME}-{self._series}"
        with unanswered("looking which watches are open"):
            return [name.removeprefix(start) for name in await self._names(labels)]

    async def memories_in(self, namespaces: Collection[str]) -> Mapping[Target, Document]:
        """What is remembered of the targets in these namespaces, whoever wrote it; nothing is written after it."""
        found: dict[Target, Document] = {}
        with unanswered("reading what is remembered of other targets"):
            for namespace in sorted(namespaces):
                one = await self._client.find(CONFIGMAPS, self._namespace, self._of_targets + namespace)
                if one is not None:
                    found.update(self._remembered(one))
        return found

    async def memories(self) -> Mapping[Target, Document]:
        """What is remembered of each target."""
        found: dict[Target, Document] = {}
        with unanswered("reading what is remembered of the targets"):
            pages = self._client.pages(CONFIGMAPS, self._namespace, labels=f"{RECORD}={self._targets}", limit=_LARGE)
            async for page, _ in pages:
                for one in page:
                    self._know(one)
                    found.update(self._remembered(one))
                    await self._clock.sleep(0.0)  # of a namespace's targets there may be hundreds
        return found

    def _remembered(self, one: Json) -> Iterator[tuple[Target, Document]]:
        namespace = one["metadata"]["name"].removeprefix(self._of_targets)
        for key, text in (one.get("data") or {}).items():
            target, document = target_of(namespace, key), decoded(f"{namespace}/{key}", text)
            if target is not None and document is not None:
                yield target, document

    async def remember(self, target: Target, document: Document) -> None:
        """Create or replace what is remembered of one target; what is to be remembered meanwhile goes in one write."""
        name = self._of_targets + target.namespace
        key, text = f"{target.kind}.{target.name}", json.dumps(document, separators=(",", ":"))
        self._to_remember.setdefault(name, {})[key] = text
        try:
            with unanswered(f"remembering {target}"):
                async with self._remembering:  # two at once would be in each other's way
                    if key in self._to_remember.get(name, {}):  # else it went with the one before
                        await self._remember_all(name)
        except BaseException:
            # Whoever asked knows that it is not written; it must not be written later, when it may be old.
            if self._to_remember.get(name, {}).get(key) is text:
                del self._to_remember[name][key]
            raise

    async def _remember_all(self, name: str) -> None:
        """Write all that is to be remembered in one ConfigMap; where that fails it is there still for who waits."""
        data = self._to_remember.pop(name)
        try:
            await self._insist(lambda: self._add(name, data))
        except BaseException:
            self._to_remember[name] = {**data, **self._to_remember.get(name, {})}
            raise

    @property
    def _of_targets(self) -> str:
        return f"{NAME}-{self._targets}-"

    async def _put(self, name: str, body: Json) -> None:
        """Replace what was read or written before, create else; what another one wrote since is read first."""
        if name not in self._versions:
            if await self._created(body):
                return
            self._know(await self._client.get(CONFIGMAPS, self._namespace, name))
        metadata = {**body["metadata"], "resourceVersion": self._versions.pop(name)}
        data = body["data"]
        if name in self._marks:
            # A person's mark is not ours to take away; what was written since is met as a conflict, and read.
            label, text = self._marks.pop(name)
            metadata["labels"] = {**metadata["labels"], MARKED: label}
            data = {**data, MARK_KEY: text}
        whole = {**body, "metadata": metadata, "data": data}
        try:
            self._know(await self._client.replace(CONFIGMAPS, self._namespace, name, whole))
        except ApiError as error:
            if error.status != 404:
                raise
            await self._created(body)

    async def _add(self, name: str, data: Json) -> None:
        body: Json = {"metadata": {"name": name, "labels": {RECORD: self._targets}}, "data": data}
        try:
            if name not in self._versions:
                self._know(await self._client.get(CONFIGMAPS, self._namespace, name))
            change = {"metadata": {"resourceVersion": self._versions.pop(name)}, "data": data}
            self._know(await self._client.patch(CONFIGMAPS, self._namespace, name, change, content_type=MERGE_PATCH))
        except ApiError as error:
            if error.status != 404:
                raise
            self._know(await self._client.create(CONFIGMAPS, self._namespace, body))

    async def _created(self, body: Json) -> bool:
        """False where there is one of that name already."""
        try:
            self._know(await self._client.create(CONFIGMAPS, self._namespace, body))
        except ApiError as error:
            if error.status != 409:
                raise
            return False
        return True

    def _know(self, one: Json) -> None:
        version, name = one["metadata"].get("resourceVersion"), one["metadata"]["name"]
        if version is None:
            return
        self._versions[name] = version
        text = (one.get("data") or {}).get(MARK_KEY)
        if text is None:
            self._marks.pop(name, None)
        else:
            self._marks[name] = ((one["metadata"].get("labels") or {}).get(MARKED, ""), text)

    async def _insist(self, write: Callable[[], Awaitable[T]]) -> T:
        """A few tries in a row: all writes here may be repeated. Longer outages are the caller's to sit out."""
        for attempt in range(1, ATTEMPTS):
            try:
                return await write()
            except OutOfReach as error:
                log.info("journal: %s; trying again", error)
            except ApiError as error:
                if error.status != 409:  # somebody created or changed it in between
                    raise
            await self._clock.sleep(0.2 * attempt * self._rng.uniform(0.5, 1.5))
        return await write()

    async def _prune(self) -> None:
        """Delete the oldest records of ended watches beyond the number kept; a failure is for the next time."""
        try:
            ended = await self._ages(f"{RECORD}={self._watches},{OPEN}=false")
            surplus = sorted(ended)[: max(0, len(ended) - self._kept)][:PRUNED_AT_ONCE]
            for _, name in surplus:
                await self._delete(name)
        except (ApiError, OutOfReach) as error:
            log.warning("old records were not pruned: %s", error)

    async def _delete(self, name: str) -> None:
        try:
            await self._client.delete(CONFIGMAPS, self._namespace, name)
        except ApiError as error:
            if error.status != 404:
                raise


def _age(one: Json) -> tuple[str, str]:
    return str(one["metadata"].get("creationTimestamp", "")), str(one["metadata"]["name"])
