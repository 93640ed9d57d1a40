"""Past switches as the names of pods tell of them, where there are no kube-state-metrics: NAME-HASH-xxxxx."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from watchdog.domain.conditions import GaugeMetric, Threshold
from watchdog.domain.rollout import Revision, Target, TargetKind
from watchdog.domain.rules import Guard, Rulebook
from watchdog.engine.questions import selectors_of
from watchdog.engine.templates import Template, fill, template_of
from watchdog.ports import MetricSource
from watchdog.replay.asking_past import moment, over_time, samples
from watchdog.replay.courses import Course, SeenPod, Serving

SOURCE = "pod names"

_STEP = 3600.0
_SOONEST, _SHORTEST, _LONGEST = timedelta(seconds=1), timedelta(minutes=2), timedelta(minutes=30)  # of a rollout
_NAME = re.compile(r"(?P<deployment>[a-z0-9.-]+)-(?P<hash>[bcdfghjklmnpqrstvwxz2456789]{6,10})-[a-z0-9]{5}")


@dataclass(frozen=True, slots=True)
class Named:
    """Pods by Deployment and hash, and the selector that told of them in each namespace."""

    pods: Mapping[Target, Mapping[str, tuple[SeenPod, ...]]]
    selectors: Mapping[str, Template]
    first: datetime | None = None  # from when on there is data


async def look(source: MetricSource, rulebook: Rulebook, start: datetime, end: datetime) -> Named:
    """All pods that the guards' own metrics name. Raises `NotAnswered`."""
    firsts: dict[tuple[str, str], float] = {}
    selectors = _selectors(rulebook)
    for namespace, template in sorted(selectors.items(), key=lambda one: one[0]):
        label = template.pod_labels[0][0]
        selector = template.asked_of("[a-z0-9.-]+")
        query = f"min by ({label}) (min_over_time(timestamp({selector})[{int(_STEP)}s:1m]))"
        for series in await over_time(source, query, start, end, _STEP):
            pod = series.labels.get(label, "")
            first = min(value for _, value in series.samples)
            firsts[namespace, pod] = min(first, firsts.get((namespace, pod), first))
    found: dict[Target, dict[str, list[SeenPod]]] = {}
    for (namespace, pod), first in sorted(firsts.items(), key=lambda one: one[1]):
        match = _NAME.fullmatch(pod)
        if match is not None:
            sets = found.setdefault(Target(namespace, TargetKind.DEPLOYMENT, match["deployment"]), {})
            sets.setdefault(match["hash"], []).append(SeenPod(pod, moment(first), created_is_bound=True))
    by_hash = {work: {one: tuple(pods) for one, pods in sets.items()} for work, sets in found.items()}
    return Named(by_hash, selectors, moment(min(firsts.values())) if firsts else None)


async def course(source: MetricSource, named: Named, workload: Target) -> Course:
    """What served a Deployment: a hash takes over with its first pod. Raises `NotAnswered`.

    A return to an older hash cannot be told from a pod of it that was replaced, and is not seen.
    """
    stretches = []
    for hash_, pods in named.pods[workload].items():
        revision = Revision(workload.name, hash_)
        since = await _first_sample(source, named.selectors[workload.namespace], revision, pods[0].created)
        stretches.append(Serving(revision, since, since_is_bound=True, source=SOURCE, pods=pods))
    stretches.sort(key=lambda one: one.since)
    return Course(workload, {}, tuple(stretches), kube_state=False)


async def seen_by_samples(source: MetricSource, named: Named, course: Course) -> Course:
    """A listed course with its pods as the raw samples first show them: the search looked once a minute.

    So are pods found that lived for less, as before a quick rollback. What records tell is left. Raises `NotAnswered`.
    """
    template = named.selectors.get(course.target.namespace)
    if template is None:
        return course
    stretches = []
    for place, serving in enumerate(course.stretches):
        guessed = place > 0 and serving.revision.named_pods and not any(pod.recorded for pod in serving.pods)
        pods = await _first_samples(source, template, serving) if guessed else serving.pods
        stretches.append(replace(serving, pods=pods))
    return replace(course, stretches=tuple(stretches))


async def _first_samples(source: MetricSource, template: Template, serving: Serving) -> tuple[SeenPod, ...]:
    label, begin = template.pod_labels[0][0], serving.since - _SOONEST
    late = [pod.created for pod in serving.pods if serving.since <= pod.created <= serving.since + _LONGEST]
    end = max([serving.since + _SHORTEST, *late])
    first: dict[str, float] = {}
    for series in await samples(source, template.asked_of(serving.revision.pods_pattern), begin, end):
        pod, at = series.labels.get(label, ""), min(at for at, _ in series.samples)
        first[pod] = min(at, first.get(pod, at))
    known = {pod.name: pod for pod in serving.pods}
    seen = {pod: SeenPod(pod, moment(at), created_is_bound=True) for pod, at in sorted(first.items())}
    sooner = {name: min(seen.get(name, pod), pod, key=lambda one: one.created) for name, pod in known.items()}
    return tuple((seen | sooner).values())


def _selectors(rulebook: Rulebook) -> dict[str, Template]:
    """Of each guarded namespace the first counted metric that names pods: whatever serves is counted."""
    found: dict[str, Template] = {}
    for guard in rulebook.guards:
        for namespace in namespaces_of(guard):
            for rule in guard.rules:
                if isinstance(rule.check, Threshold) and namespace not in found:
                    text = selectors_of(rule.check)[0]
                    template = template_of(fill(text, {"namespace": namespace, "name": ".*", "workload": ".*"}))
                    if template.pod_labels and not isinstance(rule.check.metric, GaugeMetric):
                        found[namespace] = template
    return found


def namespaces_of(guard: Guard) -> frozenset[str]:
    """Where a guard's targets are."""
    return frozenset((*guard.namespaces, *(target.namespace for target in guard.targets)))


async def _first_sample(source: MetricSource, template: Template, revision: Revision, seen: datetime) -> datetime:
    """The first raw sample: the search looked once a minute."""
    selector = template.asked_of(revision.pods_pattern)
    found = await samples(source, selector, seen - timedelta(seconds=90), seen)
    times = [at for series in found for at, _ in series.samples]
    return moment(min(times)) if times else seen
