from town import NAMESPACE, RULES, Town, tell
from watchdog.simulator.calls import WriteAttempt
from watchdog.simulator.traffic import Course

FAILING = Course.step(0.004, 0.3, after=60)


def test_a_person_who_undoes_before_the_breach_leaves_nothing_to_do() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2")
        await town.sleep(50)
        town.cluster.undo(NAMESPACE, "research", manager="ann")
        record = await town.outcome("research")
        again = await town.outcome("research", number=2)

        assert record["outcome"] == "superseded"
        assert "ann" in record["reason"]
        assert again["outcome"] == "inconclusive"  # nothing good is left to compare it with
        assert "no stable revision is known" in again["reason"]
        assert town.serving_image("research") == "research:v1"
        assert town.acts() + town.acts(refused=True) == []
        assert sorted(town.told()) == ["inconclusive", "superseded", "switch", "switch"]

    tell(story, scrape_interval=15)


def test_a_person_who_undoes_in_the_same_second_is_not_undone() -> None:
    async def story(town: Town) -> None:
        def undo_first(attempt: WriteAttempt) -> None:
            if attempt.resource == "deployments" and not attempt.dry_run and not undone:
                undone.append(town.cluster.undo(NAMESPACE, "research", manager="ann"))

        undone: list[object] = []
        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2")
        town.cluster.before_write(undo_first)
        record = await town.outcome("research")
        await town.sleep(900)

        assert undone
        assert record["outcome"] == "superseded"
        assert town.serving_image("research") == "research:v1"
        assert town.acts() == []
        assert town.acts(refused=True) == ["deployments/research"]
        assert [record["outcome"] for record in town.records()] == ["superseded", "inconclusive"]
        assert town.told("oncall") == []

    tell(story, scrape_interval=15)


def test_a_person_who_flips_back_in_the_same_second_is_not_undone() -> None:
    async def story(town: Town) -> None:
        def flip_first(attempt: WriteAttempt) -> None:
            if attempt.resource == "services" and not attempt.dry_run and town.colour() == "green":
                town.flip(colour="blue", manager="ann")

        town.behaves("gateway:v2", since="traffic", errors=FAILING)
        town.flip()
        town.cluster.before_write(flip_first)
        record = await town.outcome("gateway")
        await town.sleep(900)

        assert record["outcome"] == "superseded"
        assert town.colour() == "blue"
        assert town.acts() == []
        assert town.acts(refused=True) == ["services/gateway"]

    tell(story, lambda town: town.furnish_colours(), scrape_interval=15)


def test_a_return_to_a_revision_that_passed_lately_is_watched_but_never_acted_on() -> None:
    async def story(town: Town) -> None:
        town.deploy("research", "research:v2")
        assert (await town.outcome("research"))["outcome"] == "passed"
        town.deploy("research", "research:v3")
        await town.sleep(60)
        town.behaves("research:v2", errors=Course.constant(0.3))
        town.cluster.undo(NAMESPACE, "research", manager="ann")
        third = await town.outcome("research", number=2)
        back = await town.outcome("research", number=3)

        assert (third["outcome"], back["outcome"]) == ("superseded", "notified")
        assert town.serving_image("research") == "research:v2"
        assert town.acts() == []
        assert town.told()[:3] == ["switch", "passed", "switch"]
        assert sorted(town.told()[3:5]) == ["superseded", "switch"]
        assert town.told()[5:] == ["breach", "notified"]
        assert town.told("oncall") == []

    tell(story, scrape_interval=15)


def test_a_return_to_a_revision_that_passed_long_ago_is_watched_in_full() -> None:
    async def story(town: Town) -> None:
        town.deploy("research", "research:v2")
        await town.outcome("research")
        town.deploy("research", "research:v3")
        await town.outcome("research", number=2)
        await town.sleep(600)
        town.behaves("research:v2", errors=Course.constant(0.3))
        town.cluster.undo(NAMESPACE, "research", manager="ann")
        back = await town.outcome("research", number=3)

        assert (back["outcome"], back["recovery"]) == ("rolled-back", "recovered")
        assert town.serving_image("research") == "research:v3"
        assert town.acts() == ["deployments/research"]

    tell(story, rules=RULES.replace("channels   =", 'rollback_window = "15m"\nchannels   =', 1), scrape_interval=15)
