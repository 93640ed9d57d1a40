from datetime import datetime, timedelta

from town import Town, tell
from watchdog.simulator.traffic import Course

FAILING = Course.step(0.004, 0.3, after=60)


def switched_at(record: dict[str, object]) -> datetime:
    return datetime.fromisoformat(str(record["switched_at"]))


def test_a_rollout_during_its_absence_is_found_and_judged_from_its_true_time() -> None:
    async def story(town: Town) -> None:
        await town.terminate()
        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2")
        switched = town.clock.now()
        await town.sleep(200)
        await town.start()
        started = town.clock.now()
        record = await town.outcome("research")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert abs(switched_at(record) - switched) <= timedelta(seconds=3)
        # The evidence of the absence counts: it need not be gathered anew.
        assert datetime.fromisoformat(record["acted_at"]) - started < timedelta(seconds=20)
        assert town.acts() == ["deployments/research"]

    tell(story, scrape_interval=15)


def test_a_rollout_before_its_very_first_start_is_found() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2")
        switched = town.clock.now()
        await town.sleep(200)
        await town.start()
        record = await town.outcome("research")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert abs(switched_at(record) - switched) <= timedelta(seconds=3)
        assert town.serving_image("research") == "research:v1"

    tell(story, scrape_interval=15, start=False)


def test_a_flip_during_its_absence_is_found_and_put_back() -> None:
    async def story(town: Town) -> None:
        await town.terminate()
        town.behaves("gateway:v2", since="traffic", errors=FAILING)
        town.flip(manager="deploy-bot")
        switched = town.clock.now()
        await town.sleep(200)
        await town.start()
        record = await town.outcome("gateway")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert abs(switched_at(record) - switched) <= timedelta(seconds=3)
        assert record["switched_by"] == "deploy-bot"
        assert town.colour() == "blue"
        assert town.acts() == ["services/gateway"]

    tell(story, Town.furnish_colours, scrape_interval=15)


def test_a_good_release_during_its_absence_passes_at_the_end_of_its_own_bake() -> None:
    async def story(town: Town) -> None:
        await town.terminate()
        town.deploy("research", "research:v2")
        switched = town.clock.now()
        await town.sleep(400)
        await town.start()
        record = await town.outcome("research")

        assert record["outcome"] == "passed"
        assert datetime.fromisoformat(record["ended_at"]) - switched < timedelta(seconds=640)

    tell(story, scrape_interval=15)


def test_a_release_whose_bake_has_long_ended_is_not_watched() -> None:
    async def story(town: Town) -> None:
        await town.terminate()
        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2")
        await town.sleep(3600)
        await town.start()
        await town.sleep(900)

        assert town.records() == []
        assert town.acts() == []
        assert town.serving_image("research") == "research:v2"
        assert town.told() == []

    tell(story, scrape_interval=15)


def test_a_flip_whose_bake_has_long_ended_is_not_watched() -> None:
    async def story(town: Town) -> None:
        await town.terminate()
        town.behaves("gateway:v2", since="traffic", errors=FAILING)
        town.flip()
        await town.sleep(3600)
        await town.start()
        await town.sleep(900)

        assert town.records() == []
        assert town.colour() == "green"

    tell(story, Town.furnish_colours, scrape_interval=15)


def test_of_two_releases_during_its_absence_only_the_newer_one_is_watched() -> None:
    async def story(town: Town) -> None:
        await town.terminate()
        town.behaves("research:v3", errors=FAILING)
        town.deploy("research", "research:v2")
        await town.sleep(100)
        town.deploy("research", "research:v3")
        await town.sleep(150)
        await town.start()
        record = await town.outcome("research")

        assert record["outcome"] == "rolled-back"
        assert "research:v3" in record["candidate"]
        assert "research:v1" in record["stable"]
        assert town.serving_image("research") == "research:v1"  # v2 never showed that it is good
        assert len(town.records()) == 1

    tell(story, scrape_interval=15)


def test_a_watch_that_was_open_goes_on_over_an_absence_and_uses_what_happened_in_it() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2")
        opened = await town.phase("research", "watching")
        await town.kill()
        await town.sleep(300)
        await town.start()
        started = town.clock.now()
        record = await town.outcome("research")

        assert record["watch"] == opened["watch"]
        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert datetime.fromisoformat(record["acted_at"]) - started < timedelta(seconds=20)
        assert len(town.records()) == 1
        assert town.acts() == ["deployments/research"]

    tell(story, scrape_interval=15)


def test_a_watch_whose_candidate_was_replaced_in_its_absence_is_superseded() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2")
        await town.phase("research", "watching")
        await town.kill()
        await town.sleep(100)
        town.deploy("research", "research:v3")
        await town.sleep(100)
        await town.start()
        old, new = await town.outcome("research"), await town.outcome("research", number=2)

        assert (old["outcome"], new["outcome"]) == ("superseded", "passed")
        assert town.serving_image("research") == "research:v3"
        assert town.acts() == []

    tell(story, scrape_interval=15)
