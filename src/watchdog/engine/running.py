"""The drivers of the watches that are not over: started, started again where one fails, and handed events."""

import asyncio
import logging
from collections.abc import Callable

from watchdog.domain.events import Event, Resumed
from watchdog.domain.rollout import Target
from watchdog.domain.state import Watch
from watchdog.domain.step import Step
from watchdog.engine.observing import Observer
from watchdog.engine.watching import WatchDriver
from watchdog.ports import Clock

log = logging.getLogger(__name__)

_RETRY_FAILED = 30.0


class Running:
    """All that run; `ended` is told of each watch that is over and of which everybody was told."""

    def __init__(
        self,
        driver: Callable[[Watch], WatchDriver],
        *,
        clock: Clock,
        observer: Observer,
        ended: Callable[[Watch], None],
    ) -> None:
        self._driver = driver
        self._clock = clock
        self._observer = observer
        self._ended = ended
        self._drivers: dict[str, WatchDriver] = {}
        self._near: dict[str, dict[str, None]] = {}  # by namespace: the ids of its watches, in order

    @property
    def watches(self) -> tuple[Watch, ...]:
        """The open watches, and ended ones of which someone is still to be told."""
        return tuple(driver.watch for driver in self._drivers.values())

    def near(self, target: Target) -> tuple[Watch, ...]:
        """Those of the target's namespace: no other concerns it, and of thousands each sighting would look at all."""
        return tuple(self._drivers[one].watch for one in self._near.get(target.namespace, ()))

    def start(self, watch: Watch, first: Step | None, scope: asyncio.TaskGroup, *events: Event) -> None:
        """Drive a watch in `scope`, from its first step or from where it stands."""
        driver = self._drivers[watch.id] = self._driver(watch)
        self._near.setdefault(watch.switch.target.namespace, {})[watch.id] = None
        scope.create_task(self._drive(driver, first, events), name=watch.id)
        self._count()

    def post(self, watch: Watch, event: Event) -> None:
        """Hand a watch an event, if it runs still."""
        driver = self._drivers.get(watch.id)
        if driver is not None:
            driver.post(event)

    async def last_words(self) -> None:
        """Write what the records do not say yet."""
        await asyncio.gather(*(driver.last_words() for driver in self._drivers.values()))

    async def _drive(self, driver: WatchDriver, first: Step | None, events: tuple[Event, ...]) -> None:
        """Run the driver; one that fails by a fault of ours is started again where it stood, and harms no other."""
        watch_id = driver.watch.id
        try:
            while True:
                try:
                    running = driver.run(first, *events)
                    first, events = None, ()  # the watch as it was opened is held by nobody any more
                    await running
                except Exception:  # the log tells of it, the watch goes on
                    log.exception("watch failed", extra={"facts": {"watch": watch_id}})
                    if _cancelled():
                        raise asyncio.CancelledError from None
                    await self._clock.sleep(_RETRY_FAILED)
                    driver.let_go()
                    driver = self._drivers[watch_id] = self._driver(driver.watch)
                    first, events = None, (Resumed(),)
                else:
                    return
        finally:
            self._drivers.pop(watch_id, None)
            self._forget(driver.watch)
            self._ended(driver.watch)
            self._count()
            driver.let_go()

    def _forget(self, watch: Watch) -> None:
        namespace = watch.switch.target.namespace
        ids = self._near.get(namespace, {})
        ids.pop(watch.id, None)
        if not ids:
            self._near.pop(namespace, None)

    def _count(self) -> None:
        self._observer.watches_open(sum(1 for watch in self.watches if not watch.phase.terminal))


def _cancelled() -> bool:
    """Whether this task is to end: a task group that fails in the same moment raises its failure instead."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
