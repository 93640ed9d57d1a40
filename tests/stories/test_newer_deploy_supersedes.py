from town import UNBRAKED, Town, tell
from watchdog.simulator.traffic import Course

FAILING = Course.step(0.004, 0.3, after=60)


def test_a_newer_deploy_ends_the_watch_and_has_a_fresh_one_with_the_same_stable_revision() -> None:
    async def story(town: Town) -> None:
        town.deploy("research", "research:v2")
        await town.sleep(300)
        town.deploy("research", "research:v3")
        fresh_from = town.clock.now()
        first, second = await town.outcome("research"), await town.outcome("research", number=2)

        assert (first["outcome"], second["outcome"]) == ("superseded", "passed")
        assert "research:v3" in first["reason"]
        assert "research:v1" in first["stable"]
        assert second["stable"] == first["stable"]  # v2 was not judged to its end
        assert second["switched_at"][:16] == fresh_from.isoformat()[:16]
        assert town.acts() == []
        assert sorted(town.told()) == ["passed", "superseded", "switch", "switch"]

    tell(story, scrape_interval=15)


def test_a_bad_deploy_on_top_of_an_unjudged_one_goes_back_past_it() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v3", errors=FAILING)
        town.deploy("research", "research:v2")
        await town.sleep(300)
        town.deploy("research", "research:v3")
        record = await town.outcome("research", number=2)

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert town.serving_image("research") == "research:v1"
        assert town.acts() == ["deployments/research"]

    tell(story, scrape_interval=15)


def test_a_bad_deploy_on_top_of_one_that_passed_goes_back_to_that_one() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v3", errors=FAILING)
        town.deploy("research", "research:v2")
        assert (await town.outcome("research"))["outcome"] == "passed"
        town.deploy("research", "research:v3")
        record = await town.outcome("research", number=2)

        assert record["outcome"] == "rolled-back"
        assert town.serving_image("research") == "research:v2"

    tell(story, scrape_interval=15)


def test_five_deploys_in_a_row_leave_one_open_watch_and_no_act() -> None:
    async def story(town: Town) -> None:
        for number in range(2, 7):
            town.behaves(f"research:v{number}", errors=FAILING if number < 6 else Course.constant(0.004))
            town.deploy("research", f"research:v{number}")
            await town.sleep(20)
        last = await town.outcome("research", number=5)

        assert [record["outcome"] for record in town.records()] == ["superseded"] * 4 + ["passed"]
        assert "research:v6" in last["candidate"]
        assert "research:v1" in last["stable"]
        assert town.acts() + town.acts(refused=True) == []

    tell(story, scrape_interval=15)


def test_a_known_bad_revision_that_is_deployed_again_is_never_what_a_later_one_goes_back_to() -> None:
    async def story(town: Town) -> None:
        for image in ("research:v2", "research:v3"):
            town.behaves(image, errors=FAILING)
        town.deploy("research", "research:v2")
        await town.outcome("research")
        town.deploy("research", "research:v2")
        again = await town.outcome("research", number=2)
        assert (again["outcome"], again["recovery"]) == ("rolled-back", "recovered")
        town.deploy("research", "research:v2")
        await town.sleep(5)
        town.deploy("research", "research:v3")
        last = await town.outcome("research", number=4)

        assert last["outcome"] == "rolled-back"
        assert "research:v1" in last["stable"]
        assert town.serving_image("research") == "research:v1"
        assert town.acts() == ["deployments/research"] * 3

    tell(story, rules=UNBRAKED, scrape_interval=15)


def test_a_known_bad_revision_that_passes_at_last_is_good() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=FAILING)
        town.behaves("research:v3", errors=FAILING)
        town.deploy("research", "research:v2")
        assert (await town.outcome("research"))["outcome"] == "rolled-back"
        town.behaves("research:v2")  # what it depended on works again
        town.deploy("research", "research:v2")
        assert (await town.outcome("research", number=2))["outcome"] == "passed"
        town.deploy("research", "research:v3")
        assert (await town.outcome("research", number=3))["outcome"] == "rolled-back"

        assert town.serving_image("research") == "research:v2"

    tell(story, scrape_interval=15)


def test_what_was_put_back_a_moment_ago_and_is_deployed_again_is_watched_and_only_told_of() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2")
        await town.phase("research", "recovering")
        await town.sleep(10)
        town.deploy("research", "research:v2", manager="ann")
        first, again = await town.outcome("research"), await town.outcome("research", number=2)

        assert (first["outcome"], first["recovery"]) == ("rolled-back", "not-recovered")
        assert "serves again" in first["reason"]
        assert again["outcome"] == "notified", again["reason"]
        assert "brought back" in again["notify_only"]
        assert town.acts() == ["deployments/research"]
        assert town.serving_image("research") == "research:v2"

    tell(story, scrape_interval=15)


def test_a_flip_to_what_was_flipped_away_from_a_moment_ago_is_watched_and_only_told_of() -> None:
    async def story(town: Town) -> None:
        town.behaves("gateway:v2", since="traffic", errors=FAILING)
        town.flip()
        await town.phase("gateway", "recovering")
        await town.sleep(10)
        town.flip()
        first, again = await town.outcome("gateway"), await town.outcome("gateway", number=2)

        assert (first["outcome"], first["recovery"]) == ("rolled-back", "not-recovered")
        assert again["outcome"] == "notified", again["reason"]
        assert "brought back" in again["notify_only"]
        assert town.acts() == ["services/gateway"]
        assert town.colour() == "green"

    tell(story, lambda here: here.furnish_colours())
