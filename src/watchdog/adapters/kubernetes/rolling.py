"""What all providers of `rollout` switches do: look at one workload with its revisions and pods, now or read fresh.

A provider of one kind says how its revisions are kept: `F` is a workload with them, from the cache or read fresh.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from watchdog.adapters.kubernetes import beginnings
from watchdog.adapters.kubernetes.acting import ConditionalWrite
from watchdog.adapters.kubernetes.cache import Key
from watchdog.adapters.kubernetes.kinds import OBJECTS
from watchdog.adapters.kubernetes.looking import Looking
from watchdog.adapters.kubernetes.needs import missing
from watchdog.adapters.kubernetes.news import Place
from watchdog.adapters.kubernetes.sightings import Known, Later
from watchdog.domain.live import Destination, Live, Sighting
from watchdog.domain.rollout import Revision, Stable, SwitchKind, Target, TrafficSwitch

Json = dict[str, Any]
F = TypeVar("F")


class Rolling(Looking, Generic[F]):
    """One kind of workload whose new revisions roll out."""

    kind = SwitchKind.ROLLOUT
    act: type[ConditionalWrite] = ConditionalWrite

    def _look(self, place: Place, known: Known, *, over: bool) -> Sighting | Later | None:
        target = Target(place[0], self.carries, place[1])
        found = self._cached(target)
        assert found is not None  # it is there
        serving = self._current(found, over=over)
        if serving is None or isinstance(serving, Later):
            return serving
        beginnings.begin(known, serving, self._clock.now())
        if known.since is None:
            known.since = self._since(found, serving, known, over=over)
        if known.since is None:
            return Later()
        return self._sighting(target, found, serving, known)

    def _about(self, switch: TrafficSwitch, stable: Stable | None) -> Collection[Key]:
        del stable
        return [(switch.target.namespace, switch.target.kind.value, switch.target.name)]

    async def _seen(self, switch: TrafficSwitch, stable: Stable | None, version: int, *, fresh: bool) -> Live:
        if not fresh:
            return self._live(switch, stable, self._cached(switch.target), version)
        found = await self._fresh(switch.target)
        live = replace(self._live(switch, stable, found, version), fresh=True)
        if found is None or stable is None:
            return live
        return replace(live, destination=await self._destination(switch, stable.revision, found))

    def _live(self, switch: TrafficSwitch, stable: Stable | None, found: F | None, version: int) -> Live:
        if found is None:
            return Live(switch.target, self._clock.now(), version, False, "", "", None)
        return self._as_seen(switch, stable, found, version)

    def _write(self, target: Target, uid: str, resource_version: str) -> ConditionalWrite:
        resource = OBJECTS[self.carries]
        return self.act(self._client, self._clock, resource, target.namespace, target.name, uid, resource_version)

    async def _checked(
        self, target: Target, whole: Json, template: Json, operations: Callable[[Json], Sequence[Json]] | None
    ) -> tuple[tuple[str, ...], str]:
        """What the template needs and is gone, and why the API server would refuse the operations; side by side.

        `whole` is the workload as it was just read; with no operations there is nothing that it could refuse.
        """

        async def refused() -> str:
            if operations is None:
                return ""
            metadata = whole["metadata"]
            write = self._write(target, str(metadata["uid"]), str(metadata["resourceVersion"]))
            return await write.rehearse(operations, whole)

        return await asyncio.gather(missing(self._client, target.namespace, template), refused())

    @abstractmethod
    def _cached(self, target: Target) -> F | None:
        """The workload as the cache has it; None where there is none of that name."""

    @abstractmethod
    async def _fresh(self, target: Target) -> F | None:
        """The workload as the API server has it now; None where there is none of that name."""

    @abstractmethod
    def _current(self, found: F, *, over: bool) -> Json | Later | None:
        """What keeps the revision that serves; None where the controller's next write will tell, which is an event."""

    @abstractmethod
    def _since(self, found: F, serving: Json, known: Known, *, over: bool) -> datetime | None:
        """When it began to serve; None while its first pod is waited for."""

    @abstractmethod
    def _sighting(self, target: Target, found: F, serving: Json, known: Known) -> Sighting:
        """What is told of it, once that is known."""

    @abstractmethod
    def _as_seen(self, switch: TrafficSwitch, stable: Stable | None, found: F, version: int) -> Live:
        """What there is of a workload that is there."""

    @abstractmethod
    async def _destination(self, switch: TrafficSwitch, to: Revision, found: F) -> Destination:
        """The revision to go back to: is it there, would it change anything, has it all it needs, is it allowed."""
