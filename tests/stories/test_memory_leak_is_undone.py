from town import Town, tell
from watchdog.simulator.traffic import Course

MIB = 2.0**20


def test_a_memory_leak_is_undone_before_it_kills() -> None:
    async def story(town: Town) -> None:
        leak = Course.ramp(200 * MIB, 0.5 * MIB, after=60, ceiling=600 * MIB)
        town.behaves("research:v2", memory=leak)
        town.deploy("research", "research:v2")
        record = await town.outcome("research")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert record["rules"]["memory"]["finding"] == "breach"
        assert 290 * MIB < record["rules"]["memory"]["limit"] < 310 * MIB  # 1.5x of what stable had
        assert town.serving_image("research") == "research:v1"
        assert town.acts() == ["deployments/research"]
        assert town.told() == ["switch", "rolled-back", "recovered"]

    tell(story, scrape_interval=15)


def test_memory_that_settles_below_its_limit_passes() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", memory=Course.ramp(200 * MIB, 0.5 * MIB, after=60, ceiling=280 * MIB))
        town.deploy("research", "research:v2")
        record = await town.outcome("research")

        assert record["outcome"] == "passed"
        assert town.acts() == []

    tell(story, scrape_interval=15)
