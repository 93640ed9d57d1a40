"""Releases by weights, of a StatefulSet and of configuration: a backtest decides on each as the live watchdog did."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from replay.exporters import Exporters
from sets import DB
from simulator.prometheus.real import RealPrometheus, needs_prometheus, prometheus_over
from town import NAMESPACE, PART_OF, RULES, Town, tell
from watchdog.adapters.clock import SystemClock
from watchdog.domain.record import watch_of
from watchdog.domain.rollout import SwitchKind
from watchdog.domain.state import Watch
from watchdog.replay.backtest import Rules, Wish
from watchdog.replay.recorded import of_records
from watchdog.replay.report import Report, SwitchReplay
from watchdog.replay.session import Politeness, backtest
from watchdog.rulebook import read_rules
from watchdog.settings import load
from watchdog.simulator.traffic import Course
from watchdog.sources import Access
from weights import HTTPROUTE

pytestmark = [pytest.mark.prometheus, pytest.mark.timeout(600), needs_prometheus]

SELECTOR = 'selector   = "app.kubernetes.io/part-of=plasma-engine"'
SHORT = RULES.replace(
    SELECTOR,
    f'{SELECTOR}\nkinds = ["deployment", "httproute", "statefulset"]\nbake = "2m"\nbaseline = "10m"\nconfig = true',
).replace('"latency", "cpu", "memory", "health", "crash"', '"latency", "crash"')
FAILING = Course.constant(0.09)


@dataclass(frozen=True)
class Afternoon:
    """What the live watchdog did, and where Prometheus's memory of it is."""

    watches: Sequence[Watch]
    end: datetime
    records: Sequence[Mapping[str, Any]]
    real: RealPrometheus


def furnish(town: Town) -> None:
    HTTPROUTE.furnish(town)
    town.cluster.roll(*DB, "db:v1", labels=PART_OF, spec={"replicas": 3})
    town.cluster.service(NAMESPACE, "db")


async def releases(town: Town) -> None:
    """A canary that is good up to its last step, one that is bad, and both of a StatefulSet."""
    for green in (5, 25, 100):
        HTTPROUTE.weigh(town, green)
        await town.sleep(70)
    await town.outcome("gateway")
    await town.sleep(60)
    town.behaves("gateway:v3", errors=FAILING)
    town.cluster.deploy(NAMESPACE, "gateway-blue", "gateway:v3")
    await town.sleep(30)
    HTTPROUTE.weigh(town, 95)
    await town.sleep(45)
    HTTPROUTE.weigh(town, 75)
    await town.outcome("gateway", number=2)
    town.cluster.roll(*DB, "db:v2")
    await town.outcome("db")
    town.behaves("db:v3", errors=Course.constant(0.3))
    town.cluster.roll(*DB, "db:v3")
    await town.outcome("db", number=2)
    await town.sleep(200)


@pytest.fixture(scope="module")
def afternoon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Afternoon]:
    kept: list[tuple[list[dict[str, Any]], datetime, Town]] = []

    async def story(town: Town) -> None:
        Exporters(town)
        await town.sleep(30)
        await releases(town)
        kept.append((town.records(), town.clock.now(), town))

    tell(story, furnish, rules=SHORT)
    records, end, town = kept[0]
    with prometheus_over(town.prometheus.tsdb, tmp_path_factory.mktemp("afternoon")) as real:
        yield Afternoon([watch_of(record) for record in records], end, records, real)


def replayed(afternoon: Afternoon, rules: str = SHORT, *, recorded: bool = True, placebos: int = 0) -> Report:
    listed = of_records(afternoon.records) if recorded else ()
    wish = Wish(timedelta(hours=3), until=afternoon.end, placebos=placebos, listed=listed, recorded=recorded)
    access = Access(load(prometheus_url=afternoon.real.url), secret=str, clock=SystemClock())
    found, _ = asyncio.run(backtest(access, Rules("rules.toml", read_rules(rules)), None, wish, Politeness()))
    return found


@pytest.fixture(scope="module")
def report(afternoon: Afternoon) -> Report:
    return replayed(afternoon)


def test_x(afternoon, report):
    for w in afternoon.watches:
        print(w.id, w.switch.kind, w.switch.candidate, w.switch.previous, w.switch.part, w.steps, w.phase, w.reason, w.first_attempt_at, w.bake_from)
    for w in afternoon.watches:
        if "db" in w.id:
            for pod in w.pods.pods: print(pod)
    import watchdog.replay.backtest as b
    orig = b.told
    def told(marked, rep):
        if "db" in marked.id:
            for pod in rep.watch.pods.pods: print("R", pod)
            for bl in rep.watch.track("error-rate").history.blocks[:6]: print("R", bl)
        return orig(marked, rep)
    b.told = told
    replayed(afternoon)
    b.told = orig
    for w, rec in zip(afternoon.watches, afternoon.records):
        for s in report.switches:
            if s.id == w.id:
                for rule in ("error-rate","latency"):
                    print(w.id, rule)
                    for a, b in zip(rec["rules"][rule]["path"], s.rule(rule).path):
                        print("  ", a, b.at.strftime("%M:%S"), b.value, b.finding, b.log_evidence, b.needed, "<<<" if a[1]!=b.value or str(b.finding)!=a[3] else "")
    for s in report.switches:
        print(s.id, s.kind, s.outcome, s.reason, s.decided_at, s.label, s.label_source, [ (r.rule, r.finding, r.not_replayable, r.sentence) for r in s.rules])
    for n in report.notes: print(n)
    assert 0
