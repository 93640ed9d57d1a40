"""Whatever takes the peers down too is not undone by a rollback; what takes the release down alone is."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from town import RULES, UNBRAKED, Town, tell
from watchdog.simulator.behaviour import Health, HealthAnswer
from watchdog.simulator.prometheus_faults import Fault, Hang, Status
from watchdog.simulator.traffic import Course

NAMES = ("research", "agent", "brand", "content", "gateway")
PEERS = NAMES[1:]
CALLERS = ", ".join(f'"production/deployment/{name}"' for name in PEERS[:3])
WITH_CALLERS = RULES.replace(
    "channels   =", f'callers = {{ "production/deployment/research" = [{CALLERS}] }}\nchannels   =', 1
)


def furnish(*names: str) -> Callable[[Town], None]:
    return lambda town: town.furnish(*names)


def fail(town: Town, names: Iterable[str], share: float = 0.3) -> None:
    """These fail from now on; `research` is the release."""
    for name in names:
        town.behaves("research:v2" if name == "research" else f"{name}:v1", errors=Course.constant(share))


def recover(town: Town, names: Iterable[str]) -> None:
    fail(town, names, 0.004)


async def released(town: Town) -> None:
    town.deploy("research", "research:v2")
    await town.sleep(150)


def compared(record: dict[str, Any], rule: str = "error-rate") -> dict[str, Any]:
    """By peer's name, what was made of it."""
    found = next(one for one in record["peers"] if one["rule"] == rule)
    return {peer["target"].rsplit("/", 1)[-1]: peer for peer in found["peers"]} | {"why": found["why"]}


def assert_undone(town: Town, record: dict[str, Any]) -> None:
    assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered"), record["reason"]
    assert town.serving_image("research") == "research:v1"
    assert town.acts() == ["deployments/research"]


def test_a_shared_outage_is_held_and_the_release_undone_when_it_alone_goes_on_failing() -> None:
    async def story(town: Town) -> None:
        await released(town)
        fail(town, NAMES)
        record = await town.phase("research", "holding")
        assert record["state"]["refusal"]["reason"] == "shared-cause"
        assert "4 of 4 peers that nobody touched break error-rate too" in record["reason"]
        assert {name: compared(record)[name]["alike"] for name in PEERS} == dict.fromkeys(PEERS, True)
        await town.sleep(90)
        assert town.acts() == []
        assert town.told() == ["switch", "held"]
        notice, _ = town.channels["oncall"].told[0]
        assert "a rollback would not help" in notice.title
        assert any(line.startswith("Peers on error-rate: agent ") for line in notice.lines)

        recover(town, PEERS)
        record = await town.outcome("research")
        assert_undone(town, record)
        assert town.told() == ["switch", "held", "rolled-back", "recovered"]
        assert {name: compared(record)[name]["alike"] for name in PEERS} == dict.fromkeys(PEERS, False)

    tell(story, furnish(*NAMES), scrape_interval=15)


def test_an_outage_that_ends_for_all_is_never_acted_on_though_the_release_recovers_last() -> None:
    async def story(town: Town) -> None:
        await released(town)
        fail(town, NAMES)
        await town.phase("research", "holding")
        await town.sleep(60)
        recover(town, PEERS)
        await town.sleep(14)
        recover(town, NAMES)
        record = await town.outcome("research")

        assert record["outcome"] == "held"
        assert town.acts() == []
        assert town.told() == ["switch", "held"]

    tell(story, furnish(*NAMES), scrape_interval=15)


def test_a_watchdog_that_is_killed_in_the_outage_holds_it_still() -> None:
    async def story(town: Town) -> None:
        await released(town)
        fail(town, NAMES)
        await town.phase("research", "holding")
        await town.sleep(5)  # that it is held was told
        await town.kill()
        await town.sleep(20)
        await town.start()
        await town.sleep(60)
        assert town.acts() == []
        assert town.records("research")[0]["phase"] == "holding"

        recover(town, PEERS)
        assert_undone(town, await town.outcome("research"))
        assert town.told().count("held") == 1

    tell(story, furnish(*NAMES), scrape_interval=15)


def test_a_bad_release_among_healthy_peers_is_undone_and_the_record_says_who_was_compared() -> None:
    async def story(town: Town) -> None:
        await released(town)
        fail(town, ["research"])
        record = await town.outcome("research")

        assert_undone(town, record)
        findings = compared(record)
        assert all(findings[name]["usable"] and not findings[name]["alike"] for name in PEERS)
        assert town.told() == ["switch", "rolled-back", "recovered"]
        notice = next(notice for notice, _ in town.channels["oncall"].told)
        assert any(line.startswith("Peers on error-rate: agent ") for line in notice.lines)

    tell(story, furnish(*NAMES), scrape_interval=15)


@pytest.mark.parametrize("named", [True, False], ids=["named as callers", "not named"])
def test_callers_that_a_bad_release_takes_along_excuse_it_only_where_nobody_names_them(*, named: bool) -> None:
    async def story(town: Town) -> None:
        await released(town)
        fail(town, NAMES[:4])
        if named:
            record = await town.outcome("research")
            assert record["outcome"] == "rolled-back"
            assert town.acts() == ["deployments/research"]
            assert compared(record)["why"].startswith("production/deployment/gateway alone is a peer")
        else:
            record = await town.phase("research", "holding")
            assert record["state"]["refusal"]["reason"] == "shared-cause"
            assert "3 of 4 peers" in record["reason"]

    tell(story, furnish(*NAMES), rules=WITH_CALLERS if named else RULES, scrape_interval=15)


def test_one_usable_peer_is_not_enough_to_hold_a_release() -> None:
    def lonely(town: Town) -> None:
        town.behaves("agent:v1", requests_per_second=0.05)
        town.furnish("research", "brand", "agent")

    async def story(town: Town) -> None:
        await released(town)
        fail(town, ["research", "brand"])
        record = await town.outcome("research")

        assert record["outcome"] == "rolled-back"
        assert town.acts() == ["deployments/research"]
        assert compared(record)["brand"]["alike"]
        assert not compared(record)["agent"]["usable"]

    tell(story, lonely, scrape_interval=15)


@pytest.mark.parametrize("fault", [Hang(), Status.unprocessable()], ids=["hangs", "refuses"])
def test_a_prometheus_that_fails_the_comparison_does_not_keep_a_release_that_breached(fault: Fault) -> None:
    async def story(town: Town) -> None:
        await released(town)
        town.prometheus.faults.until_cleared(fault, only=lambda query: "brand-" in query)
        fail(town, NAMES)
        await town.until(town.acts, every=0.5)
        record = town.records("research")[0]

        findings = compared(record)
        if isinstance(fault, Hang):
            assert findings["why"] == "no answer within 5 s"
        else:
            assert not findings["brand"]["usable"]
            assert "the query failed" in findings["brand"]["sentence"]
        assert town.acts() == ["deployments/research"]

    tell(story, furnish("research", "brand", "content"), scrape_interval=15)


@pytest.mark.parametrize("answer", ["refused", "hang"])
@pytest.mark.parametrize("peers", ["too", "not"])
def test_a_network_policy_in_the_middle_of_a_rollouts_watch_blocks_the_peers_too(
    answer: HealthAnswer, peers: str
) -> None:
    async def story(town: Town) -> None:
        await released(town)
        for name in NAMES if peers == "too" else NAMES[:1]:
            image = "research:v2" if name == "research" else f"{name}:v1"
            town.behaves(image, health=Health.constant(answer))
        record = await town.outcome("research")

        if peers == "too":
            # What refuses connections cannot be scraped either.
            assert record["outcome"] == ("passed" if answer == "hang" else "inconclusive"), record["reason"]
            sentence = record["rules"]["health"]["sentence"]
            assert "peers that nobody touched do not answer either" in sentence
            assert town.acts() == []
        else:
            assert record["rules"]["health"]["finding"] == "breach"
            assert_undone(town, record)

    tell(story, furnish(*NAMES), scrape_interval=15)


def test_health_checks_that_fail_everywhere_are_held_and_a_release_that_goes_on_failing_is_undone() -> None:
    async def story(town: Town) -> None:
        def answers(names: Iterable[str], status: HealthAnswer) -> None:
            for name in names:
                image = "research:v2" if name == "research" else f"{name}:v1"
                town.behaves(image, health=Health.constant(status))

        await released(town)
        answers(NAMES, 503)
        record = await town.phase("research", "holding")
        assert record["state"]["refusal"]["reason"] == "shared-cause"
        assert compared(record, "health")["brand"]["sentence"].startswith("2 of 2 pods failed GET /health")
        answers(PEERS, 200)
        assert_undone(town, await town.outcome("research"))

    tell(story, furnish(*NAMES), scrape_interval=15)


def test_a_peer_that_switched_in_the_same_minute_excuses_nothing() -> None:
    async def story(town: Town) -> None:
        for name in PEERS:
            town.deploy(name, f"{name}:v2")
        await released(town)
        for name in NAMES:
            town.behaves(f"{name}:v2", errors=Course.constant(0.3))
        record = await town.outcome("research")

        assert record["outcome"] == "rolled-back"
        assert compared(record)["why"].startswith("no other target of the guard is a peer")
        assert sorted(town.acts()) == sorted(f"deployments/{name}" for name in NAMES)

    tell(story, furnish(*NAMES), rules=UNBRAKED, scrape_interval=15)
