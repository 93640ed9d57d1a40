import pytest

from town import Town, tell
from watchdog.simulator.behaviour import Health, HealthAnswer


@pytest.mark.parametrize("answer", ["refused", "hang"])
def test_probes_that_a_network_policy_blocks_from_the_start_never_act_and_are_named(answer: HealthAnswer) -> None:
    def furnish(town: Town) -> None:
        for image in ("research:v1", "research:v2"):
            town.behaves(image, health=Health.constant(answer))
        town.furnish("research")

    async def story(town: Town) -> None:
        town.deploy("research", "research:v2")
        record = await town.outcome("research")

        assert record["outcome"] == "inconclusive"
        assert "rule health could not have fired" in record["reason"]
        assert record["rules"]["health"]["finding"] == "no-data"
        assert town.serving_image("research") == "research:v2"
        assert town.acts() == []
        assert town.told() == ["switch", "inconclusive"]
        assert town.told("oncall") == []

    tell(story, furnish, scrape_interval=15)


def test_a_network_policy_that_comes_in_the_middle_blocks_stable_too_and_is_no_evidence() -> None:
    async def story(town: Town) -> None:
        town.flip()
        await town.sleep(200)
        for image in ("gateway:v1", "gateway:v2"):
            town.behaves(image, health=Health.constant("hang"))
        record = await town.outcome("gateway")

        assert record["outcome"] == "passed"
        assert "stable's pods do not answer either" in record["rules"]["health"]["sentence"]
        assert town.colour() == "green"
        assert town.acts() == []

    tell(story, lambda town: town.furnish_colours(), scrape_interval=15)
