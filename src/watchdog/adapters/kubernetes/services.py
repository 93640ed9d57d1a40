"""Flips: a Service's selector that moves from one Deployment's pods to another's, and the way back."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from watchdog.adapters.kubernetes import beginnings, workload, workloads
from watchdog.adapters.kubernetes.acting import KNOWN_GOOD, LAST_WATCH, annotate
from watchdog.adapters.kubernetes.cache import Key
from watchdog.adapters.kubernetes.deployments import who
from watchdog.adapters.kubernetes.kinds import DEPLOYMENTS, SERVICES
from watchdog.adapters.kubernetes.news import Place
from watchdog.adapters.kubernetes.pointing import Pointing, sides, standing, together, together_with
from watchdog.adapters.kubernetes.scaling import scale_up
from watchdog.adapters.kubernetes.sightings import Known, Later
from watchdog.adapters.kubernetes.trimming import TRIMS
from watchdog.adapters.kubernetes.workload import Workload
from watchdog.domain.effects import (
    PutBackAnswer,
    Remedy,
    ServicePutBack,
)
from watchdog.domain.live import Destination, Live, Sighting
from watchdog.domain.rollout import Revision, ServiceFlip, Stable, SwitchKind, Target, TargetKind, TrafficSwitch

Json = dict[str, Any]


class ServiceProvider(Pointing):
    """The traffic provider of `selector` switches. RBAC: get, list, watch, patch of services and what it reads."""

    carries = TargetKind.SERVICE
    kind = SwitchKind.SELECTOR

    def _places(self, changed: Mapping[TargetKind, set[Place]]) -> set[Place]:
        # Each event of a pod comes by here as its Deployment: only Services that may select it are looked at.
        places = set(changed.get(TargetKind.SERVICE, ()))
        for namespace, name in changed.get(TargetKind.DEPLOYMENT, ()):
            deployment = self._cache.all(DEPLOYMENTS, namespace).get(name)
            pod_labels = deployment["template"]["labels"] if deployment else {}
            for service, one in self._cache.all(SERVICES, namespace).items():
                known = self._known.get((namespace, service))
                if known is None:
                    continue  # nobody guards it, or a list or an event of its own is yet to tell of it
                if known.workload in (None, name) or workloads.selects(one["spec"]["selector"], pod_labels):
                    places.add((namespace, service))
        return places

    def _is_there(self, place: Place) -> bool:
        service = self._cache.all(SERVICES, place[0]).get(place[1])
        if service is None or service["spec"]["type"] == "ExternalName" or not service["spec"]["selector"]:
            return False
        return super()._is_there(place)

    def _look(self, place: Place, known: Known, *, over: bool) -> Sighting | Later | None:
        namespace, name = place
        service = self._cache.all(SERVICES, namespace)[name]
        selected = workload.selected(self._cache, namespace, service["spec"]["selector"])
        if not over and workload.is_midway(selected):
            # In the midst of a rollout of its own: soon it can be told which revision this colour runs.
            return Later()
        serving = workload.pointed_at(selected)
        beginnings.point(known, service, service["spec"]["selector"], serving, self._clock.now())
        known.workload = serving.workload if serving else None
        assert known.since is not None  # `point` sets it
        return Sighting(
            target=Target(namespace, TargetKind.SERVICE, name),
            kind=SwitchKind.SELECTOR,
            uid=str(service["metadata"]["uid"]),
            labels=dict(workloads.labels(service)),
            annotations=workloads.own_annotations(service),
            serving=serving,
            since=known.since,
            since_is_bound=known.since_is_bound,
            selector=dict(service["spec"]["selector"]),
            by=who(service),
            live=not known.owed,
        )

    async def _is_outdated(self, place: Place, sighting: Sighting) -> bool:
        # A flip and its colour's template come over watches of their own: one of them may have fallen silent.
        known, selector = self._known[place], dict(sighting.selector)
        flipped = known.verified not in (None, selector)
        colour = sighting.serving.workload if sighting.serving and flipped else ""
        behind = bool(colour) and await workload.is_behind(self._client, self._cache, place[0], colour)
        known.verified = selector
        return behind

    def _about(self, switch: TrafficSwitch, stable: Stable | None) -> Collection[Key]:
        namespace = switch.target.namespace
        services: list[Key] = [(namespace, "service", name) for name in together_with(switch)]
        return [*services, *((namespace, "deployment", name) for name in sides(switch, stable))]

    async def _seen(self, switch: TrafficSwitch, stable: Stable | None, version: int, *, fresh: bool) -> Live:
        """The Service, and those flipped with it, as they are now."""
        namespace, names, colours = switch.target.namespace, together_with(switch), sides(switch, stable)
        if not fresh:
            cached = self._cache.all(SERVICES, namespace)
            services = {name: cached[name] for name in names if name in cached}
            found = {name: workload.cached(self._cache, namespace, name) for name in colours}
            return self._live(switch, stable, services, found, version)
        services = {name: one for name in names if (one := await self._service(namespace, name)) is not None}
        found = {name: await workload.fresh(self._client, namespace, name) for name in colours}
        live = replace(self._live(switch, stable, services, found, version), fresh=True)
        if stable is None:
            return live
        destination = await self._destination(switch, stable.revision, found[stable.revision.workload], services)
        return replace(live, destination=destination)

    async def _service(self, namespace: str, name: str) -> Json | None:
        whole = await self._client.find(SERVICES, namespace, name)
        return None if whole is None else {**TRIMS[SERVICES](whole), "whole": whole}

    def _live(
        self,
        switch: TrafficSwitch,
        stable: Stable | None,
        services: Mapping[str, Json],
        found: Mapping[str, Workload | None],
        version: int,
    ) -> Live:
        service = services.get(switch.target.name)
        if service is None:
            return Live(switch.target, self._clock.now(), version, False, "", "", None)
        candidate, old = found[switch.candidate.workload], found.get(stable.revision.workload) if stable else None
        selectors = {name: one["spec"]["selector"] for name, one in services.items()}
        after = {flip.service for flip in switch.flips if selectors.get(flip.service) == dict(flip.after)}
        return Live(
            target=switch.target,
            at=self._clock.now(),
            version=version,
            exists=not service["metadata"].get("deletionTimestamp"),
            uid=str(service["metadata"]["uid"]),
            resource_version=str(service["metadata"]["resourceVersion"]),
            serving=self._serving(switch.target.namespace, service, found),
            candidate_pods=candidate.pods_of(switch.candidate) if candidate else (),
            stable_pods=old.pods_of(stable.revision) if old and stable else (),
            desired=workloads.desired(candidate.deployment) if candidate else 0,
            annotations=workloads.own_annotations(service),
            managers=workloads.managers(service),
            owner=workloads.owner(service),
            unbroken_since=self._cache.unbroken_since(switch.target.namespace),
            runner=workloads.runner(service),
            services=standing(switch, services, after),
        )

    def _serving(self, namespace: str, service: Json, found: Mapping[str, Workload | None]) -> Revision | None:
        """What the Service selects now; of the colours that were looked at just now, not what the cache has."""
        selector = service["spec"]["selector"]
        for one in found.values():
            if one is not None and workloads.selects(selector, one.deployment["template"]["labels"]):
                return one.serving
        selected = workload.selected(self._cache, namespace, selector)
        return selected.serving if selected else None

    async def _destination(
        self, switch: TrafficSwitch, to: Revision, found: Workload | None, services: Mapping[str, Json]
    ) -> Destination:
        """The colour to go back to: does it still run what served, and can it serve."""
        if found is None or found.deployment["metadata"].get("deletionTimestamp"):
            return Destination(to, exists=False)
        refusals = []
        for flip in switch.flips:
            if flip.service in services and flip.before:
                one = services[flip.service]
                back = _put_back(flip, one)
                write = self._write(switch.target.namespace, back)
                refused = await write.rehearse(_flip(back, to, "dry-run"), one["whole"])
                refusals += [f"Service {flip.service}: {refused}"] if refused else []
        return await self._colour(switch.target.namespace, to, found, (), refusals)

    async def _act(self, remedy: Remedy) -> PutBackAnswer:
        """Point each Service back, each in one conditional patch; or, with `scale_to`, scale blue up. Idempotent."""
        namespace = remedy.target.namespace
        if remedy.scale_to is not None:
            return await scale_up(self._client, self._clock, remedy, remedy.scale_to)
        answers: dict[str, PutBackAnswer] = {}
        for back in remedy.services:
            write = self._write(namespace, back)
            answers[back.service] = await write.perform(_flip(back, remedy.to, remedy.watch), remedy.watch)
        return together(answers, self._clock.now())


def _put_back(flip: ServiceFlip, service: Json) -> ServicePutBack:
    metadata = service["metadata"]
    return ServicePutBack(flip.service, str(metadata["uid"]), str(metadata["resourceVersion"]), flip.before)


def _flip(back: ServicePutBack, to: Revision, watch: str) -> Callable[[Json], list[Json]]:
    """The operations that give a Service its whole old selector, beside the patch's conditions."""

    def operations(live: Json) -> list[Json]:
        selector = {"op": "replace", "path": "/spec/selector", "value": dict(back.selector)}
        return [selector, *annotate(live, {LAST_WATCH: watch, KNOWN_GOOD: str(to)})]

    return operations
