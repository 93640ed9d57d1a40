from town import Town, tell
from watchdog.simulator.traffic import Course


def test_an_error_spike_is_undone_once_and_told() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=Course.step(0.004, 0.3, after=60))
        town.deploy("research", "research:v2")
        record = await town.outcome("research")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert town.serving_image("research") == "research:v1"
        assert len(town.writes("deployments")) == 1
        assert town.told("releases") == ["switch", "rolled-back", "recovered"]
        assert town.told("oncall") == ["rolled-back"]
        await town.sleep(1200)
        assert len(town.writes("deployments")) == 1
        assert [r["outcome"] for r in town.records()] == ["rolled-back"]

    tell(story)


def test_a_good_release_passes_and_is_left_alone() -> None:
    async def story(town: Town) -> None:
        town.deploy("brand", "brand:v2")
        record = await town.outcome("brand")

        assert record["outcome"] == "passed"
        assert town.serving_image("brand") == "brand:v2"
        assert town.writes("deployments") == []

    tell(story)
