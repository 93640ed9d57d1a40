"""The simulated Prometheus as its clients meet it: the scraper, the faults, and what it costs."""

import time
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest

from simulator.prometheus.cluster import START, FakeCluster, set_ready, set_restarts
from simulator.prometheus.scene import Scene, play
from watchdog.simulator.behaviour import Behaviour, Course
from watchdog.simulator.clock import SimulatedClock, run_simulated
from watchdog.simulator.prometheus import SimulatedPrometheus
from watchdog.simulator.prometheus_faults import Delay, Empty, Hang, Late, NotANumber, Reset, Status, Warned


def test_targets_take_turns_at_the_same_offsets_each_time() -> None:
    async def story(scene: Scene) -> None:
        await scene.clock.sleep(60.01)
        offsets = {}
        for series in await scene.result("up[1m]"):
            times = [at for at, _ in series["values"]]
            assert {round(b - a, 3) for a, b in pairwise(times)} == {5.0}
            offsets[series["metric"]["pod"]] = times[0] % 5
        assert offsets == {"a": 2.5, "b": 0.0}

    play(story)


def test_scrapes_can_be_aligned_jittered_missed_and_refused() -> None:
    async def story(scene: Scene) -> None:
        await scene.clock.sleep(20.01)
        times = [[at for at, _ in series["values"]] for series in await scene.result("up[19s]")]
        assert times[0] == times[1]
        scene.prometheus.scrapes.miss("a", times=2)
        scene.prometheus.scrapes.fail("b", times=1)
        await scene.clock.sleep(5)
        assert [s["metric"]["pod"] for s in await scene.result("http_requests_total")] == ["a"]
        assert await scene.values('up{pod="b"}') == [0]
        await scene.clock.sleep(5)
        assert await scene.values("sort(count_over_time(up[29s]))") == [4, 6]
        assert await scene.values("up") == [1, 1]

    play(story, phases=1)

    async def jittered(scene: Scene) -> None:
        await scene.clock.sleep(60)
        (series, _) = await scene.result("up[1m]")
        late = [at % 5 for at, _ in series["values"]]
        assert all(0 <= seconds < 0.5 for seconds in late)
        assert len(set(late)) > 5

    play(jittered, phases=1, jitter=0.5)


def test_a_pod_that_is_gone_is_stale_at_its_next_turn_and_one_that_crashed_is_down() -> None:
    async def story(scene: Scene) -> None:
        await scene.clock.sleep(10.01)
        del scene.cluster.by_name["a"]
        set_restarts(scene.cluster.by_name["b"], 1, running=False)
        set_ready(scene.cluster.by_name["b"], None)
        await scene.clock.sleep(5)
        assert await scene.result("http_requests_total") == []
        assert [(s["metric"]["pod"], s["value"][1]) for s in await scene.result("up")] == [("b", "0")]
        assert await scene.result('container_memory_working_set_bytes{pod="a"}') == []

    play(story)


def test_a_pod_scraped_by_two_jobs_gives_every_series_twice() -> None:
    async def story(scene: Scene) -> None:
        await scene.clock.sleep(10.01)
        assert len(await scene.result("http_requests_total")) == 4
        assert await scene.values("count by (pod) (up)") == [2, 2]

    play(story, jobs=("kubernetes-pods", "kubernetes-service-endpoints"))


def test_a_past_can_be_filled_in_and_the_counters_go_on_from_it() -> None:
    async def story(scene: Scene) -> None:
        def existed(at: datetime) -> list[dict[str, Any]]:
            half = at < START - timedelta(minutes=30)
            return scene.cluster.pods()[:1] if half else scene.cluster.pods()

        scene.prometheus.backfill(3600, existed, step=15)
        assert await scene.values("count_over_time(up[70m])") == [240, 120]
        before = (await scene.values("sum(http_requests_total)"))[0]
        assert before == pytest.approx(36_000, rel=0.01)
        await scene.clock.sleep(60.01)
        assert await scene.values("resets(http_requests_total[10m])") == [0, 0]
        assert await scene.values("sum(http_requests_total)") == pytest.approx([before + 600], rel=0.01)

    play(story)


def test_each_fault_is_met_as_often_as_planned() -> None:
    async def story(scene: Scene) -> None:
        await scene.clock.sleep(30.01)
        faults, whole = scene.prometheus.faults, await scene.result("up")
        faults.next(Status.bad_gateway(), times=2)
        faults.next(Status.unavailable())
        faults.next(Status.unprocessable())
        answers = [await scene.ask("up") for _ in range(5)]
        assert [answer.status_code for answer in answers] == [502, 502, 503, 422, 200]
        assert "<html>" in answers[0].text
        assert answers[3].json()["errorType"] == "execution"
        faults.next(NotANumber())
        assert [series["value"][1] for series in await scene.result("up")] == ["NaN", "NaN"]
        faults.next(Empty())
        assert await scene.result("up") == []
        faults.next(Warned(("a store is away",)))
        partial = (await scene.ask("up")).json()
        assert (partial["warnings"], len(partial["data"]["result"])) == (["a store is away"], 1)
        faults.until_cleared(Empty(), only=lambda query: "requests" in query)
        assert await scene.result("http_requests_total") == []
        assert await scene.result("up") == whole
        faults.clear()
        assert len(await scene.result("http_requests_total")) == 2

    play(story)


def test_answers_can_be_reset_hang_or_come_late() -> None:
    async def story(scene: Scene) -> None:
        await scene.clock.sleep(30.01)
        faults = scene.prometheus.faults
        faults.next(Reset())
        with pytest.raises(httpx.TransportError):
            await scene.ask("up")
        faults.next(Hang())
        asked = scene.clock.monotonic()
        with pytest.raises(httpx.ReadTimeout):
            await scene.ask("up")
        assert scene.clock.monotonic() - asked == pytest.approx(10, abs=0.1)
        faults.clear()
        faults.next(Delay(4))
        asked = scene.clock.monotonic()
        assert len(await scene.result("up")) == 2
        assert scene.clock.monotonic() - asked == pytest.approx(4, abs=0.1)
        faults.next(Late(12))
        now = scene.clock.now().timestamp()
        for series in await scene.result("up[1m]"):
            assert now - 17 <= series["values"][-1][0] <= now - 12

    play(story)


def test_a_prometheus_that_is_away_refuses_connections_and_scrapes_nothing() -> None:
    async def story(scene: Scene) -> None:
        await scene.clock.sleep(30.01)
        assert len(await scene.result("up")) == 2
        await scene.prometheus.go_down()
        with pytest.raises(httpx.TransportError):
            await scene.ask("up")
        with pytest.raises(httpx.ConnectError):
            await scene.ask("up")
        await scene.clock.sleep(60)
        await scene.prometheus.come_back()
        assert await scene.values("count_over_time(up[59s])") == []
        await scene.clock.sleep(5)
        assert await scene.values("sum(http_requests_total)") == pytest.approx([950], rel=0.05)

    play(story)


def test_requests_are_remembered() -> None:
    async def story(scene: Scene) -> None:
        await scene.clock.sleep(7)
        await scene.ask("up", time="1772452800")
        (request,) = scene.prometheus.requests
        assert (request.path, request.query, request.time) == ("/api/v1/query", "up", "1772452800")
        assert request.at == START + timedelta(seconds=7)

    play(story)


def test_a_scraper_that_breaks_is_not_silent() -> None:
    async def story(scene: Scene) -> None:
        scene.cluster.behaviours.clear()
        await scene.clock.sleep(10)

    with pytest.raises(KeyError):
        play(story)

    async def failing(scene: Scene) -> None:
        await story(scene)
        raise ValueError("the test's own failure")

    with pytest.raises(ValueError, match="own failure") as failure:
        play(failing)
    assert "simulated scraper had failed before: KeyError" in failure.value.__notes__[0]


def test_an_hour_of_past_and_a_thousand_seconds_cost_little() -> None:
    async def main() -> None:
        cluster = FakeCluster()
        cluster.add_service("brand", app="brand")
        for number in range(20):
            cluster.add_pod(f"brand-{number}", Behaviour(requests_per_second=200, errors=Course(0.01)))
        clock = SimulatedClock(START)
        async with SimulatedPrometheus(clock, cluster, cluster.behaviour_of) as prometheus:
            prometheus.backfill(3600, step=15)
            await clock.sleep(1000)

    began = time.process_time()
    run_simulated(main())
    assert time.process_time() - began < 6, "about 1 s on a quiet machine"
