from datetime import datetime

from town import GOOD, NAMESPACE, RULES, Town, tell
from watchdog.domain.state import Watch

MINUTE_OF_REQUESTS = 60 * GOOD.requests_per_second
QUICKER = RULES.replace('every = "5s"', 'every = "30s"').replace("channels   =", 'bake = "4m"\nchannels   =', 1)


def requests_judged(town: Town) -> dict[datetime, float]:
    """Collects how many requests each verdict of the error rate saw."""
    seen: dict[datetime, float] = {}

    def on_step(watch: Watch) -> None:
        track = watch.track("error-rate")
        if track is not None and track.verdict is not None and track.verdict.evidence.total is not None:
            seen[track.verdict.at] = track.verdict.evidence.total

    assert town.watchdog is not None
    town.watchdog.observer.on_step = on_step
    return seen


def test_an_autoscaler_in_the_middle_is_no_switch_and_counts_stay_right() -> None:
    async def story(town: Town) -> None:
        seen = requests_judged(town)
        town.deploy("research", "research:v2")
        for replicas, seconds in ((6, 100), (3, 150), (8, 150)):
            await town.sleep(seconds)
            town.cluster.scale(NAMESPACE, "research", replicas)
        record = await town.outcome("research")

        assert record["outcome"] == "passed"
        assert len(town.records()) == 1
        assert len(seen) > 30
        assert max(seen.values()) < 1.15 * MINUTE_OF_REQUESTS  # nothing is counted twice
        assert list(seen.values())[-1] > 0.85 * MINUTE_OF_REQUESTS  # nor forgotten
        assert town.acts() == []
        assert town.cluster.get("deployments", NAMESPACE, "research")["spec"]["replicas"] == 8

    tell(story, scrape_interval=15)


def test_pods_that_are_killed_and_deleted_again_and_again_are_no_switch_and_no_evidence() -> None:
    async def story(town: Town) -> None:
        seen = requests_judged(town)
        town.deploy("research", "research:v2")
        await town.sleep(100)
        for round_ in range(6):
            pods = town.cluster.ready_pods(NAMESPACE, "research")
            name = pods[0]["metadata"]["name"]
            if round_ % 2:
                town.cluster.delete("pods", NAMESPACE, name)
            else:
                town.cluster.kill(NAMESPACE, name)
            await town.sleep(60)
        record = await town.outcome("research")

        assert record["outcome"] == "passed"
        assert len(town.records()) == 1
        assert max(seen.values()) < 1.15 * MINUTE_OF_REQUESTS
        assert town.acts() == []

    tell(story, lambda town: town.furnish("research", replicas=4), scrape_interval=15)


def test_one_evicted_pod_of_fifty_is_no_breach() -> None:
    async def story(town: Town) -> None:
        town.deploy("research", "research:v2")
        await town.phase("research", "watching")
        await town.until(lambda: town.cluster.rolled_out(NAMESPACE, "research"))
        await town.sleep(60)
        pods = town.cluster.ready_pods(NAMESPACE, "research")
        town.cluster.evict(NAMESPACE, pods[0]["metadata"]["name"])
        record = await town.outcome("research")

        assert record["outcome"] == "passed"
        assert len(town.records()) == 1
        assert town.acts() == []

    tell(story, lambda town: town.furnish("research", replicas=50), rules=QUICKER, scrape_interval=15)
