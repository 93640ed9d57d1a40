"""Stories of the judge at the tempo of real guards: how soon a bad release is found, and who is not blamed."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from e2e.controlplane.audit import AuditedWrite
from e2e.controlplane.behaviour import GOOD, Behaviour
from e2e.controlplane.namespace import Namespace
from e2e.controlplane.prometheus import RealPrometheus
from e2e.guarding import Guarding
from e2e.interception import PassedOn
from e2e.real_stage import RealStage
from e2e.season import ON_ITS_OWN, Part, Scraped, Teller, Watchdog, only_here
from stage import App, Record
from watchdog.domain.judge.betting import evidence_of_a_constant
from watchdog.domain.judge.sentences import odds

RULES = ("error-rate", "latency", "crash")
NEEDED = math.log(2 * 1000)  # 99.9 %, shared by the error rate and the latency
TWENTY_A_SECOND = Behaviour(rps=10, errors=0.005)  # each of two pods
FAULT = Behaviour(rps=10, errors=0.08)
HISTORY = 120  # seconds that stable has served before the switch: the usual baseline is 30 minutes, and stricter


@dataclass(frozen=True)
class Tempo:
    """What a guard is set to, and how many seconds after the first ready pod the fault must be undone.

    Without `recovery` the story is told until the release is put back: that takes long enough.
    """

    interval: str
    warmup: str
    bake_of_the_good: str
    within: float
    recovery: str = ""

    @property
    def watchdog(self) -> Watchdog:
        """Its Prometheus scrapes once in each block."""
        return Watchdog(f"each-{self.interval}", scrape=self.interval)


USUAL = Tempo("15s", warmup="30s", bake_of_the_good="150s", within=180)
QUICK = Tempo("5s", warmup="5s", bake_of_the_good="60s", within=60, recovery="60s")
IN_TIME = {f"an_8_percent_fault_at_20_a_second_each_{tempo.interval}": tempo for tempo in (USUAL, QUICK)}
GOOD_ONES = {f"a_good_release_at_20_a_second_each_{tempo.interval}": tempo for tempo in (USUAL, QUICK)}
STORM = "a_storm_that_hits_stable_as_well_is_not_the_releases_fault"
LEFT_ALONE = (*GOOD_ONES, STORM)


def parts(scraped: Scraped) -> list[Part]:
    """All of them."""
    app = App("research", behaviour=TWENTY_A_SECOND)
    bad = [
        only_here(
            *(name, tempo.watchdog, _is_undone_in_time(tempo, scraped), app, RULES),
            bake="10m",
            patience=360,
            **_settings(tempo),
        )
        for name, tempo in IN_TIME.items()
    ]
    good = [
        only_here(
            *(name, tempo.watchdog, _passes(tempo, scraped), app, RULES),
            bake=tempo.bake_of_the_good,
            patience=360,
            **_settings(tempo),
        )
        for name, tempo in GOOD_ONES.items()
    ]
    return [*bad, *good, only_here(STORM, ON_ITS_OWN, _storm, App("research"), ("error-rate", "crash"), bake="75s")]


def _settings(tempo: Tempo) -> dict[str, str]:
    return {
        "interval": tempo.interval,
        "warmup": tempo.warmup,
        "recovery": tempo.recovery or "5m",
        "baseline": f"{HISTORY}s",
    }


def _is_undone_in_time(tempo: Tempo, scraped: Scraped) -> Teller:
    async def tell(stage: RealStage, namespace: Namespace, guarding: Guarding) -> None:
        await _has_served(namespace, scraped(tempo.interval))
        await stage.deploy("research", "v2", FAULT)
        await stage.rolled_out("research")
        first_ready = min(await _ready(namespace, "v2", 1))
        record = await stage.phase("research", "recovering")

        assert await stage.version("research") == "v1"
        assert await stage.acts() == ["deployments/research"]
        assert await stage.told("oncall") == ["rolled-back"]
        assert len(await stage.records()) == 1
        _was_proven(record["rules"]["error-rate"])
        _came_in_time(record, first_ready, tempo)
        for write in await guarding.writes():
            if (write.namespace, write.resource) == (namespace.name, "deployments"):
                _is_moment_of(record, write)
        if tempo.recovery:
            ended = await stage.outcome("research")
            assert (ended["outcome"], ended["recovery"]) == ("rolled-back", "recovered"), ended["reason"]

    return tell


def _was_proven(rule: Any) -> None:
    """By the evidence and the rule as written, and at no block before there was enough of it."""
    assert rule["finding"] == "breach", rule
    assert math.isclose(rule["log_evidence_needed"], NEEDED), rule
    assert rule["log_evidence"] >= NEEDED, rule
    assert 0.07 < rule["value"] < 0.09, rule
    assert math.isclose(rule["value"], rule["bad"] / rule["total"]), rule
    assert 0.003 < rule["baseline"] < 0.007, rule
    assert rule["baseline"] < rule["harmless"] < rule["limit"] == 0.05, rule
    proof = f"the odds against a harmless release are {odds(rule['log_evidence'])}"
    counts = f"{rule['bad']:,.0f} of {rule['total']:,.0f} requests were bad in the last "
    assert rule["sentence"].startswith(counts), rule["sentence"]
    assert proof.endswith(" to 1"), proof
    assert rule["sentence"].endswith(f"; {proof}"), rule["sentence"]
    judged = [point for point in rule["path"] if point[1] is not None]
    before = [point for point in judged if point[0] < rule["at"]]
    assert any(point[2:4] == [0.05, "undecided"] and point[1] > 0.05 for point in before), "the limit alone decided"
    assert all(point[4] < NEEDED for point in before), rule["path"]


def _came_in_time(record: Record, first_ready: datetime, tempo: Tempo) -> None:
    took = _moment(record["acted_at"]) - first_ready
    assert timedelta(0) < took <= timedelta(seconds=tempo.within), f"{took}; {record['rules']['error-rate']['path']}"


def _is_moment_of(record: Record, write: AuditedWrite | PassedOn) -> None:
    """The record's own word on when it acted is the API server's, where that can be read."""
    if isinstance(write, PassedOn):
        return
    apart = abs(_moment(write.at) - _moment(record["acted_at"]))
    assert apart < timedelta(seconds=5), (write.at, record["acted_at"])


def _passes(tempo: Tempo, scraped: Scraped) -> Teller:
    async def tell(stage: RealStage, namespace: Namespace, _: Guarding) -> None:
        await _has_served(namespace, scraped(tempo.interval))
        await stage.deploy("research", "v2", TWENTY_A_SECOND)
        record = await stage.outcome("research")

        assert record["outcome"] == "passed", record["reason"]
        assert await stage.version("research") == "v2"
        assert await stage.acts() + await stage.acts(refused=True) == []
        assert await stage.told("oncall") == []
        path = record["rules"]["error-rate"]["path"]
        assert {point[3] for point in path} <= {"pass", "no-data", "undecided"}, path
        assert max(point[4] for point in path if len(point) > 4) < NEEDED / 2, path

    return tell


async def _storm(stage: RealStage, namespace: Namespace, _: Guarding) -> None:
    """Its pods come one by one, beside stable's, and from before the first to after the fourth all of them fail."""
    spec = {"replicas": 5, "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}}
    await namespace.patch("deployments", "research", {"spec": spec})
    await stage.rolled_out("research")
    over = asyncio.Event()
    async with asyncio.TaskGroup() as scope:
        scope.create_task(_rage(namespace, over))
        await namespace.deploy("research", "v2", Behaviour(ready_after=8), replicas=5, wait=False)
        await _ready(namespace, "v2", 4)
        await _ready(namespace, "v1", 1)  # stable still serves beside it
        ended = datetime.now(UTC)
        over.set()
    record = await stage.outcome("research")

    assert record["outcome"] == "passed", record["reason"]
    assert await stage.version("research") == "v2"
    assert await stage.acts() + await stage.acts(refused=True) == []
    assert await stage.told() == ["switch", "passed"]
    rule = record["rules"]["error-rate"]
    raged = [point for point in rule["path"] if point[1] is not None and _moment(point[0]) <= ended]
    assert all(point[1] > 0.15 and point[3] == "undecided" for point in raged), raged
    needed = rule["log_evidence_needed"]
    assert max(point[4] for point in rule["path"] if len(point) > 4) < needed / 2, rule["path"]
    # Had stable been well, so many blocks would have proven it.
    assert evidence_of_a_constant(0.2, rule["harmless"], len(raged), 40) > needed, raged


async def _rage(namespace: Namespace, over: asyncio.Event) -> None:
    """A fifth of all requests to any pod of the namespace fails, until it is over."""
    hit: set[str] = set()
    while not over.is_set():
        pods = {pod["metadata"]["name"] for pod in await namespace.list("pods")}
        await asyncio.gather(*(_behave(namespace, pod, Behaviour(errors=0.2)) for pod in pods - hit))
        hit |= pods
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), 0.2)
    await asyncio.gather(*(_behave(namespace, pod["metadata"]["name"], GOOD) for pod in await namespace.list("pods")))


async def _behave(namespace: Namespace, pod: str, behaviour: Behaviour) -> None:
    try:
        await namespace.behave(pod, behaviour)
    except httpx.HTTPStatusError as error:
        if error.response.status_code != httpx.codes.NOT_FOUND:
            raise


async def _has_served(namespace: Namespace, prometheus: RealPrometheus) -> None:
    """Wait until stable has served for as long as is looked back on."""
    promql = f'sum(http_requests_total{{namespace="{namespace.name}"}})'

    async def enough() -> bool:
        found = await prometheus.query(promql)
        return bool(found) and float(found[0]["value"][1]) >= HISTORY * 2 * TWENTY_A_SECOND.rps

    await namespace.until(enough, f"{HISTORY} seconds of stable", within=HISTORY + 120)


async def _ready(namespace: Namespace, version: str, count: int) -> list[datetime]:
    """Since when at least so many pods of the version have been ready, by the second."""

    async def enough() -> list[datetime] | None:
        since = [
            _moment(condition["lastTransitionTime"])
            for pod in await namespace.list("pods")
            if pod["spec"]["containers"][0]["image"].endswith(f":{version}")
            for condition in pod.get("status", {}).get("conditions", [])
            if (condition["type"], condition["status"]) == ("Ready", "True")
        ]
        return since if len(since) >= count else None

    return await namespace.until(enough, f"{count} ready pods of {version}", within=90)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
