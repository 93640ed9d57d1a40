"""Past switches of StatefulSets as kube-state-metrics tell of them: which template they were to have, and their pods.

Partitions and `OnDelete` are not told: a pod that is made out of its turn is taken to replace one that was lost.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from watchdog.adapters.kubernetes.providers import pods_of
from watchdog.domain.measurement import Series
from watchdog.domain.rollout import Revision, Target
from watchdog.ports import MetricSource
from watchdog.replay.asking_past import moment, samples
from watchdog.replay.courses import Course, SeenPod, Serving
from watchdog.replay.kube_state import SOURCE, UPDATE_REVISION, KubeState
from watchdog.replay.looks import PROGRESS
from watchdog.replay.whose_pods import born_of, in_turn, shared_out

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Told:
    """A template, as it was told for the first time at `at`, and another one still at `before`."""

    template: str
    before: datetime
    at: datetime


async def course(source: MetricSource, state: KubeState, target: Target) -> Course:
    """What served a StatefulSet. Raises `NotAnswered`."""
    pattern = pods_of(target)
    born = born_of(state.pods.born.get(target.namespace, ()), pattern)
    told = await _templates(source, target, state.templates[target])
    begins: list[tuple[str, datetime]] = [(told[0].template, told[0].before)]
    for one, after in zip(told[1:], [*told[2:], None], strict=True):
        made = [pod for pod in born if one.before < pod.created and (after is None or pod.created <= after.before)]
        new = in_turn(made)
        if new and one.template != begins[-1][0]:
            begins.append((one.template, new[0].created))
    pods = shared_out(born, [since for _, since in begins])
    served = [_serving(target, pattern, *begin, mine) for begin, mine in zip(begins, pods, strict=True)]
    return Course(target, state.labels.get(target, {}), tuple(served))


def _serving(target: Target, pattern: str, template: str, since: datetime, pods: Sequence[SeenPod]) -> Serving:
    revision = Revision(target.name, template.removeprefix(f"{target.name}-"), pods=pattern, kind=target.kind)
    patience = PROGRESS * max(1, len({pod.name for pod in pods}))  # for each pod, as live
    return Serving(revision, since, source=SOURCE, pods=tuple(pods), patience=patience)


async def _templates(source: MetricSource, target: Target, hourly: Sequence[Series]) -> list[_Told]:
    """Each template in turn; exact to a scrape, which is asked for where two hours do not tell the same."""
    hours: dict[float, set[str]] = {}
    for series in hourly:
        for at, _ in series.samples:
            hours.setdefault(at, set()).add(series.labels.get("revision", ""))
    ordered = sorted(hours)
    found = [_Told(min(hours[ordered[0]]), moment(ordered[0]) - _HOUR, moment(ordered[0]) - _HOUR)]
    if len(hours[ordered[0]]) > 1:
        found = []
    for earlier, hour in pairwise([ordered[0] - _HOUR.total_seconds(), *ordered]):
        if found and hours[hour] == {found[-1].template}:
            continue
        last = moment(min(earlier, hour - _HOUR.total_seconds()))
        for one in await _by_scrape(source, target, last, moment(hour)):
            if not found or one.template != found[-1].template:
                found.append(one)
    return found


async def _by_scrape(source: MetricSource, target: Target, start: datetime, end: datetime) -> list[_Told]:
    """What was told at each scrape in which it changed, with the scrape before."""
    selector = f'{UPDATE_REVISION}{{namespace="{target.namespace}", statefulset="{target.name}"}}'
    told: dict[float, str] = {}
    for series in await samples(source, selector, start, end):
        told |= {at: series.labels.get("revision", "") for at, value in series.samples if value}
    ordered = sorted(told.items())
    changes = [_Told(now, moment(before), moment(at)) for (before, was), (at, now) in pairwise(ordered) if was != now]
    return [_Told(ordered[0][1], start, moment(ordered[0][0])), *changes] if ordered else []
