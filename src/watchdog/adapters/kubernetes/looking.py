"""What all providers do when they are asked of one target: answer, or say that it is out of reach, and raise no more.

Not each definition lets in only what has the shape of its kind. Such an object is one that nobody can read now and that
somebody may mend: a watch of it waits, and it ends nothing.
"""

from abc import abstractmethod
from collections.abc import Collection
from functools import partial

from watchdog.adapters.kubernetes.acting import unread
from watchdog.adapters.kubernetes.cache import Key
from watchdog.adapters.kubernetes.errors import UNREADABLE, Illegible, readable, unanswered
from watchdog.adapters.kubernetes.sightings import Sightings
from watchdog.domain.changes import Description
from watchdog.domain.effects import PutBackAnswer, Remedy
from watchdog.domain.live import Live
from watchdog.domain.rollout import Revision, Stable, Target, TargetKind, TrafficSwitch
from watchdog.ports import OutOfReach


class Looking(Sightings):
    """The answering half of a traffic provider: each kind says what it looks at, and what it sees there."""

    async def live(
        self, switch: TrafficSwitch, stable: Stable | None, *, after: int | None = None, fresh: bool = False
    ) -> Live:
        """The target as it is now. With `after`, waits for as long as nothing changes: bound it outside."""
        target = switch.target
        keys = self._about(switch, stable)
        if after is not None:
            await self._cache.wait_beyond(keys, after)
        version = self._version(target.namespace, keys, fresh=fresh)
        listed = partial(self._listed, (target.namespace, target.name))
        with readable(target, listed), unanswered(f"looking at {target}"):
            if not fresh:
                self._check(keys)
            try:
                return await self._seen(switch, stable, version, fresh=fresh)
            except UNREADABLE:
                if not fresh:
                    self._tell_of(switch, stable)
                raise

    async def describe(self, target: Target, revision: Revision, commits: str = "") -> Description:
        """What a person would want to know of a revision: what it is made of, who made it."""
        with readable(target), unanswered(f"describing {revision}"):
            return await self._described(target, revision, commits)

    async def put_back(self, remedy: Remedy) -> PutBackAnswer:
        """Point the traffic at `remedy.to`, under the remedy's preconditions, in one write per object. Idempotent."""
        try:
            return await self._act(remedy)
        except UNREADABLE as error:
            return unread(error, self._clock.now())

    def _check(self, keys: Collection[Key]) -> None:
        """Raise where one of them is there and cannot be read: it must not look as if it were gone."""
        for namespace, kind, name in keys:
            if why := self._cache.illegible(target := Target(namespace, TargetKind(kind), name)):
                raise Illegible(f"{target.kind.proper} {name}: {why}")

    def _tell_of(self, switch: TrafficSwitch, stable: Stable | None) -> None:
        """A look failed of which `switches` sees nothing: let it look so as well, until the object was mended."""
        place = switch.target.namespace, switch.target.name
        if place not in self._failing:
            self._failing[place] = lambda: self._seen(switch, stable, 0, fresh=False)
            self._look_again_at(place)

    def _version(self, namespace: str, keys: Collection[Key], *, fresh: bool) -> int:
        """The version of what `keys` name.

        Raises `OutOfReach` where the cache would be asked of a namespace it does not know (yet, or any more): what is
        not listed must not look as if it were gone.
        """
        if not fresh and not self._cache.is_synced(namespace, self.carries):
            raise OutOfReach(f"namespace {namespace} is not watched, or not listed yet")
        return self._cache.version(keys)

    @abstractmethod
    def _about(self, switch: TrafficSwitch, stable: Stable | None) -> Collection[Key]:
        """The objects that a look is at."""

    @abstractmethod
    async def _seen(self, switch: TrafficSwitch, stable: Stable | None, version: int, *, fresh: bool) -> Live:
        """The target as the cache has it; or, `fresh`, as the API server has it, with the destination."""

    @abstractmethod
    async def _described(self, target: Target, revision: Revision, commits: str) -> Description:
        """What `describe` says. May raise whatever reading an object may raise, or the API server may say."""

    @abstractmethod
    async def _act(self, remedy: Remedy) -> PutBackAnswer:
        """The act itself."""
