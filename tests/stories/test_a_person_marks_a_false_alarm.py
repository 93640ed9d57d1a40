"""A rollback was wrong, and a person says so while the watchdog runs: the release is not known bad any more."""

import random
from typing import Any

from adapters.kubernetes.building import a_client
from town import OWN, Town, tell
from watchdog.adapters.kubernetes.journal import ConfigMapJournal
from watchdog.adapters.kubernetes.marking import put_mark
from watchdog.domain.marks import Mark, Marking, why_not
from watchdog.domain.memory import Memory
from watchdog.domain.record import memory_of
from watchdog.domain.rollout import Target
from watchdog.simulator.access import Rule
from watchdog.simulator.traffic import Course

RESEARCH = Target.parse("production/deployment/research")
PERSON = Rule(["get", "list", "patch"], ["configmaps"])
"""All the rights that a mark takes, in the watchdog's own namespace."""


async def memory(town: Town) -> Memory:
    async with a_client(town.cluster) as client:
        journal = ConfigMapJournal(client, OWN, clock=town.clock, rng=random.Random(1))
        return memory_of((await journal.memories())[RESEARCH])


async def marked(town: Town, record: dict[str, Any], mark: Mark | None) -> bool:
    async with a_client(town.cluster, town.cluster.user("ana", [PERSON])) as client:
        return await put_mark(client, OWN, record["watch"], mark, lambda one: why_not(one, Marking.FALSE_ALARM))


def test_a_false_alarm_clears_the_release_within_a_minute_also_after_a_restart_until_it_is_taken_back() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=Course.step(0.004, 0.4, after=30))
        town.deploy("research", "research:v2")
        record = await town.outcome("research")
        [bad] = (await memory(town)).bad
        assert (await memory(town)).is_bad(bad.revision)

        mark = Mark(Marking.FALSE_ALARM, "ana", "a load test", town.clock.now())
        assert await marked(town, record, mark)
        await town.sleep(70)
        assert not (await memory(town)).is_bad(bad.revision)
        await town.terminate()
        await town.start()
        await town.sleep(70)
        assert not (await memory(town)).is_bad(bad.revision)
        kept = town.cluster.get("configmaps", OWN, f"rollback-watchdog-{record['watch']}")
        assert "a load test" in kept["data"]["mark.json"]

        assert await marked(town, record, None)
        await town.sleep(70)
        assert (await memory(town)).is_bad(bad.revision)

    tell(story)
