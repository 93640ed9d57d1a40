import pytest

from town import Town, tell
from watchdog.simulator.behaviour import Health, HealthAnswer


@pytest.mark.parametrize("answer", [503, "hang", "refused"])
def test_a_health_check_that_begins_to_fail_is_undone(answer: HealthAnswer) -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", health=Health.fails(after=90, answer=answer))
        town.deploy("research", "research:v2")
        record = await town.outcome("research")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert record["rules"]["health"]["finding"] == "breach"
        assert town.serving_image("research") == "research:v1"
        assert town.acts() == ["deployments/research"]
        assert town.told() == ["switch", "rolled-back", "recovered"]

    tell(story, scrape_interval=15)


def test_a_green_whose_health_check_fails_is_flipped_back() -> None:
    async def story(town: Town) -> None:
        town.behaves("gateway:v2", since="traffic", health=Health.fails(after=60))
        town.flip()
        record = await town.outcome("gateway")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert record["rules"]["health"]["finding"] == "breach"
        assert town.colour() == "blue"
        assert town.acts() == ["services/gateway"]

    tell(story, lambda town: town.furnish_colours(), scrape_interval=15)


def test_two_failed_health_checks_in_a_row_are_not_three() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", health=Health.fails(after=90, until=99))
        town.deploy("research", "research:v2")
        record = await town.outcome("research")

        assert record["outcome"] == "passed"
        assert town.acts() == []

    tell(story, scrape_interval=15)
