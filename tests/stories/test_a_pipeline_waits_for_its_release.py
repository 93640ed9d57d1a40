import asyncio
import re
from datetime import timedelta

import pytest

from pipeline import Pipeline, ended, settings_of
from town import NAMESPACE, OWN, RULES, Town, tell
from watchdog.domain.rollout import Target
from watchdog.ports import OutOfReach
from watchdog.remote import rollback_by_hand
from watchdog.simulator.traffic import Course


def test_a_release_that_passes_is_waited_for() -> None:
    async def story(town: Town) -> None:
        pipeline = Pipeline(town)
        town.deploy("research", "research:v2")
        waited = await pipeline.wait("research")
        assert ended(waited) == ("passed", None)
        assert any("of 10 min" in line for line in pipeline.shown)

    tell(story)


def test_a_release_that_is_rolled_back_is_waited_for_until_it_is_known_whether_that_helped() -> None:
    async def story(town: Town) -> None:
        pipeline = Pipeline(town)
        town.behaves("research:v2", errors=Course.constant(0.3))
        town.deploy("research", "research:v2")
        assert ended(await pipeline.wait("research")) == ("rolled-back", "recovered")
        assert "put back; watching whether it helped" in pipeline.shown
        # Asked late, when stable serves again, the answer is the same: that is how the newest switch ended.
        assert ended(await pipeline.wait("research")) == ("rolled-back", "recovered")

    tell(story)


def test_the_outcome_of_the_release_before_is_never_told_for_one_that_the_watchdog_has_not_seen() -> None:
    async def story(town: Town) -> None:
        pipeline = Pipeline(town)
        town.deploy("research", "research:v2")
        assert ended(await pipeline.wait("research")) == ("passed", None)
        await town.terminate()
        town.behaves("research:v3", errors=Course.constant(0.3))
        town.deploy("research", "research:v3")
        waiting = asyncio.create_task(pipeline.wait("research"))
        await town.sleep(30)
        assert not waiting.done()
        await town.start()
        assert ended(await waiting) == ("rolled-back", "recovered")
        assert (await town.outcome("research", number=2))["outcome"] == "rolled-back"

    tell(story)


def test_a_revision_that_was_rolled_back_and_is_released_again_is_waited_for_anew() -> None:
    async def story(town: Town) -> None:
        pipeline = Pipeline(town)
        town.behaves("research:v2", errors=Course.constant(0.3))
        town.deploy("research", "research:v2")
        first = await pipeline.wait("research")
        await town.terminate()
        town.behaves("research:v2")
        town.deploy("research", "research:v2")
        waiting = asyncio.create_task(pipeline.wait("research"))
        await town.sleep(20)
        assert not waiting.done()
        await town.start()
        second = await waiting
        assert ended(second)[0] == "passed"
        assert first.watch is not None
        assert second.watch is not None
        assert first.watch.id != second.watch.id

    tell(story)


def test_the_watchdog_may_be_killed_and_started_again_while_it_is_waited_for() -> None:
    async def story(town: Town) -> None:
        pipeline = Pipeline(town)
        town.deploy("research", "research:v2")
        waiting = asyncio.create_task(pipeline.wait("research"))
        await town.phase("research", "watching")
        await town.sleep(60)
        await town.kill()
        await town.sleep(60)
        await town.start()
        assert ended(await waiting) == ("passed", None)

    tell(story)


def test_an_api_server_that_is_away_for_a_minute_is_asked_again() -> None:
    async def story(town: Town) -> None:
        pipeline = Pipeline(town)
        town.deploy("research", "research:v2")
        waiting = asyncio.create_task(pipeline.wait("research"))
        await town.phase("research", "watching")
        fault = town.cluster.faults.answer(503, path=re.compile(f"/api/v1/namespaces/{OWN}/configmaps.*"), count=None)
        await town.sleep(60)
        assert not waiting.done()
        fault.remove()
        assert ended(await waiting) == ("passed", None)
        assert any("asking again" in line for line in pipeline.said)

    tell(story)


def test_a_newer_deploy_supersedes_what_is_waited_for() -> None:
    async def story(town: Town) -> None:
        pipeline = Pipeline(town)
        town.deploy("research", "research:v2")
        waiting = asyncio.create_task(pipeline.wait("research"))
        await town.phase("research", "watching")
        town.deploy("research", "research:v3")
        assert ended(await waiting) == ("superseded", None)

    tell(story)


def test_a_newer_deploy_before_any_watch_opened_overtakes_what_is_waited_for() -> None:
    async def story(town: Town) -> None:
        town.deploy("research", "research:v2")
        waiting = asyncio.create_task(Pipeline(town).wait("research"))
        await town.sleep(10)
        town.deploy("research", "research:v3")
        waited = await waiting
        assert waited.overtaken
        assert "research:v3" in waited.why

    tell(story, start=False)


def test_a_rollback_by_hand_is_how_the_release_ended() -> None:
    async def story(town: Town) -> None:
        pipeline = Pipeline(town)
        town.deploy("research", "research:v2")
        waiting = asyncio.create_task(pipeline.wait("research"))
        await town.phase("research", "watching")
        await town.sleep(60)
        target = Target.parse(f"{NAMESPACE}/deployment/research")
        async with rollback_by_hand(settings_of(town), town.clock, target, reason="checkout is down") as rollback:
            await rollback.carry_out()
        waited = await waiting
        assert ended(waited) == ("rolled-back", "recovered")
        assert waited.watch is not None
        assert "checkout is down" in waited.watch.by_hand

    tell(story)


def test_what_needs_no_watch_is_known_good_and_said_at_once() -> None:
    async def story(town: Town) -> None:
        before = town.clock.now()
        waited = await Pipeline(town).wait("research")
        assert waited.watch is None
        assert waited.known_good
        assert "needs no watch" in waited.why
        assert town.clock.now() - before < timedelta(seconds=10)

    tell(story)


def test_a_target_that_nobody_guards_is_said_to_be_so() -> None:
    async def story(town: Town) -> None:
        town.cluster.deploy(NAMESPACE, "stray", "stray:v1", replicas=1)
        waited = await Pipeline(town).wait("stray", opening=60)
        assert waited.watch is None
        assert not waited.known_good
        assert "no guard covers it" in waited.why

    tell(story)


def test_without_a_watchdog_the_wait_ends_and_says_so() -> None:
    async def story(town: Town) -> None:
        await town.terminate()
        town.deploy("research", "research:v2")
        waited = await Pipeline(town).wait("research", opening=60)
        assert waited.watch is None
        assert not waited.known_good
        assert "has not seen" in waited.why
        assert "Does it run?" in waited.why

    tell(story)


def test_a_target_that_is_not_there_is_no_matter_of_waiting() -> None:
    async def story(town: Town) -> None:
        before = town.clock.now()
        with pytest.raises(OutOfReach, match="there is no production/deployment/reserch"):
            await Pipeline(town).wait("reserch")
        assert town.clock.now() - before < timedelta(seconds=5)

    tell(story)


def test_a_watch_that_outlasts_the_patience_is_left() -> None:
    async def story(town: Town) -> None:
        town.deploy("research", "research:v2")
        waited = await Pipeline(town).wait("research", ending=120)
        assert ended(waited) == (None, None)
        assert "not ended within 2 min" in waited.why

    tell(story)


def test_the_daemons_api_tells_the_same_and_of_watches_that_have_ended() -> None:
    async def story(town: Town) -> None:
        pipeline = Pipeline(town)
        assert town.watchdog is not None
        api = town.watchdog.url
        since = town.clock.now()
        town.behaves("research:v2", errors=Course.constant(0.3))
        town.deploy("research", "research:v2")
        assert ended(await pipeline.wait("research", api=api, since=since)) == ("rolled-back", "recovered")
        assert ended(await pipeline.wait("research", api=api, since=since)) == ("rolled-back", "recovered")
        later = town.clock.now()
        none = await pipeline.wait("research", api=api, since=later, opening=30)
        assert none.watch is None
        assert "tells of no switch" in none.why

    tell(story)


def test_a_service_that_joined_anothers_flip_is_waited_for_too() -> None:
    def furnish(town: Town) -> None:
        town.furnish_colours("gateway")
        selector = {"app": "gateway", "colour": "blue"}
        town.cluster.service(NAMESPACE, "admin", selector, labels={"app.kubernetes.io/part-of": "plasma-engine"})

    async def story(town: Town) -> None:
        pipeline = Pipeline(town)
        town.flip("gateway")
        await town.sleep(5)
        town.cluster.flip(NAMESPACE, "admin", {"app": "gateway", "colour": "green"})
        first = await pipeline.wait("gateway", kind="service")
        second = await pipeline.wait("admin", kind="service")
        assert ended(first) == ended(second) == ("passed", None)
        assert first.watch is not None
        assert second.watch is not None
        assert first.watch.id == second.watch.id

    tell(story, furnish, rules=RULES)


def test_a_wait_writes_nothing() -> None:
    async def story(town: Town) -> None:
        town.deploy("research", "research:v2")
        await town.sleep(20)
        before = len(town.cluster.writes())
        await Pipeline(town).wait("research", opening=30)
        assert len(town.cluster.writes()) == before

    tell(story, start=False)
