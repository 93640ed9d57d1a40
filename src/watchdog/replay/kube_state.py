"""Past switches as kube-state-metrics tell of them: which ReplicaSets made pods, when, and which of them took over."""

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from watchdog.domain.measurement import Series
from watchdog.domain.rollout import USUAL, Revision, Target, TargetKind
from watchdog.ports import MetricSource
from watchdog.replay.asking_past import moment, one_of, over_time, samples
from watchdog.replay.courses import Course, KnownPods, SeenPod, Serving

SOURCE = "kube-state-metrics"
UPDATE_REVISION = "kube_statefulset_status_update_revision"

STEP = 3600.0  # the search looks back that far at each step, so that nothing falls between two
_AROUND = timedelta(minutes=2)
_AFTER = timedelta(minutes=6)
_LONGEST_UNDONE = timedelta(hours=1)
_SAME_SCRAPE = 1.0  # seconds

_OWNERS = {"Deployment": TargetKind.DEPLOYMENT, "Rollout": TargetKind.ROLLOUT}  # of ReplicaSets


@dataclass(frozen=True, slots=True)
class KubeState:
    """What kube-state-metrics told: each workload's labels, and all pods.

    `templates`: which template a StatefulSet was to have, as it was told hour by hour.
    """

    labels: Mapping[Target, Mapping[str, str]] = field(default_factory=dict)
    pods: KnownPods = field(default_factory=KnownPods)
    templates: Mapping[Target, Sequence[Series]] = field(default_factory=dict)
    first: datetime | None = None  # from when on anything was told

    @property
    def workloads(self) -> tuple[Target, ...]:
        """Those whose pods' names tell what served."""
        return tuple(sorted(self.pods.named))


async def look(
    source: MetricSource,
    namespaces: Iterable[str],
    start: datetime,
    end: datetime,
    kinds: Collection[TargetKind] = USUAL,
) -> KubeState:
    """All that had pods in these namespaces, of the kinds that are asked for. Raises `NotAnswered`."""
    within = f"namespace=~{one_of(namespaces)}"
    window = f"[{int(STEP)}s]"

    async def seen(selector: str, by: str) -> tuple[Series, ...]:
        return await over_time(source, f"max by ({by}) (last_over_time({selector}{window}))", start, end, STEP)

    async def labelled(kind: str) -> dict[Target, Mapping[str, str]]:
        shown = f"last_over_time(kube_{kind}_labels{{{within}}}{window})"
        told = await over_time(source, shown, start, end, STEP)
        return {
            Target(one.labels.get("namespace", ""), TargetKind(kind), one.labels[kind]): _labels(one)
            for one in told
            if kind in one.labels
        }

    owning = "|".join(owner for owner, kind in _OWNERS.items() if kind in {*kinds, TargetKind.DEPLOYMENT})
    owners = await seen(
        f'kube_replicaset_owner{{{within}, owner_kind=~"{owning}"}}', "namespace, replicaset, owner_kind, owner_name"
    )
    sets = TargetKind.STATEFULSET in kinds
    revisions = await seen(f"{UPDATE_REVISION}{{{within}}}", "namespace, statefulset, revision") if sets else ()
    if not owners and not revisions and TargetKind.DAEMONSET not in kinds:
        return KubeState()
    # A pod that keeps its name is told apart by its uid.
    created = await seen(f"kube_pod_created{{{within}}}", "namespace, pod, uid")
    labels = await labelled("deployment") | (await labelled("statefulset") if revisions else {})
    templates: dict[Target, list[Series]] = {}
    for one in revisions:
        place = Target(one.labels.get("namespace", ""), TargetKind.STATEFULSET, one.labels.get("statefulset", ""))
        templates.setdefault(place, []).append(one)
    return KubeState(labels, _pods(owners, created), templates, first_of(created, STEP))


def first_of(series: Iterable[Series], step: float) -> datetime | None:
    """From when on there is data, as well as a search in steps can tell."""
    times = [one.samples[0][0] for one in series if one.samples]
    return moment(min(times) - step) if times else None


def _labels(series: Series) -> Mapping[str, str]:
    """Kubernetes's labels, as far as kube-state-metrics were told to show them; their punctuation is lost."""
    return {name.removeprefix("label_"): value for name, value in series.labels.items() if name.startswith("label_")}


def _pods(owners: Iterable[Series], created: Iterable[Series]) -> KnownPods:
    of_set = {
        (one.labels.get("namespace", ""), one.labels["replicaset"]): Target(
            one.labels.get("namespace", ""), _OWNERS[one.labels["owner_kind"]], one.labels["owner_name"]
        )
        for one in owners
        if one.labels.get("owner_name") and one.labels.get("replicaset")
    }
    named: dict[Target, dict[str, set[SeenPod]]] = {}
    born: dict[str, set[SeenPod]] = {}
    for one in created:
        namespace, pod = one.labels.get("namespace", ""), one.labels.get("pod", "")
        seen = SeenPod(pod, moment(min(value for _, value in one.samples)), uid=one.labels.get("uid", ""))
        born.setdefault(namespace, set()).add(seen)
        replicaset = pod.rpartition("-")[0]
        workload = of_set.get((namespace, replicaset))
        if workload is not None:
            template = replicaset.removeprefix(f"{workload.name}-")
            named.setdefault(workload, {}).setdefault(template, set()).add(seen)
    return KnownPods(
        {workload: {template: as_made(pods) for template, pods in sets.items()} for workload, sets in named.items()},
        {namespace: as_made(pods) for namespace, pods in born.items()},
    )


def as_made(pods: Iterable[SeenPod]) -> tuple[SeenPod, ...]:
    """In the order in which they were made."""
    return tuple(sorted(pods, key=lambda pod: (pod.created, pod.name)))


async def course(source: MetricSource, state: KubeState, workload: Target, start: datetime, end: datetime) -> Course:
    """What served a Deployment, or a Rollout. Raises `NotAnswered`."""
    namespace, name = workload.namespace, workload.name
    born = sorted(
        ((pod.created, template, pod) for template, pods in state.pods.named[workload].items() for pod in pods),
        key=lambda one: (one[0], one[1], one[2].name),
    )
    stretches: list[tuple[str, datetime, list[SeenPod]]] = []
    known: set[str] = set()
    for created, template, pod in born:
        if created > end:
            continue
        if not stretches or template != stretches[-1][0]:
            first = not stretches
            taken_over = (
                first
                or template not in known
                or await _took_over(source, namespace, name, template, stretches[-1][0], created)
            )
            if taken_over:
                stretches.append((template, created, []))
        known.add(template)
        _of(stretches, template).append(pod)
    served = [
        Serving(Revision(name, one, kind=workload.kind), at, source=SOURCE, pods=tuple(pods))
        for one, at, pods in stretches
    ]
    put_backs = await _with_put_backs(source, namespace, served, end)
    return Course(workload, state.labels.get(workload, {}), tuple(put_backs))


async def _with_put_backs(
    source: MetricSource, namespace: str, served: Sequence[Serving], now: datetime
) -> list[Serving]:
    """A rollout that was undone before it replaced anything makes no new pod: its ReplicaSet is scaled to nothing."""
    found = list(served[:1])
    for before, serving, after in zip(served, served[1:], [*served[2:], None], strict=False):
        found.append(serving)
        upto = min(serving.since + _LONGEST_UNDONE, now, *([after.since] if after is not None else []))
        ended = await _scaled_to_nothing(source, namespace, serving.revision, before.revision, serving.since, upto)
        if ended is not None:
            found.append(Serving(before.revision, ended, since_is_bound=True, source=SOURCE))
    return found


async def _scaled_to_nothing(
    source: MetricSource, namespace: str, candidate: Revision, before: Revision, start: datetime, end: datetime
) -> datetime | None:
    """When the candidate was given up while what served before still did."""
    own, others = await _replicas(source, namespace, candidate, before, start, end)
    grown = False
    for at, wanted in own:
        if grown and wanted == 0.0 and any(other > 0.0 for time, other in others if abs(time - at) < _SAME_SCRAPE):
            return moment(at)
        grown = grown or wanted > 0.0
    return None


def _of(stretches: Sequence[tuple[str, datetime, list[SeenPod]]], template: str) -> list[SeenPod]:
    """The newest stretch of a template: an old one may still replace a pod while the next rolls out."""
    return next(pods for one, _, pods in reversed(stretches) if one == template)


async def _took_over(
    source: MetricSource, namespace: str, deployment: str, template: str, serving: str, at: datetime
) -> bool:
    """Whether an old ReplicaSet that made a pod became current again, rather than replaced one that it had lost."""
    own, others = await _replicas(
        source, namespace, Revision(deployment, template), Revision(deployment, serving), at - _AROUND, at + _AFTER
    )
    before = [value for moment_, value in own if moment_ < at.timestamp()]
    if not own:
        return True
    if not before or before[-1] == 0.0:
        return True
    grew = any(later[1] > earlier[1] for earlier, later in pairwise(own))
    shrank = any(later[1] < earlier[1] for earlier, later in pairwise(others))
    return grew and shrank and own[-1][1] >= (others[-1][1] if others else 0.0)


async def _replicas(
    source: MetricSource, namespace: str, one: Revision, other: Revision, start: datetime, end: datetime
) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """How many pods two ReplicaSets were to have."""
    names = [f"{revision.workload}-{revision.template}" for revision in (one, other)]
    wanted = f'kube_replicaset_spec_replicas{{namespace="{namespace}", replicaset=~{one_of(names)}}}'
    counts = await samples(source, wanted, start, end)
    first, second = (merged(series for series in counts if series.labels.get("replicaset") == name) for name in names)
    return first, second


def merged(series: Iterable[Series]) -> list[tuple[float, float]]:
    """The samples of one thing, told by several instances perhaps."""
    found: dict[float, float] = {}
    for one in series:
        found.update((at, value) for at, value in one.samples if math.isfinite(value))
    return sorted(found.items())


_UNSAFE = re.compile(r"[^a-zA-Z0-9_]")


def as_label(key: str) -> str:
    """A Kubernetes label's key as kube-state-metrics write it: `app.kubernetes.io/name` is `app_kubernetes_io_name`."""
    return _UNSAFE.sub("_", key)
