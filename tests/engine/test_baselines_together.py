"""The baselines of releases that come in one burst are asked for together, and nobody notices."""

import asyncio
from collections.abc import Sequence

import pytest

from engine.metric_world import CPU, ERRORS, LATENCY, START, TsdbSource, a_rule, a_subject, add, after, pod_of
from watchdog.domain.conditions import Statistic, Threshold
from watchdog.domain.measurement import Baseline, Counts, FailureReason, QueryFailed
from watchdog.engine.sampling import Sampler
from watchdog.simulator.clock import SimulatedClock, run_simulated
from watchdog.simulator.tsdb import Tsdb

REVISIONS = [f"rev{number:02d}" for number in range(20)]
LENGTH = 1500.0  # seconds, in pieces of ten minutes

Asked = tuple[Threshold, str, float]  # the baseline of a revision, that ends so many seconds after START


def a_store() -> Tsdb:
    tsdb = Tsdb()
    for number, template in enumerate(REVISIONS):
        for pod in (pod_of("a", template), pod_of("b", template)):
            began = 400 if number % 3 == 0 else 0  # some are born within the stretch, with errors that come later yet
            times = [(float(at), float(at * (number + 1))) for at in range(began + number % 7, 1700, 15)]
            add(tsdb, "http_requests_total", pod, *times, status="200")
            add(tsdb, "http_requests_total", pod, *((at, value // 9) for at, value in times[30:]), status="500")
            add(tsdb, "http_seconds_bucket", pod, *times, le="0.1")
            add(tsdb, "http_seconds_bucket", pod, *((at, 2 * value) for at, value in times), le="+Inf")
            add(tsdb, "cpu_seconds_total", pod, *times, container="app")
    return tsdb


def baselines(source: TsdbSource, wishes: Sequence[Asked], *, together: bool = True) -> list[Baseline]:
    """Those of all, asked for in one moment or one after the other."""
    found: list[Baseline] = []

    async def main() -> None:
        sampler = Sampler(source, SimulatedClock(START))

        async def one(threshold: Threshold, template: str, end: float) -> Baseline:
            since = max(0.0, end - LENGTH)
            return await sampler.baseline(threshold, a_subject(template, a=400.0), after(since), after(end), 15.0)

        if together:
            found.extend(await asyncio.gather(*(one(*wish) for wish in wishes)))
        else:
            found.extend([await one(*wish) for wish in wishes])
        await sampler.close()

    run_simulated(main())
    return found


def in_a_burst(threshold: Threshold) -> list[Asked]:
    """Twenty releases within twenty seconds."""
    return [(threshold, template, 1510.0 + number) for number, template in enumerate(REVISIONS)]


@pytest.mark.parametrize(
    "threshold", [a_rule(ERRORS), a_rule(LATENCY, Statistic.P95), a_rule(CPU)], ids=["ratio", "quantile", "rate"]
)
def test_baselines_that_are_asked_for_together_are_those_that_are_asked_for_alone(threshold: Threshold) -> None:
    tsdb = a_store()
    wishes = in_a_burst(threshold)
    assert baselines(TsdbSource(tsdb), wishes) == baselines(TsdbSource(tsdb), wishes, together=False)


def test_twenty_baselines_of_one_shape_are_two_questions_a_piece() -> None:
    source = TsdbSource(a_store())
    baselines(source, in_a_burst(a_rule(ERRORS)))
    assert len(source.asked) == 3 * 2  # three pieces; no more than a dozen revisions each, lest an answer be too long
    alone = TsdbSource(a_store())
    baselines(alone, in_a_burst(a_rule(ERRORS)), together=False)
    assert len(alone.asked) == 3 * 20


def test_one_bad_baseline_is_found_by_halves_and_harms_no_other() -> None:
    def fault(query: str) -> QueryFailed | None:
        return QueryFailed(FailureReason.REFUSED, "no", query) if "rev05" in query else None

    found = baselines(TsdbSource(a_store(), fault=fault), in_a_burst(a_rule(ERRORS)))
    failed = [number for number, one in enumerate(found) if isinstance(one.reading, QueryFailed)]
    assert failed == [5]
    assert all(isinstance(one.reading, Counts) for number, one in enumerate(found) if number != 5)
