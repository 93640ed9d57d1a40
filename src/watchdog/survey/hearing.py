"""Every preset tried on live data: which dialect each target speaks, how much traffic it has, how it is scraped."""

import asyncio
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from watchdog.domain.measurement import QueryFailed
from watchdog.engine.templates import fill, sums_of
from watchdog.ports import MetricSource
from watchdog.rulebook import presets
from watchdog.survey.guardables import Guardable
from watchdog.survey.latencies import LOOK_BACK, Latency, latency_of
from watchdog.survey.metric_names import MetricNames, PrometheusAway, answered
from watchdog.survey.selectors import Matcher, Selector, selectors_in
from watchdog.survey.spellings import Dialect, Listener, Spelling, dialects
from watchdog.survey.traffic import requests_per_second, scrape_interval
from watchdog.survey.trying import CLUSTER, DEADLINE, Pods, Tried, containers_seen, try_preset

TYPICAL = timedelta(hours=1)
"""How far back traffic is looked at, where the target is that old."""

_READY_WITHIN = 10.0
_LEAST_SCRAPES = 4  # of a target that is younger
_SIDE_BY_SIDE = 4  # targets that are asked about at once: Prometheus has others to serve
_LATENCY_NAME = re.compile(r"duration|latency|response_time|seconds|_ms", re.IGNORECASE)
_MILLISECONDS = re.compile(r"_ms(_|$)|milliseconds", re.IGNORECASE)
_REQUEST_NAMES = ".*([rR]equest|http|grpc|rpc|latency|duration).*(_total|_count|_bucket)"
_SAME = 0.25  # by how much another histogram may count more or fewer requests


@dataclass(frozen=True, slots=True)
class Heard:
    """What Prometheus has of one target. Without `spelling` no preset speaks of its requests."""

    guardable: Guardable
    over: timedelta = TYPICAL
    spelling: Spelling | None = None
    series: int = 0
    per_second: float = 0.0
    error_share: float = 0.0
    latency: Latency | None = None
    preset_latency: Latency | None = None  # the preset's own histogram, where another one is used
    scrape: float | None = None  # seconds
    cpu: bool = False
    memory: bool = False
    also: tuple[str, ...] = ()  # other presets that speak of it
    mute: tuple[str, ...] = ()  # presets whose requests are there, without a label that tells errors
    near: tuple[str, ...] = ()  # metrics of its pods that look like requests, where no preset speaks
    notes: tuple[str, ...] = ()

    @property
    def preset(self) -> str | None:
        return self.spelling.preset if self.spelling else None


@dataclass(frozen=True, slots=True)
class Hearing:
    """What came of all presets, and of each target; `away` where Prometheus could not be asked at all."""

    heard: tuple[Heard, ...]
    tried: tuple[Tried, ...] = ()
    away: str = ""


async def hear(source: MetricSource, names: MetricNames, guardables: Sequence[Guardable], at: datetime) -> Hearing:
    """Ask Prometheus about all targets. Never raises: what could not be asked stands in the answer."""
    ready = await source.query("vector(1)", at, deadline=_READY_WITHIN)
    if isinstance(ready, QueryFailed):
        return unheard(guardables, str(PrometheusAway(ready)))
    tried = await asyncio.gather(*(try_preset(source, dialect, at) for dialect in dialects()))
    containers = await containers_seen(source, sorted({one.target.namespace for one in guardables}), at)
    room = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def each(guardable: Guardable) -> Heard:
        async with room:
            return await _Ear(source, names, at, guardable).listen(tried, containers)

    return Hearing(tuple(await asyncio.gather(*(each(one) for one in guardables))), tuple(tried))


def unheard(guardables: Sequence[Guardable], why: str) -> Hearing:
    """What is known of all targets where Prometheus could not be asked."""
    return Hearing(tuple(Heard(one) for one in guardables), away=why)


@dataclass(slots=True)
class _Ear:
    """Asks about one target."""

    source: MetricSource
    names: MetricNames
    at: datetime
    guardable: Guardable
    notes: list[str] = field(default_factory=list)

    def _over(self, scrape: float | None) -> timedelta:
        """How far back its traffic is looked at: as long as it exists, and long enough for some scrapes."""
        since = self.guardable.since
        age = TYPICAL if since is None else self.at - since
        return max(timedelta(seconds=_LEAST_SCRAPES * (scrape or 15.0)), min(TYPICAL, age))

    async def listen(self, tried: Sequence[Tried], containers: Mapping[str, Pods]) -> Heard:
        target = self.guardable.target
        pods = re.compile(self.guardable.pods)
        has = {
            name: any(space == target.namespace and pods.fullmatch(pod) for space, pod in found)
            for name, found in containers.items()
        }
        plain = Heard(self.guardable, cpu=has["cpu"], memory=has["memory"])
        try:
            found, mute = await self._candidates(tried)
            if not found:
                return replace(plain, mute=tuple(mute), near=await self._near())
            best = max(found, key=_worth)
            best = await self._with_finer_buckets(best)
        except PrometheusAway as error:
            return replace(plain, notes=(str(error),))
        also = tuple(one.preset for one in found if one.preset and one.preset != best.preset)
        return replace(best, cpu=plain.cpu, memory=plain.memory, also=also, mute=tuple(mute), notes=tuple(self.notes))

    async def _candidates(self, tried: Sequence[Tried]) -> tuple[list[Heard], list[str]]:
        """What each dialect that speaks of the target says, and the dialects that tell no errors."""
        found, mute = [], []
        for one in tried:
            listener = Listener(one.dialect, self.guardable.target, self.guardable.pods)
            about = one.about(self.guardable.target.namespace)
            mine = [(row, count) for row, count in about if listener.placed(row) is not None]
            self._note_clusters(one.dialect, {row.get(CLUSTER, "") for row, _ in mine})
            spelling = next((spelt for row, _ in mine if (spelt := listener.spelling(row)) is not None), None)
            if spelling is not None:
                places = listener.placed(mine[0][0]) or ()
                pod = next((mine[0][0][label] for own, label in places if "pod" in own), "")
                found.append(await self._measured(spelling, sum(count for _, count in mine), pod))
            elif mine:
                mute.append(one.dialect.preset)
        return found, mute

    def _note_clusters(self, dialect: Dialect, clusters: set[str]) -> None:
        if len(clusters) > 1:
            known = ", ".join(sorted(filter(None, clusters)))
            said = f"{dialect.counter.name} has pods of these names in several clusters ({known}), counted together"
            self.notes.append(f'{said}: write matchers = {{ {CLUSTER} = "..." }} into the guard')

    async def _measured(self, spelling: Spelling, series: int, pod: str) -> Heard:
        ratio = spelling.error_rate
        one_pod = self._filled(ratio.total, pods=re.escape(pod) if pod else "")
        scrape = await scrape_interval(self.source, one_pod, self.at)
        over = self._over(scrape)
        total = await requests_per_second(self.source, self._filled(ratio.total), self.at, over=over) or 0.0
        bad = await requests_per_second(self.source, self._filled(ratio.bad), self.at, over=over) or 0.0
        return Heard(
            guardable=self.guardable,
            over=over,
            spelling=spelling,
            series=series,
            per_second=total,
            error_share=min(1.0, bad / total) if total > 0 else 0.0,
            latency=await self._latency(spelling, over),
            scrape=scrape,
        )

    async def _latency(self, spelling: Spelling, over: timedelta) -> Latency | None:
        metric, over = spelling.latency, min(over, LOOK_BACK)
        query = f"sum by (le) (increase({self._filled(metric.buckets)}[{round(over.total_seconds())}s]))"
        answer = answered(await self.source.query(query, self.at, deadline=DEADLINE))
        sums = sums_of(metric.buckets)
        has_sum = False
        if answer.series and sums is not None:
            count = answered(await self.source.query(f"count({self._filled(sums)})", self.at, deadline=DEADLINE))
            has_sum = bool(count.series)
        return latency_of(answer, metric, self.at - over, self.at, has_sum=has_sum)

    async def _with_finer_buckets(self, heard: Heard) -> Heard:
        """The same with another histogram of the target's, where the preset's is absent or too coarse and it is not."""
        spelling = heard.spelling
        if spelling is None or not spelling.by_pod or (heard.latency is not None and heard.latency.fine):
            return heard
        (own,) = {one.name for one in selectors_in(self._filled(spelling.latency.buckets))}
        for name in await self._histograms(spelling, own):
            other = replace(spelling, buckets=(name, bool(_MILLISECONDS.search(name))))
            latency = await self._latency(other, heard.over)
            if latency is None or not latency.fine or latency.p95 is None:
                continue
            per_second = latency.whole.total / min(heard.over, LOOK_BACK).total_seconds()
            if math.isclose(per_second, heard.per_second, rel_tol=_SAME):
                return replace(heard, spelling=other, latency=latency, preset_latency=heard.latency)
        return heard

    async def _histograms(self, spelling: Spelling, own: str) -> list[str]:
        (placed,) = selectors_in(self._filled(spelling.error_rate.total))
        renamed = dict(spelling.renamed)
        labels = {renamed.get(name, name) for name in ("namespace", "pod", "k8s_namespace_name", "k8s_pod_name")}
        matchers = tuple(one for one in placed.matchers if one.label in labels)
        buckets = Selector("", (*matchers, Matcher("__name__", "=~", ".+_bucket")))
        found = await self.names.values_of("__name__", buckets)
        return sorted(name for name in found if name != own and _LATENCY_NAME.search(name))

    async def _near(self) -> tuple[str, ...]:
        """Metrics of its pods that look like requests."""
        target = self.guardable.target
        pods = Matcher("pod", "=~", self.guardable.pods)
        named = Matcher("__name__", "=~", _REQUEST_NAMES)
        found = await self.names.values_of(
            "__name__", Selector("", (Matcher("namespace", "=", target.namespace), pods, named))
        )
        return tuple(sorted(found))

    def _filled(self, template: str, *, pods: str = "") -> str:
        target = self.guardable.target
        values = {
            "namespace": target.namespace,
            "name": target.name,
            "workload": self.guardable.deployments[0],
            "pods": pods or self.guardable.pods,
        }
        return fill(template, values)


def _worth(heard: Heard) -> tuple[bool, bool, bool, int, int]:
    """Of several dialects the one that sees traffic, by pod, with usable buckets, as the preset has it, and first."""
    spelling = heard.spelling
    assert spelling is not None
    fine = heard.latency is not None and heard.latency.fine
    order = presets.PRESETS.index(spelling.preset)
    return heard.per_second > 0, spelling.by_pod, fine, -len(spelling.renamed), -order
