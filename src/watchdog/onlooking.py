"""What somebody who looks on asks, of the cluster or of a running watchdog: the records, again and again."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from watchdog.adapters.kubernetes.records import RecordsReader
from watchdog.adapters.watch_api import WatchApi
from watchdog.configured import Settings
from watchdog.connected import DRY_RUN_SERIES, connected
from watchdog.ports import Clock

ReadRecords = Callable[[], Awaitable[Sequence[Mapping[str, Any]]]]


@asynccontextmanager
async def records_of_late(settings: Settings, clock: Clock, api: str = "") -> AsyncIterator[ReadRecords]:
    """How to read the records again and again: those of the cluster, or of the daemon at this URL as they stand.

    Of the daemon only what is open is read, and how that ends. Raises `OutOfReach`, as each reading does.
    """
    async with AsyncExitStack() as stack:
        if api:
            watches = WatchApi(api)
            stack.push_async_callback(watches.close)
            yield LiveRecords(watches).read
            return
        kube = await connected(settings, clock, stack)
        yield RecordsReader(kube, settings.namespace, series=DRY_RUN_SERIES if settings.dry_run else "").all


class LiveRecords:
    """The open watches of a daemon, and those that ended while one looked."""

    def __init__(self, api: WatchApi) -> None:
        self._api = api
        self._seen: dict[str, Mapping[str, Any]] = {}

    async def read(self) -> Sequence[Mapping[str, Any]]:
        """All of them as they stand. Raises `OutOfReach`."""
        found = {str(record.get("watch")): record for record in await self._api.open()}
        for watch, known in self._seen.items():
            if watch not in found:
                ended = known if known.get("outcome") is not None else await self._api.watch(watch)
                found |= {} if ended is None else {watch: ended}
        self._seen = found
        return list(found.values())
