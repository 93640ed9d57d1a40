import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from town import Town, tell
from watchdog.ports import NotDelivered
from watchdog.simulator.traffic import Course

FAILING = Course.step(0.004, 0.3, after=60)
TEN_MINUTES = timedelta(minutes=10)


def takes_nothing_until(town: Town, channel: str, end: datetime, *, unsure: bool = False) -> None:
    """The channel refuses every notice until then."""

    def refuses() -> NotDelivered | None:
        return NotDelivered("503 Service Unavailable", unsure=unsure) if town.clock.now() < end else None

    town.channels[channel].fails = refuses


def standing(record: dict[str, Any], channel: str) -> list[str]:
    """How far each notice of the record has got with the channel."""
    return [notice["deliveries"][channel] for notice in record["notices"] if channel in notice["deliveries"]]


async def acted_after(town: Town) -> float:
    """Seconds from the switch to the act, of the first watch."""
    record = await town.phase("research", "recovering")
    return (datetime.fromisoformat(record["acted_at"]) - datetime.fromisoformat(record["switched_at"])).total_seconds()


async def undisturbed(town: Town) -> float:
    """The same story with channels that work."""
    town.behaves("research:v2", errors=FAILING)
    town.deploy("research", "research:v2")
    return await acted_after(town)


def in_good_order() -> float:
    """How long it takes to act when everyone can be told."""
    seconds: list[float] = []

    async def story(town: Town) -> None:
        seconds.append(await undisturbed(town))

    tell(story, scrape_interval=15)
    return seconds[0]


@pytest.mark.parametrize("unsure", [False, True], ids=["refused", "perhaps taken"])
def test_slack_down_for_ten_minutes_delays_no_act_and_each_notice_still_arrives_once(unsure: bool) -> None:
    async def story(town: Town) -> None:
        takes_nothing_until(town, "releases", town.clock.now() + TEN_MINUTES, unsure=unsure)
        assert await undisturbed(town) == pytest.approx(in_order, abs=0.5)
        assert town.told("oncall") == ["rolled-back"]
        assert town.told("releases") == []
        record = await town.outcome("research")
        assert standing(record, "releases")[0].startswith("sending (503")
        failed = town.metric("watchdog_notifications_total", channel="releases", result="failed")
        assert failed is not None
        assert failed >= 3

        await town.until(lambda: len(town.told("releases")) == 3)
        await town.sleep(600)
        assert town.told("releases") == ["switch", "rolled-back", "recovered"]
        repeats = [repeat for _, repeat in town.channels["releases"].told]
        assert repeats[0] is unsure  # a notice that may have arrived before says so
        [record] = town.records()
        assert all(state.startswith("sent") for state in standing(record, "releases"))
        assert town.metric("watchdog_notifications_total", channel="releases", result="sent") == 3
        assert town.acts() == ["deployments/research"]

    in_order = in_good_order()
    tell(story, scrape_interval=15)


def test_a_channel_that_hangs_delays_neither_the_act_nor_the_other_channel() -> None:
    async def story(town: Town) -> None:
        hang = town.channels["releases"].hang = asyncio.Event()
        assert await undisturbed(town) == pytest.approx(in_order, abs=0.5)
        await town.sleep(1)
        assert town.told("oncall") == ["rolled-back"]
        record = await town.outcome("research")
        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert town.told("releases") == []

        hang.set()
        town.channels["releases"].hang = None
        await town.until(lambda: len(town.told("releases")) == 3, within=30)
        await town.sleep(600)
        assert town.told("releases") == ["switch", "rolled-back", "recovered"]
        assert town.acts() == ["deployments/research"]

    in_order = in_good_order()
    tell(story, scrape_interval=15)


def test_slack_down_over_a_restart_loses_no_notice() -> None:
    async def story(town: Town) -> None:
        takes_nothing_until(town, "releases", town.clock.now() + TEN_MINUTES)
        await undisturbed(town)
        await town.outcome("research")
        await town.terminate()
        await town.sleep(5)
        await town.start()
        await town.until(lambda: len(town.told("releases")) >= 3)
        await town.sleep(600)

        assert sorted(town.told("releases")) == ["recovered", "rolled-back", "switch"]
        assert town.told("oncall") == ["rolled-back"]
        assert town.acts() == ["deployments/research"]

    tell(story, scrape_interval=15)


def test_a_channel_that_is_down_for_hours_costs_few_writes() -> None:
    async def story(town: Town) -> None:
        takes_nothing_until(town, "releases", town.clock.now() + timedelta(hours=3))
        await undisturbed(town)
        await town.outcome("research")
        before = len(town.written())
        await town.sleep(3600)
        assert len(town.written()) - before <= 12

        assert town.told("oncall") == ["rolled-back"]

    tell(story, scrape_interval=60)
