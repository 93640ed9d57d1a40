from datetime import datetime

from town import Town, tell
from watchdog.simulator.traffic import Course


def test_a_cpu_spike_that_lasts_is_undone_after_its_minute() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", cpu=Course.step(0.2, 0.9, after=90))
        town.deploy("research", "research:v2")
        record = await town.outcome("research")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert record["rules"]["cpu"]["finding"] == "breach"
        path = [(at, value, limit) for at, value, limit, _ in record["rules"]["cpu"]["path"] if value and limit]
        held = [datetime.fromisoformat(at) for at, value, limit in path if value > limit]
        assert (held[-1] - held[0]).total_seconds() >= 60
        assert town.serving_image("research") == "research:v1"
        assert town.acts() == ["deployments/research"]

    tell(story, scrape_interval=15)


def test_a_cpu_spike_of_twenty_seconds_is_no_reason() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", cpu=Course.step(0.2, 0.9, after=90, until=110))
        town.deploy("research", "research:v2")
        record = await town.outcome("research")

        assert record["outcome"] == "passed"
        assert town.acts() == []

    tell(story, scrape_interval=15)
