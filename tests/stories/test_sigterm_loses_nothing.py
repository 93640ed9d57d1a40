import asyncio
import re

import pytest

from town import NAMESPACE, Town, tell
from watchdog.simulator.prometheus_faults import Hang
from watchdog.simulator.traffic import Course

FAILING = Course.step(0.004, 0.3, after=60)
AT_MOST = 5.0


def once_each(town: Town) -> None:
    """Every notice came once on each channel, and none is marked as a repeat."""
    for channel in town.channels.values():
        ids = [notice.id for notice, _ in channel.told]
        assert len(ids) == len(set(ids))
        assert not any(repeat for _, repeat in channel.told)


@pytest.mark.parametrize("phase", ["watching", "recovering"])
def test_a_watch_goes_on_after_the_restart_as_if_nothing_had_been(phase: str) -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2")
        before = await town.phase("research", phase)
        assert await town.terminate() < AT_MOST
        await town.sleep(10)
        await town.start()
        record = await town.outcome("research")
        await town.sleep(300)

        assert record["watch"] == before["watch"]
        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert len(town.records()) == 1
        assert town.acts() == ["deployments/research"]
        assert town.told().count("rolled-back") == 1
        assert town.told("oncall") == ["rolled-back"]
        once_each(town)

    tell(story, scrape_interval=15)


def test_a_restart_every_half_minute_changes_nothing() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=Course.step(0.004, 0.3, after=200))
        town.deploy("research", "research:v2")
        for _ in range(20):
            await town.sleep(28)
            assert await town.terminate() < AT_MOST
            await town.start()
        record = await town.outcome("research")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert len(town.records()) == 1
        assert town.acts() == ["deployments/research"]
        once_each(town)

    tell(story, scrape_interval=15)


def test_a_good_release_passes_over_restarts() -> None:
    async def story(town: Town) -> None:
        town.deploy("research", "research:v2")
        for _ in range(5):
            await town.sleep(90)
            assert await town.terminate() < AT_MOST
            await town.sleep(30)
            await town.start()
        record = await town.outcome("research")

        assert record["outcome"] == "passed"
        assert town.told() == ["switch", "passed"]
        assert town.acts() == []

    tell(story, scrape_interval=15)


def test_a_notice_that_is_being_sent_at_sigterm_may_arrive_within_the_time() -> None:
    async def story(town: Town) -> None:
        gate = town.channels["releases"].hang = asyncio.Event()
        town.deploy("research", "research:v2")
        await town.until(lambda: town.channels["releases"].attempts == 1)
        ending = asyncio.create_task(town.terminate())
        await town.clock.sleep(1)
        gate.set()
        assert await ending < AT_MOST
        town.channels["releases"].hang = None
        assert town.told() == ["switch"]
        await town.start()
        await town.outcome("research")

        assert [notice.topic for notice, repeat in town.channels["releases"].told if not repeat][:1] == ["switch"]
        assert town.told()[-1] == "passed"

    tell(story, scrape_interval=15)


def test_a_channel_that_hangs_does_not_hold_up_the_end_and_is_told_after_the_restart() -> None:
    async def story(town: Town) -> None:
        town.channels["releases"].hang = asyncio.Event()
        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2")
        await town.phase("research", "recovering")
        assert await town.terminate() < AT_MOST
        town.channels["releases"].hang = None
        await town.start()
        record = await town.outcome("research")
        await town.until(lambda: "recovered" in town.told())

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert set(town.told()) >= {"switch", "rolled-back", "recovered"}
        assert len(town.told()) == len(set(town.told()))
        assert town.told("oncall") == ["rolled-back"]
        assert town.acts() == ["deployments/research"]

    tell(story, scrape_interval=15)


@pytest.mark.parametrize("what", ["hang", "lose_answer"])
def test_sigterm_in_the_middle_of_the_act_neither_loses_nor_repeats_it(what: str) -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2")
        fault = getattr(town.cluster.faults, what)(
            method="PATCH", path=re.compile(rf"/namespaces/{NAMESPACE}/deployments/research\?(?!.*dryRun)"), count=1
        )
        await town.until(lambda: fault.hits, every=0.25)
        assert await town.terminate() < AT_MOST
        fault.remove()
        await town.sleep(3)
        await town.start()
        record = await town.outcome("research")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert len(town.writes("deployments")) == 1
        assert town.told("oncall") == ["rolled-back"]
        assert town.told().count("rolled-back") == 1

    tell(story, scrape_interval=15)


@pytest.mark.parametrize("who", ["the API server", "Prometheus"])
def test_it_ends_in_time_though_everything_hangs(who: str) -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2")
        await town.phase("research", "watching")
        await town.sleep(5)
        if who == "Prometheus":
            town.prometheus.faults.until_cleared(Hang())
        else:
            town.cluster.faults.hang(path=re.compile(""), count=None)
        await town.sleep(40)
        assert await town.terminate() < AT_MOST
        town.cluster.faults.clear()
        town.prometheus.faults.clear()
        await town.start()
        record = await town.outcome("research")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert town.acts() == ["deployments/research"]
        once_each(town)

    tell(story, scrape_interval=15)


def test_a_watch_that_ends_while_last_words_are_written_is_no_fault() -> None:
    async def story(town: Town) -> None:
        assert town.watchdog is not None
        running = town.watchdog.supervisor._running
        town.deploy("research", "research:v2")
        await town.phase("research", "watching")
        [driver] = running._drivers.values()
        last_words = driver.last_words()  # not begun yet, as the first of many may have to wait
        record = await town.outcome("research")
        await town.until(lambda: not running.watches)

        assert await last_words
        assert town.records() == [record]

    tell(story, scrape_interval=15)
