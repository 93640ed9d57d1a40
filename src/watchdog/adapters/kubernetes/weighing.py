"""The looking half of a provider of `route` switches: who stands behind each weight, from the cache or read fresh."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from watchdog.adapters.kubernetes import beginnings, workload, workloads
from watchdog.adapters.kubernetes.backends import Reference
from watchdog.adapters.kubernetes.cache import ClusterCache
from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.deployments import who
from watchdog.adapters.kubernetes.errors import Illegible
from watchdog.adapters.kubernetes.kinds import DEPLOYMENTS, OBJECTS, SERVICES, Resource
from watchdog.adapters.kubernetes.news import Place
from watchdog.adapters.kubernetes.sightings import Guarded, Known, Later, Sightings
from watchdog.adapters.kubernetes.trimming import legible, trim_service
from watchdog.adapters.kubernetes.workload import Workload
from watchdog.domain.live import Sighting
from watchdog.domain.rollout import RUNNER, Backend, SwitchKind, Target
from watchdog.domain.weights import mostly
from watchdog.ports import Clock

Json = dict[str, Any]


class Weighing(Sightings):
    """Who stands behind each weight of one kind of route, and what serves therefore."""

    kind = SwitchKind.ROUTE
    beside: Resource | None = None  # what says more of all such routes of a namespace

    def __init__(self, client: KubeClient, cache: ClusterCache, *, clock: Clock, guarded: Guarded) -> None:
        super().__init__(client, cache, clock=clock, guarded=guarded)
        self._on: dict[Place, frozenset[str]] = {}  # the Deployments behind a route; "" for one that is not known

    @abstractmethod
    def _references(self, one: Json) -> Sequence[Reference]:
        """The weights of an object, whole or as the cache has it, in their order there."""

    def unweighed(self, one: Json) -> str:
        """Why an object, whole or as the cache has it, shares no traffic by weights, ever; "" for one that may."""
        return "" if self._references(one) else "nothing in it has a weight"

    def beside_weights(self, one: Json) -> str:
        """What brings traffic to an object that has no weight yet, and whatever weight it gets; "" for nothing."""
        del one
        return ""

    def odd_weights(self, one: Json) -> str:
        """What is wrong with a weight that stands there and is taken for another; "" for nothing."""
        del one
        return ""

    def _places(self, changed: Mapping[Any, set[Place]]) -> set[Place]:
        places = super()._places(changed)
        for namespace, name in changed.get(RUNNER, ()):  # each event of a pod comes by here as its Deployment
            for place in [(namespace, route) for route in self._names(namespace)]:
                behind = self._on.get(place, frozenset({""}))
                if name in behind or "" in behind:
                    places.add(place)
        for kind in set(changed) - {self.carries, RUNNER}:
            # What a Service selects or a subset asks for: either may be behind any weight there.
            for namespace in {namespace for namespace, _ in changed[kind]}:
                places |= {(namespace, name) for name in self._names(namespace)}
        return places

    def _is_there(self, place: Place) -> bool:
        one = self._listed(place)
        return one is not None and not self.unweighed(one) and super()._is_there(place)

    def _look(self, place: Place, known: Known, *, over: bool) -> Sighting | Later | None:
        namespace, name = place
        one = self._cache.all(OBJECTS[self.carries], namespace)[name]
        found = self._behind(namespace, one)
        self._on[place] = frozenset(behind.name if behind else "" for behind in found.values())
        if not over and any(workload.is_midway(found[ref.at]) for ref in self._references(one) if ref.weight):
            # In the midst of a rollout of its own: soon it can be told which revision stands there.
            return Later()
        backends = self._backends(one, found)
        weights = {backend.at: str(backend.weight) for backend in backends}
        beginnings.point(known, one, weights, backends, self._clock.now())
        assert known.since is not None  # `point` sets it
        return Sighting(
            target=Target(namespace, self.carries, name),
            kind=self.kind,
            uid=str(one["metadata"]["uid"]),
            labels=dict(workloads.labels(one)),
            annotations=workloads.own_annotations(one),
            serving=mostly(backends),
            since=known.since,
            since_is_bound=known.since_is_bound,
            selector=weights,
            backends=backends,
            by=who(one),
            live=not known.owed,
        )

    async def _is_outdated(self, place: Place, sighting: Sighting) -> bool:
        # Weights and a template come over watches of their own: one of them may have fallen silent.
        known, weights = self._known[place], dict(sighting.selector)
        moved = known.verified not in (None, weights)
        serving = {one.revision.workload for one in sighting.backends if one.weight and one.revision}
        behind = [await workload.is_behind(self._client, self._cache, place[0], name) for name in serving if moved]
        known.verified = weights
        return any(behind)

    def _behind(self, namespace: str, one: Json) -> Mapping[str, Workload | None]:
        """The Deployment behind each weight, as the cache has it."""
        beside = self._cache.all(self.beside, namespace).values() if self.beside else ()
        services = self._cache.all(SERVICES, namespace)
        found: dict[str, Workload | None] = {}
        for ref in self._references(one):
            of_service = services[ref.service]["spec"]["selector"] if ref.service in services else {}
            selector = self._selector(ref, of_service, beside)
            if ref.subset and not selector and (aside := self._aside(namespace)):
                raise Illegible(f"what its subset {ref.subset} is may stand in {aside}")
            found[ref.at] = workload.selected(self._cache, namespace, selector) if selector else None
        return found

    def _aside(self, namespace: str) -> str:
        """The objects beside that cannot be read; "" for none."""
        if self.beside is None:
            return ""
        aside = self._cache.unreadable(self.beside, namespace)
        return ", ".join(f"{self.beside.kind} {one.object['metadata']['name']}: {one.why}" for one in aside)

    def _selector(self, ref: Reference, of_service: Mapping[str, str], beside: Iterable[Json]) -> Mapping[str, str]:
        """The labels of a backend's pods; none where that cannot be told. `beside`: the objects of that kind."""
        del ref, beside
        return of_service

    def _backends(self, one: Json, found: Mapping[str, Workload | None]) -> tuple[Backend, ...]:
        return tuple(Backend(ref.at, ref.weight, workload.pointed_at(found[ref.at])) for ref in self._references(one))

    async def _fresh_behind(self, namespace: str, one: Json, seen: dict[str, Workload | None]) -> Mapping[str, Any]:
        """The same, as the API server has it. `seen`: the Deployments that were read already, by name."""
        labels = await self._labels_of_deployments(namespace)
        listed = await self._client.list(self.beside, namespace) if self.beside else ()
        beside = [*legible(self.beside, listed)] if self.beside else []
        found: dict[str, Workload | None] = {}
        for ref in self._references(one):
            service = await self._client.find(SERVICES, namespace, ref.service) if ref.service else None
            selector = self._selector(ref, trim_service(service)["spec"]["selector"] if service else {}, beside)
            if ref.subset and not selector and len(beside) < len(listed):
                raise Illegible(f"what its subset {ref.subset} is may stand in what cannot be read")
            names = [name for name, of_pods in labels.items() if workloads.selects(selector, of_pods)]
            for name in names[:1]:
                if name not in seen:
                    seen[name] = await workload.fresh(self._client, namespace, name)
            found[ref.at] = seen[names[0]] if len(names) == 1 else None
        return found

    async def _labels_of_deployments(self, namespace: str) -> Mapping[str, Mapping[str, str]]:
        if self._cache.is_synced(namespace, self.carries):
            there = self._cache.all(DEPLOYMENTS, namespace)
            return {name: one["template"]["labels"] for name, one in there.items()}
        listed = await self._client.list(DEPLOYMENTS, namespace)
        kept = legible(DEPLOYMENTS, listed)
        return {one["metadata"]["name"]: one["template"]["labels"] for one in kept}
