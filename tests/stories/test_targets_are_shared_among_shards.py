"""Several watchdogs share the targets: each is guarded once, whatever becomes of one of them or of their number."""

import asyncio
import re

import httpx
import pytest

from crews import PLACES, SHARED, Crew, furnish, tell_of_shards
from replicas import Replica
from rights_used import granted
from town import OWN, PART_OF, Town
from watchdog.adapters.kubernetes.braking import PAUSE
from watchdog.adapters.kubernetes.rights import shard_rights
from watchdog.domain.shards import shard_of
from watchdog.simulator.access import Rule
from watchdog.simulator.traffic import Course

TAKEOVER = 15.0
NAMES = tuple(f"{place}-0" for place in PLACES)
UNBRAKED = SHARED.replace("version = 1\n", 'version = 1\n[brakes]\nall = "100 in 1h"\ntarget = "100 in 1h"\n')


async def three(crew: Crew, shards: int = 3) -> list[Replica]:
    replicas = [await crew.join(name, shards) for name in ("one", "two", "six")]
    await crew.settled(shards)
    return replicas


async def asked(replica: Replica, path: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=replica.running.url) as client:
        return await client.get(path)


def test_the_places_of_these_stories_are_in_three_shards() -> None:
    assert {shard_of(place, 3) for place in PLACES} == {0, 1, 2}


def test_of_three_replicas_each_guards_a_third_and_every_bad_release_is_undone_once() -> None:
    async def story(crew: Crew) -> None:
        replicas = await three(crew)
        assert sorted(len(one.leads) for one in replicas) == [1, 1, 1]
        for name in NAMES:
            crew.release(name)
        await crew.undone_once(*NAMES)
        assert {name: who for who, name in crew.acts} == {f"{place}-0": crew.leader_of(place).name for place in PLACES}

    tell_of_shards(story)


def test_each_replica_says_what_it_leads_and_shows_all_watches() -> None:
    async def story(crew: Crew) -> None:
        replicas = await three(crew)
        for name in NAMES:
            crew.release(name, bad=False)
        await crew.passes(60)
        for one in replicas:
            [mine] = one.leads
            answer = await asked(one, "/readyz")
            assert answer.status_code == 200
            assert re.match(
                rf"ready\nleader of shards {mine} of 3; \S+ leads \d of 3, \S+ leads \d of 3\n", answer.text
            )
            watches = (await asked(one, "/api/watches")).json()
            assert sorted(watch["target"] for watch in watches) == sorted(
                f"{name[:-2]}/deployment/{name}" for name in NAMES
            )
            assert (await asked(one, f"/api/watches/{watches[0]['watch']}")).status_code == 200
            value = one.running.metrics.registry.get_sample_value
            assert [value("watchdog_leader", {"shard": str(n)}) for n in range(3)] == [
                float(n == mine) for n in range(3)
            ]
            assert value("watchdog_watches_open") == 1
            assert f"leader of shards {mine} of 3" in (await asked(one, "/")).text

    tell_of_shards(story)


@pytest.mark.parametrize("shards", [2, 3])
def test_one_living_replica_guards_all_shards(shards: int) -> None:
    async def story(crew: Crew) -> None:
        one = await crew.join("one", shards)
        await crew.until(lambda: crew.guarded(shards), 10)
        for name in NAMES:
            crew.release(name)
        await crew.undone_once(*NAMES)
        value = one.running.metrics.registry.get_sample_value
        assert [value("watchdog_leader", {"shard": str(number)}) for number in range(shards)] == [1.0] * shards

    tell_of_shards(story)


@pytest.mark.parametrize("how", ["kill -9", "SIGTERM", "SIGSTOP"])
def test_the_watches_of_a_replica_that_is_gone_go_on_within_fifteen_seconds(how: str) -> None:
    async def story(crew: Crew) -> None:
        await three(crew)
        for name in NAMES:
            crew.release(name, after=45)
        await crew.passes(30)
        gone = crew.leader_of("production")
        match how:
            case "kill -9":
                await gone.kill()
            case "SIGTERM":
                await gone.terminate()
            case _:
                gone.process.stop()
        # The two others have all three now.
        await crew.until(lambda: sum(len(one.leads) for one in crew.replicas if one is not gone) == 3, TAKEOVER)
        assert await crew.until(lambda: crew.guarded(3), 3) < 3
        await crew.passes(30)
        gone.process.go_on()
        await crew.undone_once(*NAMES)

    tell_of_shards(story)


def test_brakes_hold_over_all_shards() -> None:
    async def story(crew: Crew) -> None:
        await three(crew)
        names = [f"{place}-{number}" for place in PLACES for number in range(2)]
        for name in names:
            crew.release(name)
        outcomes = sorted([(await crew.ended(name))["outcome"] for name in names])
        assert outcomes == ["held"] * 4 + ["rolled-back"] * 2
        assert len(crew.acts) == 2
        assert crew.town.told("oncall").count("held") == 1

    tell_of_shards(
        story,
        lambda here: furnish(here, each=2),
        rules=SHARED.replace("version = 1\n", 'version = 1\n[brakes]\nall = "2 in 30m"\n'),
    )


def test_a_pause_freezes_every_shard() -> None:
    async def story(crew: Crew) -> None:
        data = {"reason": "the database moves", "by": "ada", "since": "2026-03-02T03:00:00+00:00"}
        crew.town.cluster.create("configmaps", OWN, {"metadata": {"name": PAUSE}, "data": data})
        await three(crew)
        for name in NAMES:
            crew.release(name)

        def all_held() -> bool:
            return all(record["phase"] == "holding" and "paused" in record["reason"] for record in crew.town.records())

        await crew.until(lambda: len(crew.town.records()) == 3 and all_held(), 300)
        await crew.passes(60)
        assert crew.acts == []
        crew.town.cluster.delete("configmaps", OWN, PAUSE)
        await crew.undone_once(*NAMES)

    tell_of_shards(story)


def fail(crew: Crew, *images: str) -> None:
    for image in images:
        crew.town.behaves(image, errors=Course.constant(0.3))


def test_peers_of_other_shards_hold_what_a_rollback_would_not_help() -> None:
    async def story(crew: Crew) -> None:
        await three(crew)
        crew.release("production-0", bad=False)
        await crew.passes(150)
        fail(crew, "production-0:v2", "production-1:v1", "web-0:v1", "web-1:v1", "brand-0:v1", "brand-1:v1")
        await crew.until(lambda: [one for one in crew.town.records() if one["phase"] == "holding"], 300)
        [record] = crew.town.records()
        assert record["state"]["refusal"]["reason"] == "shared-cause"
        told = next(one for one in record["peers"] if one["rule"] == "error-rate")
        peers = {peer["target"] for peer in told["peers"]}
        others = {f"{place}/deployment/{place}-{number}" for place in ("web", "brand") for number in range(2)}
        assert peers == others | {"production/deployment/production-1"}
        await crew.passes(60)
        assert crew.acts == []

    tell_of_shards(story, lambda here: furnish(here, each=2))


def test_what_is_being_released_in_another_shard_or_is_of_another_guard_is_no_peer() -> None:
    other = (
        '[guards.others]\nnamespaces = ["web"]\nselector = "team=others"\nrules = ["error-rate"]\n\n[rules.error-rate]'
    )

    def furnished(here: Town) -> None:
        furnish(here)
        for number in range(3):
            here.cluster.deploy("web", f"other-{number}", "other:v1", replicas=1, labels={"team": "others"})

    async def story(crew: Crew) -> None:
        await three(crew)
        crew.release("production-0", bad=False)
        crew.release("web-0", bad=False)
        await crew.passes(150)
        fail(crew, "production-0:v2", "web-0:v2", "other:v1")
        record = await crew.ended("production-0")
        assert record["outcome"] == "rolled-back", record["reason"]
        told = next(one for one in record["peers"] if one["rule"] == "error-rate")
        assert not {peer["target"] for peer in told["peers"]} & {"web/deployment/web-0", "web/deployment/other-0"}

    tell_of_shards(story, furnished, rules=SHARED.replace("[rules.error-rate]", other, 1))


@pytest.mark.parametrize(("before", "after"), [(1, 3), (3, 1), (3, 2)])
def test_another_number_of_shards_in_the_middle_of_watches_loses_none_and_doubles_none(before: int, after: int) -> None:
    async def story(crew: Crew) -> None:
        olds = [await crew.join(name, before) for name in ("old-one", "old-two")]
        await crew.until(lambda: crew.guarded(before), 10)
        await crew.passes(40)
        for name in NAMES:
            crew.release(name, after=100)
        await crew.passes(10)
        for number, old in enumerate(olds):
            new = await crew.join(f"new-{number}", after)
            await crew.passes(10)
            answer = await asked(new, "/readyz")
            assert answer.status_code == 200, answer.text  # or the rollout of the watchdog would not go on
            await old.terminate()
        await crew.until(lambda: crew.guarded(after), 2 * TAKEOVER)
        await crew.undone_once(*NAMES)

    tell_of_shards(story, rules=UNBRAKED)


def test_what_is_remembered_of_a_target_is_found_by_its_next_shard() -> None:
    async def story(crew: Crew) -> None:
        for round_, shards in enumerate((1, 3, 2, 1)):
            one = await crew.join(f"in-{round_}", shards)
            await crew.until(lambda: crew.guarded(shards), 2 * TAKEOVER)  # noqa: B023
            await crew.passes(20)
            assert crew.town.records() == []
            await one.terminate()
        maps = {one["metadata"]["name"] for one in crew.town.cluster.list("configmaps", OWN)}
        assert {f"rollback-watchdog-targets-{place}" for place in PLACES} == maps - {"kube-root-ca.crt"}
        for place in PLACES:
            data = crew.town.cluster.get("configmaps", OWN, f"rollback-watchdog-targets-{place}")["data"]
            assert list(data) == [f"deployment.{place}-0"]

    tell_of_shards(story)


def test_rules_that_are_edited_hold_in_all_shards_and_invalid_ones_are_told_once() -> None:
    async def story(crew: Crew) -> None:
        await three(crew)
        crew.town.edit_rules(SHARED + "\nnonsense = 1\n")
        await crew.passes(30)
        assert crew.town.told().count("rules-invalid") == 1
        crew.town.edit_rules(SHARED.replace('"web", ', ""))
        await crew.passes(30)
        for name in NAMES:
            crew.release(name)
        await crew.undone_once("production-0", "brand-0")
        assert crew.town.records("web-0") == []
        crew.town.edit_rules(SHARED)
        await crew.until(lambda: crew.town.records("web-0") or crew.image("web-0") == "web-0:v2", 60)

    tell_of_shards(story)


def test_the_rights_that_are_granted_for_shards_are_enough_and_a_missing_one_is_named() -> None:
    rules = SHARED.replace('"web", "production", "brand"', '"production", "staging"')
    names = [right.name for right in shard_rights(2)]

    def furnished(here: Town) -> None:
        for place in ("production", "staging"):
            here.cluster.deploy(place, f"{place}-0", f"{place}-0:v1", replicas=1, labels=PART_OF)
            here.cluster.service(place, f"{place}-0")

    async def story(crew: Crew) -> None:
        one = await crew.join("one", 2)
        table = granted(OWN)
        crew.town.cluster.user("one", [*table, Rule(["get", "update"], ["leases"], namespaces=[OWN], names=names[:2])])
        await crew.until(lambda: one.leads == {0}, 20)
        await crew.passes(20)
        answer = await asked(one, "/readyz")
        assert answer.status_code == 503
        assert "not every shard is led yet" in answer.text
        assert "may not get leases in namespace watchdog" in answer.text
        crew.town.cluster.user("one", [*table, Rule(["get", "update"], ["leases"], namespaces=[OWN], names=names)])
        await crew.until(lambda: crew.guarded(2), 90)
        for place in ("production", "staging"):
            crew.release(f"{place}-0")
        await crew.undone_once("production-0", "staging-0")

    tell_of_shards(story, furnished, rules=rules)


def test_dry_runs_share_the_targets_too_and_write_nothing() -> None:
    async def story(crew: Crew) -> None:
        acting = await crew.join("one", 3)
        await crew.until(lambda: crew.guarded(3), 10)
        dry = [await crew.join(name, 3, dry_run=True) for name in ("dry-one", "dry-two")]
        await crew.until(lambda: all(one.leads for one in dry) and dry[0].leads | dry[1].leads == {0, 1, 2}, 90)
        for name in NAMES:
            crew.release(name)
        await crew.undone_once(*NAMES)
        assert {who for who, _ in crew.acts} == {acting.name}
        told = [
            notice.title for notice, _ in crew.town.channels["releases"].told if notice.title.startswith("[dry run]")
        ]
        assert sum("would" in title for title in told) == 3

    tell_of_shards(story)


def test_replicas_come_and_go_under_load_and_every_bad_release_is_undone_once() -> None:
    async def story(crew: Crew) -> None:
        replicas = await three(crew)
        names = [f"{place}-{number}" for place in PLACES for number in range(3)]
        for number, name in enumerate(names):
            crew.release(name, after=30)
            gone = replicas[number % 3]
            if gone.alive:
                await (gone.kill() if number % 2 else gone.terminate())
            await crew.passes(12)
            gone.start()
            await crew.passes(20)
        await asyncio.gather(crew.undone_once(*names))

    tell_of_shards(story, lambda here: furnish(here, each=3), rules=UNBRAKED)
