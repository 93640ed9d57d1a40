"""What a real API server sent, fed to cache and providers: each switch is told once, with its true time."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from adapters.kubernetes.building import Seen, everything, stream
from watchdog.adapters.kubernetes.cache import ClusterCache
from watchdog.adapters.kubernetes.changes import Changed, Deleted, Relisted
from watchdog.adapters.kubernetes.client import KubeClient
from watchdog.adapters.kubernetes.deployments import DeploymentProvider
from watchdog.adapters.kubernetes.kinds import DEPLOYMENTS, PODS, REPLICASETS, SERVICES, Resource
from watchdog.adapters.kubernetes.trimming import TRIMS
from watchdog.domain.live import Sighting
from watchdog.domain.rollout import SwitchKind, Target, TrafficSwitch
from watchdog.simulator.clock import SimulatedClock, run_simulated

BEGAN = datetime(2026, 11, 23, 11, 9, 42, tzinfo=UTC)
PLACE = "transcripts"
GATEWAY = Target.parse("transcripts/deployment/gateway")


def merged() -> list[tuple[Resource, dict[str, Any]]]:
    """The three recorded watches of the rollout and its undo, as one stream in the order of the server's writes."""
    events = [(kind, event) for kind in (DEPLOYMENTS, REPLICASETS, PODS) for event in stream("rollout-and-undo", kind)]
    return sorted(events, key=lambda each: int(each[1]["object"]["metadata"]["resourceVersion"]))


class Fed:
    """A cache that is fed by hand, and what its provider tells."""

    def __init__(self) -> None:
        self.clock = SimulatedClock(BEGAN)
        client = cast("KubeClient", None)
        self.cache = ClusterCache(client, clock=self.clock, rng=random.Random(1), namespaces=[PLACE])
        provider = DeploymentProvider(client, self.cache, clock=self.clock, guarded=everything)
        self.provider = provider
        self.seen = Seen(provider)

    def lists(self, **objects: list[dict[str, Any]]) -> None:
        for kind in (DEPLOYMENTS, REPLICASETS, PODS, SERVICES):
            trimmed = tuple(TRIMS[kind](one) for one in objects.get(kind.plural, []))
            self.cache.apply(PLACE, kind, Relisted(trimmed))

    async def feed(self, kind: Resource, event: dict[str, Any]) -> None:
        one = TRIMS[kind](event["object"])
        self.cache.apply(PLACE, kind, Deleted(one) if event["type"] == "DELETED" else Changed(one))
        await self.clock.sleep(0.05)


def sighted(order: list[tuple[Resource, dict[str, Any]]]) -> list[Sighting]:
    async def main() -> list[Sighting]:
        fed = Fed()
        task = asyncio.create_task(fed.seen.collect())
        fed.lists()
        await fed.clock.sleep(0.1)
        for kind, event in order:
            await fed.feed(kind, event)
        await fed.clock.sleep(30)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return fed.seen.all

    return run_simulated(main())


def story(told: list[Sighting]) -> list[tuple[str, bool]]:
    """Which revision, and whether complete, without repeats in a row."""
    steps: list[tuple[str, bool]] = []
    for one in told:
        assert one.serving is not None
        if not steps or steps[-1] != (one.serving.template, one.complete):
            steps.append((one.serving.template, one.complete))
    return steps


FIRST, SECOND = "6cccdbbcc4", "688cdd4775"
STORY = [(FIRST, False), (FIRST, True), (SECOND, False), (SECOND, True), (FIRST, False), (FIRST, True)]


def test_a_rollout_and_its_undo_are_told_as_they_happened() -> None:
    told = sighted(merged())
    assert story(told) == STORY
    assert all(one.live for one in told)
    since = {(one.serving.template, one.serving.number): one.since for one in told if one.serving}
    assert since == {
        (FIRST, 1): BEGAN,
        (SECOND, 2): datetime(2026, 11, 23, 11, 9, 42, tzinfo=UTC),
        # Its ReplicaSet was made long before; its first pod of this time was not.
        (FIRST, 3): datetime(2026, 11, 23, 11, 9, 44, tzinfo=UTC),
    }


@pytest.mark.parametrize("seed", range(25))
def test_watches_that_are_not_in_step_with_each_other_tell_the_same_switches(seed: int) -> None:
    """Three watches are three connections: each is in order, but nothing orders them among themselves."""
    rng = random.Random(seed)
    queues = {kind: list(stream("rollout-and-undo", kind)) for kind in (DEPLOYMENTS, REPLICASETS, PODS)}
    order = []
    while any(queues.values()):
        kind = rng.choice([kind for kind, queue in queues.items() for _ in range(1 + len(queue) // 4) if queue])
        order.append((kind, queues[kind].pop(0)))
    told = story(sighted(order))
    revisions = [template for template, _ in told]
    assert [one for index, one in enumerate(revisions) if index == 0 or revisions[index - 1] != one] in (
        [FIRST, SECOND, FIRST],
        [FIRST],  # the second revision came and went before its ReplicaSet was heard of
    )
    assert told[-1] == (FIRST, True)


@pytest.mark.parametrize("at", [10, 35, 50, 70])
def test_a_relist_in_the_middle_tells_what_serves_once_more_as_seen_late(at: int) -> None:
    async def main() -> None:
        fed, order = Fed(), merged()
        task = asyncio.create_task(fed.seen.collect())
        newest: dict[tuple[str, str], dict[str, Any]] = {}
        for kind, event in order[:at]:
            key = kind.plural, event["object"]["metadata"]["name"]
            if event["type"] == "DELETED":
                newest.pop(key)
            else:
                newest[key] = event["object"]
        fed.lists(
            **{
                kind.plural: [one for (plural, _), one in newest.items() if plural == kind.plural]
                for kind in (DEPLOYMENTS, REPLICASETS, PODS)
            }
        )
        await fed.clock.sleep(15)
        for kind, event in order[at:]:
            await fed.feed(kind, event)
        await fed.clock.sleep(30)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert sum(not one.live for one in fed.seen.all) == 1
        steps = story(fed.seen.all)
        assert steps == STORY[-len(steps) :]

    run_simulated(main())


def test_live_shows_the_recorded_pods_of_both_revisions_while_it_rolls() -> None:
    async def main() -> None:
        fed = Fed()
        fed.lists()
        for kind, event in merged()[:45]:
            await fed.feed(kind, event)
        task = asyncio.create_task(fed.seen.collect())
        await fed.clock.sleep(15)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        told = fed.seen.all[-1]
        assert told.serving is not None
        switch = TrafficSwitch(GATEWAY, SwitchKind.ROLLOUT, told.serving, told.previous, told.since)
        live = await fed.provider.live(switch, None)
        assert live.serving == told.serving
        assert {pod.name.rsplit("-", 2)[1] for pod in live.candidate_pods} == {told.serving.template}
        assert live.progress_deadline == 10
        assert live.managers == ("python-httpx",)
        assert live.at - BEGAN < timedelta(minutes=1)

    run_simulated(main())
