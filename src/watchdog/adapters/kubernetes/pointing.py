"""What providers share whose objects point at Deployments: a Service by its selector, a route by its weights."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from watchdog.adapters.kubernetes import workloads
from watchdog.adapters.kubernetes.acting import ConditionalWrite
from watchdog.adapters.kubernetes.deployments import described, who
from watchdog.adapters.kubernetes.kinds import OBJECTS
from watchdog.adapters.kubernetes.looking import Looking
from watchdog.adapters.kubernetes.needs import missing
from watchdog.adapters.kubernetes.workload import Workload
from watchdog.domain.changes import Description
from watchdog.domain.effects import (
    PutBackAnswer,
    PutBackConflicted,
    PutBackDone,
    PutBackRefused,
    PutBackUnsure,
    ServicePutBack,
)
from watchdog.domain.live import Destination
from watchdog.domain.rollout import Revision, Stable, Target, TrafficSwitch

Json = dict[str, Any]


class Pointing(Looking):
    """The acting half of such a provider, as far as it is the same whatever points."""

    def _write(self, namespace: str, back: ServicePutBack) -> ConditionalWrite:
        resource = OBJECTS[self.carries]
        return ConditionalWrite(
            self._client, self._clock, resource, namespace, back.service, back.uid, back.resource_version
        )

    async def _colour(
        self, namespace: str, to: Revision, found: Workload, unreached: Sequence[str], refusals: Sequence[str]
    ) -> Destination:
        """The Deployment to go back to: does it still run what served, and can it serve."""
        ready = sum(pod.ready for pod in found.pods_of(to))
        gone: tuple[str, ...] = ()
        if not ready:  # pods that run have what they need
            gone = await missing(self._client, namespace, found.whole["spec"]["template"])
        return Destination(
            revision=to,
            exists=True,
            same_template=found.serving is not None and found.serving.template == to.template,
            unreached="; ".join(unreached),
            replicas=workloads.desired(found.deployment),
            ready_pods=ready,
            missing=gone,
            refused="; ".join(refusals),
        )

    async def _described(self, target: Target, revision: Revision, commits: str) -> Description:
        """What is known of the revision that is pointed at, and who pointed there last."""
        known = await described(self._client, self._cache, target.namespace, revision, commits)
        one = self._listed((target.namespace, target.name))
        by = {"by": who(one)} if one is not None and who(one) else {}
        return replace(known, notes={**known.notes, **by})


def together_with(switch: TrafficSwitch) -> Collection[str]:
    """The names of what points, and of those that joined its switch."""
    return dict.fromkeys([switch.target.name, *(flip.service for flip in switch.flips)])


def sides(switch: TrafficSwitch, stable: Stable | None) -> Collection[str]:
    """The names of the Deployments on both sides."""
    return dict.fromkeys([switch.candidate.workload, *([stable.revision.workload] if stable else [])])


def standing(
    switch: TrafficSwitch, there: Mapping[str, Json], switched: Collection[str]
) -> Mapping[str, tuple[str, str, bool]]:
    """Of what a switch moved and is there: uid, resourceVersion, and whether it is among the `switched` still."""
    return {
        flip.service: (
            str(there[flip.service]["metadata"]["uid"]),
            str(there[flip.service]["metadata"]["resourceVersion"]),
            flip.service in switched,
        )
        for flip in switch.flips
        if flip.service in there
    }


def together(answers: Mapping[str, PutBackAnswer], at: datetime, kind: str = "Service") -> PutBackAnswer:
    """One answer for several Services or routes: done if any was put back, with those that are left and why."""
    left = {service: one.detail for service, one in answers.items() if not isinstance(one, PutBackDone)}
    if len(left) < len(answers):
        return PutBackDone(at, left)
    detail = "; ".join(f"{kind} {name}: {why}" for name, why in left.items()) or f"the remedy names no {kind}"
    # An act that may have been done asks for another look first of all; one that can be planned anew comes next.
    for answer in (PutBackUnsure, PutBackConflicted):
        if any(isinstance(one, answer) for one in answers.values()):
            return answer(at, detail)
    return PutBackRefused(at, detail)
