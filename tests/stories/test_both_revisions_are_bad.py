from town import Town, tell
from watchdog.simulator.traffic import Course

FAILING = Course.constant(0.3)


def test_a_put_back_that_does_not_help_is_paged_and_never_put_forth_again() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v1", errors=FAILING)  # from now on: something that both revisions need is broken
        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2")
        record = await town.outcome("research")
        await town.sleep(1800)

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "not-recovered")
        assert town.serving_image("research") == "research:v1"
        assert town.acts() == ["deployments/research"]
        assert len(town.records()) == 1
        assert town.told() == ["switch", "rolled-back", "not-recovered"]
        assert town.told("oncall") == ["rolled-back", "not-recovered"]

    tell(story, scrape_interval=15)


def test_two_bad_releases_one_after_the_other_are_both_undone_to_the_last_good_one() -> None:
    async def story(town: Town) -> None:
        for number, image in enumerate(("research:v2", "research:v3"), start=1):
            town.behaves(image, errors=FAILING)
            town.deploy("research", image)
            record = await town.outcome("research", number=number)
            assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
            assert town.serving_image("research") == "research:v1"

        assert town.acts() == ["deployments/research"] * 2

    tell(story, scrape_interval=15)


def test_a_bad_release_on_top_of_an_unjudged_bad_one_goes_back_to_the_last_good_one() -> None:
    async def story(town: Town) -> None:
        for image in ("research:v2", "research:v3"):
            town.behaves(image, errors=FAILING)
        town.deploy("research", "research:v2")
        await town.sleep(20)
        town.deploy("research", "research:v3")
        first, second = await town.outcome("research"), await town.outcome("research", number=2)

        assert (first["outcome"], second["outcome"]) == ("superseded", "rolled-back")
        assert town.serving_image("research") == "research:v1"
        assert town.acts() == ["deployments/research"]

    tell(story, scrape_interval=15)


def test_a_bad_revision_that_is_deployed_again_is_undone_again() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=FAILING)
        for number in (1, 2):
            town.deploy("research", "research:v2")
            record = await town.outcome("research", number=number)
            assert record["outcome"] == "rolled-back"
            assert town.serving_image("research") == "research:v1"

        assert town.acts() == ["deployments/research"] * 2

    tell(story, scrape_interval=15)
