"""A cold start is on its way out, a leak is not, and more pods are no spike."""

from town import RULES, Town, tell
from watchdog.simulator.traffic import Course

MIB = 2.0**20
LIMITED = {"resources": {"limits": {"memory": "512Mi", "cpu": "1"}}}


def cooling(start: float, end: float, seconds: float) -> Course:
    """From `start` to `end` in a straight line, then level."""
    return Course(end, start, 0.0, seconds, (end - start) / seconds)


def test_a_cold_start_of_two_minutes_whose_cpu_decays_passes() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", cpu=cooling(0.9, 0.2, 120))
        town.deploy("research", "research:v2")
        record = await town.outcome("research")

        assert record["outcome"] == "passed", record["reason"]
        assert any(value and limit and value > limit for _, value, limit, *_ in record["rules"]["cpu"]["path"])
        assert town.acts() == []

    tell(story, scrape_interval=15)


def test_the_same_cpu_that_stays_is_undone() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", cpu=Course.constant(0.9))
        town.deploy("research", "research:v2")
        record = await town.outcome("research")

        assert record["outcome"] == "rolled-back"
        assert record["rules"]["cpu"]["finding"] == "breach"

    tell(story, scrape_interval=15)


def test_an_autoscaler_that_doubles_the_pods_is_no_spike() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", cpu=cooling(0.9, 0.2, 120))
        town.deploy("research", "research:v2")
        await town.sleep(300)
        town.cluster.scale("production", "research", 4)
        record = await town.outcome("research")

        assert record["outcome"] == "passed", record["reason"]
        assert town.acts() == []

    tell(story, scrape_interval=15)


def test_memory_above_ninety_percent_of_its_own_limit_is_undone() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", memory=Course.constant(480 * MIB))
        container = {"name": "app", "image": "research:v2", **LIMITED}
        town.deploy("research", "research:v2", spec={"template": {"spec": {"containers": [container]}}})
        record = await town.outcome("research")

        assert record["outcome"] == "rolled-back"
        assert record["rules"]["memory"]["finding"] == "breach"
        assert "of its limit" in record["rules"]["memory"]["sentence"]

    tell(story, scrape_interval=15, rules=RULES.replace("memory > 1.5x baseline", "memory > 90% limit"))


def test_without_a_limit_there_is_nothing_to_take_a_share_of() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", memory=Course.constant(480 * MIB))
        # Of two containers one may take what it likes: the pod has no limit.
        containers = [{"name": "app", "image": "research:v2"}, {"name": "worker", "image": "worker:v1"}]
        town.deploy("research", "research:v2", spec={"template": {"spec": {"containers": containers}}})
        record = await town.outcome("research")

        assert record["outcome"] == "inconclusive"
        assert record["rules"]["memory"]["finding"] == "no-data"
        assert town.acts() == []

    tell(story, scrape_interval=15, rules=RULES.replace("memory > 1.5x baseline", "memory > 90% limit"))
