"""What all providers do to turn changes of the cache into sightings: look again, wait a little, tell once."""

import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from watchdog.adapters.kubernetes import workloads
from watchdog.adapters.kubernetes.cache import ClusterCache
from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.errors import UNREADABLE, strange
from watchdog.adapters.kubernetes.kinds import OBJECTS
from watchdog.adapters.kubernetes.news import Changes, Place
from watchdog.adapters.kubernetes.pods import EPOCH
from watchdog.adapters.kubernetes.reflector import INACTIVITY
from watchdog.adapters.kubernetes.said import CANNOT_BE_READ
from watchdog.domain.live import Sighting
from watchdog.domain.rollout import SwitchKind, Target, TargetKind
from watchdog.ports import Clock, OutOfReach

log = logging.getLogger(__name__)

Guarded = Callable[[Target, Mapping[str, str]], bool]

ASK_AGAIN = 1.0  # seconds
LONGEST_SILENCE = 2 * INACTIVITY  # seconds
PATIENCE = 10.0  # seconds that the controller, and the first pod, are given to appear


@dataclass(slots=True)
class Known:
    """What was told of a target, and what is waited for before more is told."""

    serving: object = None  # what identifies what serves, for the provider
    selector: Mapping[str, str] | None = None  # a Service's
    workload: str | None = None  # the Deployment a Service selects, where it is one
    since: datetime | None = None
    since_is_bound: bool = False
    late: bool = False  # it served already when it was first seen
    began: datetime = EPOCH  # when it was first seen to serve
    due: float | None = None  # monotonic: until then is waited
    owed: bool = True  # to be told once whatever was told before, as seen late: a list came in
    told: tuple[object, ...] = field(default=())
    verified: Mapping[str, str] | None = None  # the selector for which the cache was known to be up to date
    unread: str = ""  # the resourceVersion that could not be read
    unverified: float | None = None  # monotonic: since when nobody says whether it is


class Later:
    """Nothing to tell yet: look again when the patience is over, even if nothing changes."""


class Sightings(ABC):
    """The looking half of a traffic provider. `guarded(target, labels)` says which objects are told of."""

    carries: TargetKind
    kind: SwitchKind

    def __init__(self, client: KubeClient, cache: ClusterCache, *, clock: Clock, guarded: Guarded) -> None:
        self._client = client
        self._cache = cache
        self._clock = clock
        self._guarded = guarded
        self._known: dict[Place, Known] = {}
        self._failing: dict[Place, Callable[[], Awaitable[object]]] = {}  # looks that a watch made, and could not
        self._strange: dict[Place, Sighting] = {}  # what was told of those that cannot be read
        self._changes: Changes | None = None
        self._retold = False

    def reguard(self, guarded: Guarded) -> None:
        """Take another predicate (the rules were edited), and tell of everything it accepts once more."""
        self._guarded = guarded
        self._retold = True
        if self._changes is not None:
            self._changes.wake()

    @property
    def waits(self) -> bool:
        """Whether something may be told soon even if nothing changes."""
        return any(known.due is not None for known in self._known.values())

    async def switches(self) -> AsyncGenerator[Sighting]:
        """What serves each target, whenever that may have changed and once more after each list; never ends.

        For one listener: what was told is remembered, and is not told again because somebody else listens.
        """
        changes = self._changes = self._cache.subscribe()
        try:
            while True:
                await changes.wait(self._patience())
                changed, relisted = changes.take()
                if self._retold:
                    self._retold = False
                    relisted = set(self._cache.namespaces)
                    self._known = {place: known for place, known in self._known.items() if place[0] in relisted}
                places = self._places(changed) | self._due()
                for namespace in relisted:
                    places |= {place for place in self._strange if place[0] == namespace}
                    for name in self._names(namespace):
                        places.add((namespace, name))
                        self._known.setdefault((namespace, name), Known()).owed = True
                for place in sorted(places):
                    sighting = await self._told(place)
                    if sighting is not None:
                        yield sighting
        finally:
            self._cache.unsubscribe(changes)
            self._changes = None

    async def _told(self, place: Place) -> Sighting | None:
        """What there is to tell of one target; whatever shape its object has, the others are told of."""
        target = Target(place[0], self.carries, place[1])
        if why := self._cache.illegible(target):
            return self._unreadable(place, why, logged=True) if self._is_watched(target) else None
        try:
            await self._retry(place)
            sighting = self._looked(place)
            if sighting is None and place not in self._known and self._cache.is_synced(place[0], self.carries):
                return self._gone(place)
            holds = sighting is not None and await self._holds(place, sighting)
        except UNREADABLE as error:
            return self._unreadable(place, strange(error, self._listed(place)))
        if holds:
            self._strange.pop(place, None)
        return sighting if holds else None

    def _gone(self, place: Place) -> Sighting | None:
        """What could not be read is there no more, or guarded no more: that is told as well."""
        told = self._strange.pop(place, None)
        return replace(told, since=self._clock.now(), unreadable="") if told is not None else None

    async def _retry(self, place: Place) -> None:
        """Make a look that failed once more; it is forgotten when it succeeds, or when nobody guards the target."""
        if place in self._failing:
            if self._is_there(place):
                await self._failing[place]()
            del self._failing[place]

    def _look_again_at(self, place: Place) -> None:
        """Let `switches` look at one target, even if nothing changes."""
        if self._changes is not None:
            self._changes.objects[self.carries].add(place)
            self._changes.wake()

    def _is_watched(self, target: Target) -> bool:
        """Whether a target is guarded whose object cannot be read, and its namespace was listed."""
        labels = self._cache.labels_of(target)
        synced = self._cache.is_synced(target.namespace, self.carries)
        return labels is not None and synced and self._guarded(target, labels)

    def _unreadable(self, place: Place, why: str, *, logged: bool = False) -> Sighting | None:
        """An object of another shape than its kind has, told once; None where it was told already, or is gone.

        `logged`: the cache says so itself.
        """
        target, known = Target(place[0], self.carries, place[1]), self._known.setdefault(place, Known(owed=False))
        one = self._cache.known(OBJECTS[self.carries], *place)
        if one is None:
            return None
        metadata, known.due = one["metadata"], None
        version = str(metadata.get("resourceVersion", ""))
        if known.unread != version and not logged:
            known.unread = version
            facts = {"target": str(target), "kind": self.carries.proper, "version": version, "why": why}
            log.warning(CANNOT_BE_READ, extra={"facts": facts})
        told = ("unreadable", why)
        if known.told == told and not known.owed:
            return None
        known.told, known.owed = told, False
        uid, labels, now = str(metadata.get("uid", "")), dict(workloads.labels(one)), self._clock.now()
        self._strange[place] = Sighting(target, self.kind, uid, labels, {}, None, now, unreadable=why)
        return self._strange[place]

    def _due(self) -> set[Place]:
        now = self._clock.monotonic()
        return {place for place, known in self._known.items() if known.due is not None and known.due <= now}

    def _patience(self) -> float | None:
        dues = [known.due for known in self._known.values() if known.due is not None]
        return max(0.0, min(dues) - self._clock.monotonic()) if dues else None

    def _looked(self, place: Place) -> Sighting | None:
        """Look at one target; tells only what is new, or owed."""
        if not self._cache.is_synced(place[0], self.carries):
            self._known.pop(place, None)  # its namespace is new, or no longer watched; a list will tell of it
            return None
        if not self._is_there(place):
            self._known.pop(place, None)
            return None
        known = self._known.setdefault(place, Known(owed=False))
        now = self._clock.monotonic()
        over = known.due is not None and known.due <= now
        match self._look(place, known, over=over):
            case Later():
                # A wait that is under way goes on, it does not begin anew.
                known.due = now + PATIENCE if known.due is None or over else known.due
                return None
            case Sighting() as sighting:
                known.due = None
                told = _gist(sighting)
                if told == known.told and not known.owed:
                    return None
                known.told, known.owed = told, False
                return sighting
            case None:
                known.due = None
                return None

    async def _holds(self, place: Place, sighting: Sighting) -> bool:
        """Whether it may be told: what rests on something old is not, and what is new will come."""
        known = self._known[place]
        try:
            outdated = await self._is_outdated(place, sighting)
        except OutOfReach:
            now = self._clock.monotonic()
            known.unverified = now if known.unverified is None else known.unverified
            if now - known.unverified > LONGEST_SILENCE:
                return True  # what is known must do: a silent stream was noticed by now, and listed again
            known.told, known.due = (), now + ASK_AGAIN
            return False
        known.unverified = None
        if outdated:
            known.told = ()
            self._cache.relist(lambda name: name == place[0])
        return not outdated

    async def _is_outdated(self, place: Place, sighting: Sighting) -> bool:
        """Whether the API server has newer than what it rests on. Raises `OutOfReach` where it does not say."""
        del place, sighting
        return False

    @abstractmethod
    def _look(self, place: Place, known: Known, *, over: bool) -> Sighting | Later | None:
        """A target that is there, as the cache has it; None until an event tells more. `over`: waited enough."""

    def _names(self, namespace: str) -> list[str]:
        """Of this provider's objects."""
        aside = self._cache.unreadable(OBJECTS[self.carries], namespace)
        return [*self._cache.all(OBJECTS[self.carries], namespace), *(one.object["metadata"]["name"] for one in aside)]

    def _listed(self, place: Place) -> dict[str, Any] | None:
        """This provider's object there, as the cache has it; None where it has none."""
        namespace, name = place
        return self._cache.all(OBJECTS[self.carries], namespace).get(name)

    def _is_there(self, place: Place) -> bool:
        """Whether the object exists and is guarded."""
        one = self._listed(place)
        return one is not None and self._guarded(Target(place[0], self.carries, place[1]), workloads.labels(one))

    def _places(self, changed: Mapping[TargetKind, set[Place]]) -> set[Place]:
        """Which of this provider's objects to look at after these changes."""
        return set(changed.get(self.carries, ()))


def _gist(sighting: Sighting) -> tuple[object, ...]:
    """What makes a sighting another one."""
    return (
        sighting.uid,
        sighting.serving,
        sighting.complete,
        dict(sighting.annotations),
        dict(sighting.labels),
        dict(sighting.selector),
        sighting.selected_by,
        sighting.colour_of,
    )
