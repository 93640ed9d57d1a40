"""What all providers of `route` switches do: look at both sides of one, and put the weights back.

A provider of one kind says where the weights stand in its object (`_references`) and how they are written (`_reweigh`).
"""

from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from watchdog.adapters.kubernetes import workload, workloads
from watchdog.adapters.kubernetes.acting import KNOWN_GOOD, LAST_WATCH, annotate, unread
from watchdog.adapters.kubernetes.backends import called, unrestorable, weights_before
from watchdog.adapters.kubernetes.cache import Key
from watchdog.adapters.kubernetes.deployments import SWITCHED_BY
from watchdog.adapters.kubernetes.errors import UNREADABLE, ApiError, explained, readable, unanswered
from watchdog.adapters.kubernetes.kinds import OBJECTS
from watchdog.adapters.kubernetes.pointing import Pointing, sides, standing, together, together_with
from watchdog.adapters.kubernetes.scaling import scale_up
from watchdog.adapters.kubernetes.trimming import TRIMS
from watchdog.adapters.kubernetes.weighing import Weighing
from watchdog.adapters.kubernetes.workload import Workload
from watchdog.domain.effects import PutBackAnswer, PutBackRefused, Remedy, ServicePutBack
from watchdog.domain.flipping import Flip
from watchdog.domain.live import Destination, Live
from watchdog.domain.reweighing import RouteNow
from watchdog.domain.rollout import RUNNER, Revision, Stable, Target, TrafficSwitch
from watchdog.domain.weights import mostly, shares
from watchdog.ports import OutOfReach

Json = dict[str, Any]


class Weighted(Weighing, Pointing):
    """The traffic provider of one kind of route. RBAC: get, list, watch, patch of it and what a Service's needs."""

    @abstractmethod
    def _reweigh(self, live: Json, weights: Mapping[str, int]) -> list[Json]:
        """The operations that give a whole object these weights, by `Reference.at`, and change nothing else."""

    def _about(self, switch: TrafficSwitch, stable: Stable | None) -> Collection[Key]:
        namespace = switch.target.namespace
        routes: list[Key] = [(namespace, self.carries.value, name) for name in together_with(switch)]
        return [*routes, *((namespace, RUNNER.value, name) for name in sides(switch, stable))]

    async def _seen(self, switch: TrafficSwitch, stable: Stable | None, version: int, *, fresh: bool) -> Live:
        """The route, and those that joined its switch, as they are now."""
        namespace, names, colours = switch.target.namespace, together_with(switch), sides(switch, stable)
        if not fresh:
            there = self._cache.all(OBJECTS[self.carries], namespace)
            routes = {name: there[name] for name in names if name in there}
            behind = {name: self._behind(namespace, one) for name, one in routes.items()}
            seen = {name: workload.cached(self._cache, namespace, name) for name in colours}
            return self._live(switch, stable, routes, behind, seen, version)
        routes = {name: one for name in names if (one := await self._route(namespace, name)) is not None}
        seen = {name: await workload.fresh(self._client, namespace, name) for name in colours}
        behind = {name: await self._fresh_behind(namespace, one, seen) for name, one in routes.items()}
        live = replace(self._live(switch, stable, routes, behind, seen, version), fresh=True)
        if stable is None:
            return live
        return replace(live, destination=await self._destination(switch, stable.revision, routes, behind, seen))

    async def _route(self, namespace: str, name: str) -> Json | None:
        whole = await self._client.find(OBJECTS[self.carries], namespace, name)
        if whole is None:
            return None
        with explained(whole):
            kept = TRIMS[OBJECTS[self.carries]](whole)
            self._references(kept)
        return {**kept, "whole": whole}

    def _live(
        self,
        switch: TrafficSwitch,
        stable: Stable | None,
        routes: Mapping[str, Json],
        behind: Mapping[str, Mapping[str, Workload | None]],
        seen: Mapping[str, Workload | None],
        version: int,
    ) -> Live:
        route = routes.get(switch.target.name)
        if route is None:
            return Live(switch.target, self._clock.now(), version, False, "", "", None)
        backends = {name: self._backends(one, behind[name]) for name, one in routes.items()}
        carrying = {name for name, some in backends.items() if shares(some).get(switch.candidate.workload, 0.0) > 0.0}
        candidate, old = seen.get(switch.candidate.workload), seen.get(stable.revision.workload) if stable else None
        parts = shares(backends[switch.target.name])
        meant = [one for one in (candidate, old) if one is not None and parts.get(one.name)]  # however little they get
        return Live(
            target=switch.target,
            at=self._clock.now(),
            version=version,
            exists=not route["metadata"].get("deletionTimestamp"),
            uid=str(route["metadata"]["uid"]),
            resource_version=str(route["metadata"]["resourceVersion"]),
            serving=meant[0].serving if meant else mostly(backends[switch.target.name]),
            candidate_pods=candidate.pods_of(switch.candidate) if candidate else (),
            stable_pods=old.pods_of(stable.revision) if old and stable else (),
            desired=workloads.desired(candidate.deployment) if candidate else 0,
            unweighed=f"{switch.target} shares no traffic by weights any more" if self.unweighed(route) else "",
            annotations=workloads.own_annotations(route),
            managers=workloads.managers(route),
            owner=workloads.owner(route),
            unbroken_since=self._cache.unbroken_since(switch.target.namespace),
            services=standing(switch, routes, carrying),
        )

    async def _destination(
        self,
        switch: TrafficSwitch,
        to: Revision,
        routes: Mapping[str, Json],
        behind: Mapping[str, Mapping[str, Workload | None]],
        seen: Mapping[str, Workload | None],
    ) -> Destination:
        """What the weights from before give traffic to: does it run what served, can it serve, can they be set."""
        found = seen.get(to.workload)
        if found is None or found.deployment["metadata"].get("deletionTimestamp"):
            return Destination(to, exists=False)
        unreached, refusals = [], []
        for flip in [flip for flip in switch.flips if flip.service in routes and flip.before]:
            one = routes[flip.service]
            why = unrestorable(self._references(one), flip.before)
            if not why and not shares(self._backends(one, behind[flip.service]), flip.before).get(to.workload):
                why = f"the weights from before gave {to.workload} nothing"
            if why:
                unreached.append(f"{self.carries.proper} {flip.service}: {why}")
                continue
            metadata = one["metadata"]
            back = ServicePutBack(flip.service, metadata["uid"], metadata["resourceVersion"], flip.before)
            write = self._write(switch.target.namespace, back)
            refused = await write.rehearse(self._operations(back, to, "dry-run"), one["whole"])
            refusals += [f"{self.carries.proper} {flip.service}: {refused}"] if refused else []
        return await self._colour(switch.target.namespace, to, found, unreached, refusals)

    async def now(self, target: Target) -> RouteNow:
        """The route as a pipeline is shown it. Raises `OutOfReach`, finally where it is gone, or has no weights."""
        with readable(target), unanswered(f"looking at {target}"):
            one = await self._route(target.namespace, target.name)
            why = "" if one is None else self.unweighed(one)
            behind = {} if one is None or why else await self._fresh_behind(target.namespace, one, {})
        if one is None:
            raise OutOfReach(f"there is no {target}", final=True)
        if why:
            raise OutOfReach(f"{target}: {why}", final=True)
        metadata = one["metadata"]
        return RouteNow(
            target=target,
            uid=str(metadata["uid"]),
            resource_version=str(metadata["resourceVersion"]),
            labels=dict(workloads.labels(one)),
            backends=self._backends(one, behind),
            names={ref.at: called(ref) for ref in self._references(one)},
            whole=self._whole(one),
        )

    def _whole(self, one: Json) -> int:
        """What the weights of a rule must add up to; 0 for whatever they do."""
        del one
        return 0

    def steps(self, flip: Flip) -> Callable[[Json], list[Json]]:
        """The operations of a person's step, which say whose it is."""

        def operations(live: Json) -> list[Json]:
            weights = {at: int(weight) for at, weight in flip.after.items()}
            return [*self._reweigh(live, weights), *annotate(live, {SWITCHED_BY: flip.switched_by})]

        return operations

    def _operations(self, back: ServicePutBack, to: Revision, watch: str) -> Callable[[Json], list[Json]]:
        def operations(live: Json) -> list[Json]:
            weights = weights_before(self._references(live), back.selector)
            return [*self._reweigh(live, weights), *annotate(live, {LAST_WATCH: watch, KNOWN_GOOD: str(to)})]

        return operations

    async def _act(self, remedy: Remedy) -> PutBackAnswer:
        """Give each route its weights from before, each in one conditional patch; or scale up first. Idempotent."""
        if remedy.scale_to is not None:
            return await scale_up(self._client, self._clock, remedy, remedy.scale_to)
        answers = {back.service: await self._put_back(remedy, back) for back in remedy.services}
        return together(answers, self._clock.now(), self.carries.proper)

    async def _put_back(self, remedy: Remedy, back: ServicePutBack) -> PutBackAnswer:
        namespace = remedy.target.namespace
        try:
            route = await self._client.find(OBJECTS[self.carries], namespace, back.service)
            with explained(route):
                why = unrestorable(self._references(route), back.selector) if route is not None else "it is gone"
        except (OutOfReach, ApiError, *UNREADABLE) as error:
            return unread(error, self._clock.now())
        if why and (route is None or route["metadata"]["resourceVersion"] == back.resource_version):
            return PutBackRefused(self._clock.now(), why)
        write = self._write(namespace, back)
        return await write.perform(self._operations(back, remedy.to, remedy.watch), remedy.watch)
