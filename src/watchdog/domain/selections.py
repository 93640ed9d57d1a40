"""Raw samples that selectors answered with: where each series comes from, and which are of what is being counted."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from sys import intern

from watchdog.domain.counted_to import Source, once
from watchdog.domain.measurement import Series

SCRAPE_LABELS = (
    *("job", "endpoint", "metrics_path", "prometheus", "prometheus_replica", "__replica__", "replica"),
    *("rule_replica", "receive_replica", "exported_job"),
)
_WITH_SERVICE = (*SCRAPE_LABELS, "service")
# With honor_labels off a label of the application that the scraper sets too is renamed; that it is there tells
# how the endpoint was scraped, its value tells nothing more than the scraper's own.
_RENAMED = ("exported_pod", "exported_namespace", "exported_instance")


@dataclass(frozen=True, slots=True)
class Selection:
    """The answer to one bare selector. `pod_label` names the pod (None: no pod is told apart); `named` are the labels
    that the selector itself matches on."""

    series: Sequence[Series]
    pod_label: str | None = "pod"
    named: frozenset[str] = frozenset()

    def within(self, begin: float, end: float = math.inf) -> "Selection":
        """The same without samples before `begin` or after `end`, and without series that have none in between."""
        parts = (_cut(series, begin, end) for series in self.series)
        return replace(self, series=tuple(part for part in parts if part.samples))


@dataclass(frozen=True, slots=True)
class Scope:
    """What is being counted: from `since` (Unix seconds) on; `created` has each known pod's creation.

    `stays`, where pods' names do not tell whose they are: from when until when each pod's samples count; no others do.
    """

    since: float
    created: Mapping[str, float]
    stays: Mapping[str, tuple[float, float]] | None = None

    def bounds(self, pod: str) -> tuple[float, float]:
        """From when, and before when, the pod's samples belong to what is being counted."""
        if self.stays is None or not pod:
            return self.since, math.inf
        since, until = self.stays.get(pod, (math.inf, -math.inf))
        return max(self.since, since), until

    def newborn(self, pod: str) -> bool:
        """Whether all that the pod ever counted belongs to what is being counted. Unknown pods are not."""
        return self.created.get(pod, -math.inf) >= self.since


def measured(series: Series, pod: str, scope: Scope, end: float) -> list[tuple[float, float]]:
    """The samples of a pod's series up to `end` that are measurements, of what is being counted."""
    begin, until = scope.bounds(pod)
    return [one for one in series.samples if begin <= one[0] <= end and one[0] < until and 0.0 <= one[1] < math.inf]


def source_of(selection: Selection, labels: Mapping[str, str]) -> Source:
    """Where a series comes from. Its words are shared: they are remembered, the answer is not."""
    pod = intern(labels.get(selection.pod_label, "")) if selection.pod_label else ""
    scrape_labels = SCRAPE_LABELS if "service" in selection.named else _WITH_SERVICE
    told = [intern(labels.get(name, "")) for name in scrape_labels]
    renamed = [name for name in _RENAMED if name in labels]
    return pod, (pod, intern(labels.get("exported_instance", labels.get("instance", "")))), once((*told, *renamed))


def _cut(series: Series, begin: float, end: float) -> Series:
    samples = series.samples
    if not samples or (begin <= samples[0][0] and samples[-1][0] <= end):
        return series
    return replace(series, samples=samples[bisect_left(samples, (begin,)) : bisect_right(samples, (end, math.inf))])
