"""How many questions many watches ask, by count: as many as their groups, however many watches there are.

Fifteen groups, one in each second, of three questions: requests and latencies, which match alike, CPU, and memory.
"""

import asyncio
import random
from datetime import datetime, timedelta

import pytest

from engine.metric_world import ERRORS, LATENCY, PODS, START, after
from engine.metric_world import a_rule as a_threshold
from watchdog.domain.conditions import GaugeMetric, RateMetric, Statistic
from watchdog.domain.measurement import Answer
from watchdog.domain.rollout import Revision, Target
from watchdog.engine.questions import Subject
from watchdog.engine.sampling import Sampler
from watchdog.simulator.clock import SimulatedClock, run_simulated

INTERVAL = 15.0
CPU = RateMetric("cpu", f'cpu_seconds_total{{{PODS}, container!~"|POD"}}')
MEMORY = GaugeMetric("memory", f"sum by (namespace, pod) (memory_bytes{{{PODS}}})")  # as the presets have it


class Counting:
    """A source that has nothing, and counts what it is asked."""

    def __init__(self) -> None:
        self.queries: list[str] = []

    async def query(self, promql: str, at: datetime, *, deadline: float) -> Answer:
        self.queries.append(promql)
        return Answer(promql, ())

    async def query_range(self, promql: str, start: datetime, end: datetime, step: float, *, deadline: float) -> Answer:
        return await self.query(promql, end, deadline=deadline)


def queries_of(watches: int, seed: int) -> list[str]:
    """What so many watches of two pods ask in one interval; each began in whichever second of the grid."""
    source, rng = Counting(), random.Random(seed)

    async def main() -> None:
        sampler = Sampler(source, SimulatedClock(START))

        async def watch(number: int) -> None:
            since = after(rng.randrange(15))
            target = Target.parse(f"team-{number % 20:02}/deployment/service-{number:04}")
            pods = {f"service-{number:04}-7f9c5d8b6-{last}": since for last in ("abcde", "fghij")}
            subject = Subject(target, Revision(target.name, "7f9c5d8b6"), pods, since, known_since=since)
            span = 1, since, since + timedelta(seconds=INTERVAL)
            rules = [a_threshold(metric) for metric in (ERRORS, CPU, MEMORY)]
            rules.append(a_threshold(LATENCY, Statistic.P95))
            await asyncio.gather(*(sampler.blocks(sampler.tracker(rule, subject), [span]) for rule in rules))

        await asyncio.gather(*map(watch, range(watches)))
        await sampler.close()

    run_simulated(main())
    return source.queries


@pytest.mark.parametrize(("watches", "most"), [(100, 45), (1000, 45), (3000, 90)])
def test_a_thousand_watches_ask_45_questions_and_three_thousand_no_more_than_twice_that(
    watches: int, most: int
) -> None:
    queries = queries_of(watches, seed=watches)
    assert len(queries) <= most
    assert not [query for query in queries if "[a-z0-9]+" in query]
    assert max(map(len, queries)) < 16 * 1024 * 0.9
