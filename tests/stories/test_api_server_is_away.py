import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from town import NAMESPACE, Town, tell
from watchdog.simulator.faults import CLOSE, DUPLICATE, GONE, HTML, SILENCE, Fault, Faults
from watchdog.simulator.traffic import Course

FAILING = Course.step(0.004, 0.3, after=60)
ANYTHING = re.compile("")
OBJECTS = re.compile(rf"/namespaces/{NAMESPACE}/")
CONFIGMAPS = re.compile("/configmaps")


def break_streams(town: Town) -> None:
    """The watches that are open end; what comes next meets the faults."""
    for stream in town.cluster.watches():
        stream.close()


AWAY: dict[str, Callable[[Faults], Fault]] = {
    "reset": lambda faults: faults.reset(path=ANYTHING, count=None),
    "hang": lambda faults: faults.hang(path=ANYTHING, count=None),
    "500": lambda faults: faults.answer(500, {"kind": "Status", "code": 500}, path=ANYTHING, count=None),
    "503": lambda faults: faults.answer(503, path=ANYTHING, count=None),
    "429": lambda faults: faults.answer(
        429, {"kind": "Status", "code": 429}, {"Retry-After": "2"}, path=ANYTHING, count=None
    ),
    "an HTML page": lambda faults: faults.answer(200, "<html>log in</html>", path=ANYTHING, count=None),
    "half an answer": lambda faults: faults.truncate(path=ANYTHING, count=None),
}


@pytest.mark.parametrize("how", AWAY)
def test_a_minute_without_the_api_server_in_the_middle_of_a_watch_delays_nothing_else(how: str) -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=Course.step(0.004, 0.3, after=150))
        town.deploy("research", "research:v2")
        await town.phase("research", "watching")
        await town.sleep(30)
        fault = AWAY[how](town.cluster.faults)
        break_streams(town)
        await town.sleep(60)
        assert fault.hits > 0
        assert fault.hits < 400  # it is not stormed
        fault.remove()
        record = await town.outcome("research")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert town.acts() == ["deployments/research"]
        assert len(town.records()) == 1
        assert town.told().count("switch") == 1
        assert town.told().count("rolled-back") == 1

    tell(story, scrape_interval=15)


@pytest.mark.parametrize("how", AWAY)
def test_an_api_server_that_is_away_when_the_rule_breaches_is_acted_on_when_it_is_back(how: str) -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2")
        await town.phase("research", "watching")
        await town.sleep(30)
        fault = AWAY[how](town.cluster.faults)
        break_streams(town)
        await town.sleep(120)
        assert town.acts() == []
        fault.remove()
        back = town.clock.now()
        record = await town.outcome("research")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert datetime.fromisoformat(record["acted_at"]) - back < timedelta(seconds=45)
        assert town.acts() == ["deployments/research"]
        assert town.told().count("rolled-back") == 1

    tell(story, scrape_interval=15)


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_put_back_that_is_refused_for_a_moment_is_done_once(status: int) -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2")
        await town.phase("research", "watching")
        fault = town.cluster.faults.answer(
            status,
            {"kind": "Status", "code": status, "message": "not now"},
            method="PATCH",
            path=re.compile(rf"/namespaces/{NAMESPACE}/deployments/research\?(?!.*dryRun)"),
            count=2,
        )
        record = await town.outcome("research")

        assert fault.hits == 2
        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert town.acts() == ["deployments/research"]

    tell(story, scrape_interval=15)


@pytest.mark.parametrize("what", ["lose_answer", "hang", "reset"])
def test_a_put_back_that_is_not_answered_is_done_once(what: str) -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2")
        await town.phase("research", "watching")
        fault = getattr(town.cluster.faults, what)(
            method="PATCH", path=re.compile(rf"/namespaces/{NAMESPACE}/deployments/research\?(?!.*dryRun)"), count=1
        )
        record = await town.outcome("research")

        assert fault.hits == 1
        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert len(town.writes("deployments")) == 1
        assert town.told().count("rolled-back") == 1

    tell(story, scrape_interval=15)


@pytest.mark.parametrize("how", [CLOSE, SILENCE, HTML, DUPLICATE, GONE])
def test_spoilt_watch_streams_show_no_switch_twice_and_the_watch_goes_on(how: str) -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=Course.step(0.004, 0.3, after=200))
        fault = town.cluster.faults.watch(how, after=2, path=OBJECTS, count=20)
        break_streams(town)
        await town.sleep(5)
        town.deploy("research", "research:v2")
        await town.phase("research", "watching")
        await town.sleep(30)
        break_streams(town)
        record = await town.outcome("research")

        assert fault.hits > 0
        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert town.acts() == ["deployments/research"]
        assert len(town.records()) == 1
        assert town.told().count("switch") == 1

    tell(story, scrape_interval=15)


def test_streams_that_fall_silent_with_the_switch_on_them_do_not_hide_it_for_long() -> None:
    async def story(town: Town) -> None:
        for stream in town.cluster.watches(f"/namespaces/{NAMESPACE}/"):
            stream.silence()
        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2")
        switched = town.clock.now()
        record = await town.outcome("research")

        assert record["outcome"] == "rolled-back"
        assert datetime.fromisoformat(record["acted_at"]) - switched < timedelta(seconds=180)
        assert town.acts() == ["deployments/research"]

    tell(story, scrape_interval=15)


@pytest.mark.parametrize("silent", ["deployments", "replicasets"])
@pytest.mark.parametrize("away", [0, 40], ids=["", "and nobody says so at first"])
def test_a_flip_that_is_told_before_the_rollout_of_its_colour_is_one_release_all_the_same(
    away: int, silent: str
) -> None:
    async def story(town: Town) -> None:
        [stream] = town.cluster.watches(f"/namespaces/{NAMESPACE}/{silent}")
        stream.silence()
        town.behaves("gateway:v3", errors=FAILING)
        town.deploy("gateway-green", "gateway:v3")
        await town.sleep(10)
        unsaid = town.cluster.faults.answer(503, path=re.compile("/deployments/gateway-green$"), count=None)
        if not away:
            unsaid.remove()
        town.flip()
        await town.sleep(away)
        unsaid.remove()
        record = await town.outcome("gateway")
        await town.sleep(120)

        assert record["images"]["candidate"] == ["gateway:v3"]
        assert record["outcome"] == "rolled-back"
        assert town.colour() == "blue"
        assert town.acts() == ["services/gateway"]
        assert len(town.records()) == 1

    tell(story, lambda here: here.furnish_colours())


def relist(town: Town) -> None:
    """All that the watches could go on from is forgotten: they get 410 and list again."""
    town.cluster.compact()
    for stream in town.cluster.watches(f"/namespaces/{NAMESPACE}/"):
        stream.gone()


def test_a_relist_after_410_sees_no_switch_twice() -> None:
    async def story(town: Town) -> None:
        town.deploy("research", "research:v2")
        town.flip()
        for _ in range(12):
            await town.sleep(40)
            relist(town)
        rollout, flip = await town.outcome("research"), await town.outcome("gateway")
        for _ in range(5):
            await town.sleep(40)
            relist(town)
        await town.sleep(300)

        assert (rollout["outcome"], flip["outcome"]) == ("passed", "passed")
        assert len(town.records()) == 2
        assert sorted(town.told()) == ["passed", "passed", "switch", "switch"]
        assert town.metric("watchdog_switches_total", kind="rollout") == 1
        assert town.metric("watchdog_switches_total", kind="selector") == 1

    def furnish(town: Town) -> None:
        town.furnish("research", "brand")
        town.furnish_colours()

    tell(story, furnish, scrape_interval=15)


def test_a_relist_in_the_middle_of_a_rollback_is_no_switch_and_no_second_act() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2")
        await town.phase("research", "recovering")
        relist(town)
        record = await town.outcome("research")
        for _ in range(5):
            await town.sleep(60)
            relist(town)
        await town.sleep(600)

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert len(town.records()) == 1
        assert town.acts() == ["deployments/research"]
        assert town.told().count("switch") == 1

    tell(story, scrape_interval=15)


def test_a_switch_that_only_a_relist_shows_has_one_watch_from_its_true_time() -> None:
    async def story(town: Town) -> None:
        fault = town.cluster.faults.reset(path=OBJECTS, count=None)
        break_streams(town)
        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2")
        switched = town.clock.now()
        await town.sleep(60)
        town.cluster.compact()
        fault.remove()
        record = await town.outcome("research")

        assert record["outcome"] == "rolled-back"
        assert abs(datetime.fromisoformat(record["switched_at"]) - switched) <= timedelta(seconds=3)
        assert len(town.records()) == 1
        assert town.acts() == ["deployments/research"]

    tell(story, scrape_interval=15)


def test_records_that_cannot_be_written_hold_the_act_until_the_intent_is_journalled() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2")
        await town.phase("research", "watching")
        fault = town.cluster.faults.answer(503, path=CONFIGMAPS, count=None)
        await town.sleep(180)
        assert town.writes("deployments") == []
        fault.remove()
        record = await town.outcome("research")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert len(town.writes("deployments")) == 1

    tell(story, scrape_interval=15)


def test_an_api_server_that_is_away_at_the_start_is_waited_for() -> None:
    async def story(town: Town) -> None:
        fault = town.cluster.faults.reset(path=ANYTHING, count=None)
        town.behaves("research:v2", errors=FAILING)
        town.deploy("research", "research:v2")
        await town.start(wait=False)
        await town.sleep(90)
        fault.remove()
        record = await town.outcome("research")

        assert record["outcome"] == "rolled-back"
        assert town.acts() == ["deployments/research"]

    tell(story, scrape_interval=15, start=False)
