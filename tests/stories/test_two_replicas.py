"""One leads, one stands by: whatever becomes of the first, the second goes on, and nothing is done twice."""

import asyncio
import re

import httpx
import pytest

from replicas import Pair, Replica, tell_of_two
from town import NAMESPACE, Town
from watchdog.adapters.kubernetes.kinds import PREFIX
from watchdog.simulator.calls import WriteAttempt
from watchdog.simulator.traffic import Course

FAILING = Course.step(0.004, 0.3, after=60)
PUT_BACK = re.compile(rf"/namespaces/{NAMESPACE}/deployments/research\?(?!.*dryRun)")
TAKEOVER = 15.0
AT_ONCE = 3.0


async def undone_once(both: Pair) -> None:
    """The bad release was put back once, and everybody was told once."""
    town = both.town
    record = await town.outcome("research")
    await both.passes(120)
    assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
    assert len(town.records()) == 1
    assert len(town.writes("deployments")) == 1
    assert town.serving_image("research") == "research:v1"
    told_once(town)


def told_once(town: Town) -> None:
    """Each notice reached each channel, and what came again says that it may be a repeat."""
    for name, topics in {"releases": {"switch", "rolled-back", "recovered"}, "oncall": {"rolled-back"}}.items():
        told = town.channels[name].told
        assert {notice.topic.value for notice, _ in told} == topics
        plain = [notice.id for notice, repeat in told if not repeat]
        assert len(plain) == len(set(plain)), name


def release(both: Pair, after: float = 60) -> None:
    both.town.behaves("research:v2", errors=Course.step(0.004, 0.3, after=after))
    both.town.deploy("research", "research:v2")


async def ready_of(replica: Replica) -> tuple[int, str]:
    async with httpx.AsyncClient(base_url=replica.running.url) as client:
        answer = await client.get("/readyz")
        return answer.status_code, answer.text


def test_the_standby_is_ready_and_does_nothing() -> None:
    async def story(both: Pair) -> None:
        one, two = both.replicas
        release(both)
        await both.town.phase("research", "watching")
        async with httpx.AsyncClient(base_url=two.running.url) as client:
            assert (await client.get("/healthz")).status_code == 200
            [seen] = (await client.get("/api/watches")).json()  # as the record says
            assert seen["target"] == f"{NAMESPACE}/deployment/research"
        assert (await ready_of(one))[1].startswith("ready\nleader")
        status, text = await ready_of(two)
        assert status == 200
        assert re.search(r"ready\nstandby; \S+ leads\n", text)
        await undone_once(both)

        assert two.running._cache is not None
        assert two.running._cache.synced
        assert not both.town.cluster.writes("two")
        gauge = [one.running.metrics.registry.get_sample_value("watchdog_leader") for one in both.replicas]
        assert gauge == [1, 0]

    tell_of_two(story)


async def killed(both: Pair, leader: Replica) -> None:
    await leader.kill()
    assert await both.until(lambda: both.other(leader).works, TAKEOVER) > 5
    leader.start()


async def terminated(both: Pair, leader: Replica) -> None:
    ending = asyncio.create_task(leader.terminate())
    await both.until(lambda: both.other(leader).works, AT_ONCE)
    await ending
    leader.start()


async def stopped(both: Pair, leader: Replica) -> None:
    leader.process.stop()
    await both.until(lambda: both.other(leader).works, TAKEOVER)
    await both.passes(60)
    sent = len(both.town.cluster.writes(leader.name))
    leader.process.go_on()
    await both.until(lambda: leader.stands_by, 1)
    await both.passes(5)
    # What was half sent as it was stopped may still arrive, and is refused for its precondition.
    late = both.town.cluster.writes(leader.name)[sent:]
    assert len(late) <= 2
    assert all(request.code in (409, 422) for request in late), late


async def cut_off(both: Pair, leader: Replica) -> None:
    fault = leader.cut_off("hang")
    await both.until(lambda: leader.stands_by, 7.5)
    await both.until(lambda: both.other(leader).works, TAKEOVER)
    assert leader.running.metrics.registry.get_sample_value("watchdog_leader") == 0
    await both.passes(30)
    status, _ = await ready_of(leader)
    assert status == 200  # its caches are old, but known; the trouble is listed
    fault.remove()
    await both.passes(20)
    assert leader.stands_by


HAND_OVERS = {"kill -9": killed, "SIGTERM": terminated, "SIGSTOP": stopped, "cut off": cut_off}


@pytest.mark.parametrize("how", HAND_OVERS)
@pytest.mark.parametrize("phase", ["watching", "recovering"])
def test_the_standby_goes_on_with_the_watch(how: str, phase: str) -> None:
    async def story(both: Pair) -> None:
        release(both)
        before = await both.town.phase("research", phase)
        leader = both.leader
        await HAND_OVERS[how](both, leader)
        assert both.leader is not leader
        await undone_once(both)
        assert both.town.records()[0]["watch"] == before["watch"]

    tell_of_two(story)


@pytest.mark.parametrize("how", HAND_OVERS)
@pytest.mark.parametrize("what", ["hang", "lose_answer"])
def test_a_leader_that_goes_in_the_middle_of_the_act_leaves_it_done_once(how: str, what: str) -> None:
    async def story(both: Pair) -> None:
        release(both)
        fault = getattr(both.town.cluster.faults, what)(method="PATCH", path=PUT_BACK, count=1)
        await both.until(lambda: fault.hits, 600)
        await HAND_OVERS[how](both, both.leader)
        fault.remove()
        await undone_once(both)

    tell_of_two(story)


@pytest.mark.parametrize("how", HAND_OVERS)
def test_a_leader_that_goes_while_it_tells_leaves_nothing_untold(how: str) -> None:
    async def story(both: Pair) -> None:
        release(both)
        channel = both.town.channels["oncall"]
        gate = channel.hang = asyncio.Event()
        await both.until(lambda: channel.attempts, 600)
        handing = asyncio.create_task(HAND_OVERS[how](both, both.leader))
        await both.passes(0.5)
        gate.set()
        channel.hang = None
        await handing
        await undone_once(both)

    tell_of_two(story)


def test_a_notice_of_a_stopped_process_is_not_sent_when_it_goes_on() -> None:
    async def story(both: Pair) -> None:
        one, two = both.replicas
        release(both)
        await both.town.phase("research", "watching")
        # It is stopped in the instant in which it would begin to tell: the record says that it is about to.
        struck: list[str] = []

        def stop(write: WriteAttempt) -> None:
            if write.resource == "configmaps" and "rolled-back" in str(write.body) and not struck:
                struck.append(write.user)
                one.process.stop()

        end = both.town.cluster.after_write(stop)
        await both.until(lambda: struck, 600)
        end()
        await both.until(lambda: two.works, TAKEOVER)
        await both.passes(60)
        told = len(both.town.channels["oncall"].told)
        one.process.go_on()
        await both.passes(5)
        assert len(both.town.channels["oncall"].told) == told
        await undone_once(both)

    tell_of_two(story)


def test_a_deploy_that_nobody_saw_is_watched_by_whoever_comes_next() -> None:
    async def story(both: Pair) -> None:
        one, two = both.replicas
        await one.kill()
        await both.passes(2)
        release(both)
        await both.until(lambda: two.works, TAKEOVER)
        await undone_once(both)

    tell_of_two(story)


def test_both_cut_off_leave_nobody_and_come_back_by_themselves() -> None:
    async def story(both: Pair) -> None:
        release(both, after=30)
        await both.town.phase("research", "watching")
        faults = [one.cut_off("reset") for one in both.replicas]
        await both.passes(60)
        assert not any(one.valid for one in both.replicas)
        assert all(one.stands_by for one in both.replicas)
        for fault in faults:
            fault.remove()
        await both.until(lambda: any(one.works for one in both.replicas), TAKEOVER)
        await undone_once(both)

    tell_of_two(story)


def test_rules_that_are_edited_are_in_force_after_the_hand_over() -> None:
    async def story(both: Pair) -> None:
        one, two = both.replicas
        both.town.edit_rules(
            both.town.rules_path.read_text().replace('rules      = ["error', 'action = "notify"\nrules = ["error')
        )
        await both.passes(15)
        await one.kill()
        await both.until(lambda: two.works, TAKEOVER)
        release(both)
        assert (await both.town.outcome("research"))["outcome"] == "notified"
        assert both.town.acts() == []

    tell_of_two(story)


def test_what_the_old_leader_showed_of_targets_goes_with_its_lead() -> None:
    async def story(both: Pair) -> None:
        one, _ = both.replicas
        both.town.cluster.patch(
            "deployments",
            NAMESPACE,
            "brand",
            {"metadata": {"annotations": {PREFIX + "guard": "off; until=2026-03-03T00:00:00Z; reason=migration"}}},
        )
        release(both)
        await both.town.phase("research", "watching")
        await both.passes(40)
        shown = b"".join(one.running.metrics.text()).decode()
        assert "watchdog_watches_open 1.0" in shown
        assert 'watchdog_unguarded{reason="off"' in shown
        await cut_off(both, one)
        shown = b"".join(one.running.metrics.text()).decode()
        assert "watchdog_watches_open 0.0" in shown
        assert "watchdog_unguarded{" not in shown
        assert "watchdog_rule_verdict{" not in shown

    tell_of_two(story)


def test_a_standby_whose_streams_fell_silent_takes_no_old_revision_for_a_new_switch() -> None:
    async def story(both: Pair) -> None:
        one, two = both.replicas
        both.town.deploy("research", "research:v2")
        await both.town.phase("research", "watching")
        for stream in both.town.cluster.watches():
            if stream.asked.user == "two":
                stream.silence()
        both.town.deploy("research", "research:v3")
        await both.town.phase("research", "watching", number=2)
        await one.terminate()
        await both.until(lambda: two.works, AT_ONCE)
        await both.passes(120)

        assert [record["phase"] for record in both.town.records()] == ["superseded", "watching"]
        assert both.town.told() == ["switch", "superseded", "switch"]
        assert (await both.town.outcome("research", number=2))["outcome"] == "passed"

    tell_of_two(story)
