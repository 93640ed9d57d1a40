from town import Town, tell
from watchdog.simulator.traffic import Course


def test_prometheus_down_for_the_whole_bake_is_inconclusive_and_acts_on_nothing() -> None:
    async def story(town: Town) -> None:
        await town.prometheus.go_down()
        town.behaves("research:v2", errors=Course.constant(0.3))
        town.deploy("research", "research:v2")
        record = await town.outcome("research")

        assert record["outcome"] == "inconclusive"
        for rule in ("error-rate", "latency", "cpu", "memory"):
            assert f"rule {rule} could not have fired" in record["reason"]
            assert record["rules"][rule]["finding"] == "no-data"
        assert town.serving_image("research") == "research:v2"
        assert town.acts() == []
        assert town.told() == ["switch", "inconclusive"]
        assert town.told("oncall") == []

    tell(story, scrape_interval=15)


def test_prometheus_that_comes_back_late_still_catches_the_fault() -> None:
    async def story(town: Town) -> None:
        await town.prometheus.go_down()
        town.behaves("research:v2", errors=Course.step(0.004, 0.3, after=60))
        town.deploy("research", "research:v2")
        await town.sleep(300)
        assert town.acts() == []
        await town.prometheus.come_back()
        record = await town.outcome("research")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert town.serving_image("research") == "research:v1"
        assert town.acts() == ["deployments/research"]
        assert town.told() == ["switch", "rolled-back", "recovered"]

    tell(story, scrape_interval=15)
