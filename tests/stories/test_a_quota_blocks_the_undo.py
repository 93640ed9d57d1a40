"""The bad pods fill the quota and the undo may take none of them away: they serve on, and somebody must hear of it."""

from datetime import timedelta

from town import NAMESPACE, Town, tell
from watchdog.simulator.traffic import Course

SOON = timedelta(minutes=2)


async def undone_in_vain(town: Town) -> dict[str, object]:
    """The record, once the undo has been told of as stuck. The Deployment has ten minutes for its progress."""
    town.cluster.create("resourcequotas", NAMESPACE, {"metadata": {"name": "compute"}, "spec": {"hard": {"pods": "4"}}})
    await town.until(lambda: "not-recovered" in town.told("oncall"))
    [record] = town.records("research")
    assert record["phase"] == "recovering"
    acted = town.moment(record["acted_at"])
    [notice] = [one for one, _ in town.channels["oncall"].told if one.topic == "not-recovered"]
    assert notice.at - acted < SOON
    assert "exceeded quota: compute" in notice.title
    return record


def release(town: Town) -> None:
    town.behaves("research:v2", errors=Course.step(0.004, 0.3, after=60))
    town.deploy("research", "research:v2")


def test_people_hear_of_it_within_two_minutes_and_of_the_recovery_when_there_is_room() -> None:
    async def story(town: Town) -> None:
        release(town)
        await town.until(lambda: town.cluster.rolled_out(NAMESPACE, "research"))
        await undone_in_vain(town)
        town.cluster.delete("resourcequotas", NAMESPACE, "compute")
        record = await town.outcome("research")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered"), record["reason"]
        assert town.told() == ["switch", "rolled-back", "not-recovered", "recovered"]
        assert town.acts() == ["deployments/research"]

    tell(story, scrape_interval=15)


def test_in_the_end_it_did_not_recover_and_that_is_not_told_a_second_time() -> None:
    async def story(town: Town) -> None:
        release(town)
        await town.until(lambda: town.cluster.rolled_out(NAMESPACE, "research"))
        await undone_in_vain(town)
        await town.terminate()
        await town.start()
        record = await town.outcome("research")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "not-recovered")
        assert "the put-back never completed: no pods can be made" in record["reason"]
        assert town.told() == ["switch", "rolled-back", "not-recovered"]
        assert town.told("oncall") == ["rolled-back", "not-recovered"]
        assert town.acts() == ["deployments/research"]

    tell(story, scrape_interval=15)
