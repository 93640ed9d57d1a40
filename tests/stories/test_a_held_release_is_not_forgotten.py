"""At night nobody reads a channel: a held bad release that nobody touches is told of again, three times."""

from town import NAMESPACE, Town, tell
from watchdog.domain.annotations import HOLD
from watchdog.domain.effects import Notice
from watchdog.simulator.traffic import Course

FAILING = Course.step(0.004, 0.3, after=90)


async def a_held_release(town: Town) -> None:
    town.behaves("research:v2", errors=FAILING)
    town.deploy("research", "research:v2")
    hold = {"metadata": {"annotations": {HOLD: "until=2026-03-20T12:00:00Z; schema migration 42"}}}
    town.cluster.patch("deployments", NAMESPACE, "research", hold)
    assert (await town.outcome("research"))["outcome"] == "held"


def held(town: Town) -> list[Notice]:
    return [notice for notice, _ in town.channels["oncall"].told if notice.topic == "held"]


def test_it_is_told_again_after_half_an_hour_then_hourly_and_three_times_in_all() -> None:
    async def story(town: Town) -> None:
        await a_held_release(town)
        await town.sleep(2 * 3600 + 45 * 60)

        first, *reminders = held(town)
        after = [(notice.at - first.at).total_seconds() for notice in reminders]
        assert [round(seconds / 60) for seconds in after] == [30, 90, 150]
        assert len({notice.id for notice in (first, *reminders)}) == 4
        assert reminders[0].title.startswith("production/deployment/research still serves research")
        assert reminders[2].lines[-1] == "Reminder 3 of 3; this is the last one: nobody has touched it since"
        (record,) = [record for record in town.records() if record["outcome"] == "held"]
        assert [notice["id"] for notice in record["notices"]][-3:] == [notice.id for notice in reminders]
        assert town.acts() == []

    tell(story, scrape_interval=60)


def test_whoever_deploys_something_else_is_reminded_no_more() -> None:
    async def story(town: Town) -> None:
        await a_held_release(town)
        town.behaves("research:v3")
        town.deploy("research", "research:v3")
        await town.sleep(45 * 60)
        assert len(held(town)) == 1

    tell(story, scrape_interval=60)


def test_a_watchdog_that_was_killed_goes_on_with_the_reminders_and_repeats_none() -> None:
    async def story(town: Town) -> None:
        await a_held_release(town)
        await town.sleep(35 * 60)
        assert len(held(town)) == 2
        await town.kill()
        await town.sleep(3 * 3600)  # away while two more were due: told once
        await town.start()
        await town.sleep(3600)

        first, *reminders = held(town)
        assert [notice.id.rpartition("-")[2] for notice in reminders] == ["1", "3"]
        assert first.watch == reminders[1].watch

    tell(story, scrape_interval=60)
