"""What the increases of single series amount to, per pod: a ratio's counts, a histogram's buckets, a rate."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter

from watchdog.domain.counting import Increase
from watchdog.domain.histograms import PodBuckets, merged
from watchdog.domain.measurement import PodCount


def ratio(totals: Iterable[Increase], bads: Iterable[Increase]) -> dict[str, PodCount]:
    """Bad and all events per pod; a pod without bad series has had no bad events."""
    total, bad = _by_pod(totals), _by_pod(bads)
    return {
        pod: PodCount(bad=_sum(bad.get(pod, ())), total=_sum(total.get(pod, ())), samples=_scrapes(total.get(pod, ())))
        for pod in sorted(total.keys() | bad.keys())
    }


def histogram(buckets: Iterable[Increase], sums: Iterable[Increase], scale: float) -> dict[str, PodBuckets]:
    """The merged histogram of each pod's series; `scale` is seconds per unit of `le`.

    Series of one pod may have different bounds (a handler with buckets of its own): they are added where all have one,
    since what one does not tell must not count against the release.
    """
    grouped, summed = _by_pod(buckets), _by_pod(sums)
    merged_of = {}
    for pod, increases in sorted(grouped.items()):
        series = histograms(increases, scale)
        if series:
            whole = merged([histogram_ for _, histogram_ in series])
            merged_of[pod] = PodBuckets(
                whole.bounds, whole.events, whole.total, _sum(summed.get(pod, ())) * scale, _scrapes(increases)
            )
    return merged_of


def histograms(increases: Iterable[Increase], scale: float) -> list[tuple[Mapping[str, str], PodBuckets]]:
    """Each histogram of the increases with its labels but `le`, which is all that tells its series from each other."""
    found: dict[tuple[str, ...], dict[float, list[float]]] = {}
    labels_of: dict[tuple[str, ...], Mapping[str, str]] = {}
    values: tuple[str, ...] | None = None
    others: tuple[str, ...] = ()
    per_bound: dict[float, list[float]] = {}
    for increase in increases:
        labels = increase.labels
        bound = _bound(labels.get("le", ""))
        if bound is None:
            continue
        before = others, values
        others, values_of = _but_le(tuple(labels))
        values = values_of(labels)
        if (others, values) != before:  # nearly always it is the next bucket of the same histogram
            told = others + values
            if told not in found:
                found[told], labels_of[told] = {}, {name: labels[name] for name in others}
            per_bound = found[told]
        per_bound.setdefault(bound * scale, []).append(increase.amount)
    ordered = sorted(found, key=lambda told: sorted(labels_of[told].items()))
    counts = [_cumulative({bound: math.fsum(each) for bound, each in found[told].items()}) for told in ordered]
    return [
        (labels_of[told], PodBuckets.of(each, each[-1][1], 0.0, 0)) for told, each in zip(ordered, counts, strict=True)
    ]


@lru_cache(maxsize=256)
def _but_le(names: tuple[str, ...]) -> tuple[tuple[str, ...], Callable[[Mapping[str, str]], tuple[str, ...]]]:
    """The names in order without `le`, and what takes their values from labels."""
    others = tuple(sorted(name for name in names if name != "le"))
    if len(others) > 1:
        return others, itemgetter(*others)
    return others, lambda labels: tuple(labels[name] for name in others)


def rates(increases: Iterable[Increase]) -> dict[str, float]:
    """The increase per second of each pod that has two samples to take it between."""
    found = {}
    for pod, parts in sorted(_by_pod(increases).items()):
        seconds = _seconds(parts)
        if seconds > 0.0:
            # What a newborn brought with its first value took an unknown time, so it is no part of a rate.
            found[pod] = math.fsum(part.amount - part.at_birth for part in parts) / seconds
    return found


def _seconds(parts: Sequence[Increase]) -> float:
    """The time in which a pod's series grew.

    Containers are sampled at moments of their own (cAdvisor), so the time from the first start to the last end would
    be too long; but where a series took over from another (a container began anew), it is just that.
    """
    if any(part.joined for part in parts):
        return max(part.end for part in parts) - min(part.start for part in parts)
    return max(part.end - part.start for part in parts)


def _cumulative(per_bound: Mapping[float, float]) -> tuple[tuple[float, float], ...]:
    counts, highest = [], 0.0
    for bound, amount in sorted(per_bound.items()):
        highest = max(highest, amount)
        counts.append((bound, highest))
    if counts[-1][0] != math.inf:
        counts.append((math.inf, highest))
    return tuple(counts)


@lru_cache(maxsize=1024)
def _bound(le: str) -> float | None:
    try:
        bound = float(le)
    except ValueError:
        return None
    return None if math.isnan(bound) else bound


def _by_pod(increases: Iterable[Increase]) -> dict[str, list[Increase]]:
    grouped: dict[str, list[Increase]] = defaultdict(list)
    for increase in increases:
        grouped[increase.pod].append(increase)
    return grouped


def _sum(increases: Iterable[Increase]) -> float:
    return math.fsum(increase.amount for increase in increases)


def _scrapes(increases: Iterable[Increase]) -> int:
    return max((increase.samples for increase in increases), default=0)
