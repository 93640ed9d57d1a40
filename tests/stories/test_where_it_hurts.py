"""After a breach, never before the act, a few queries find the part of the traffic or the pods that carry it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import pytest

from town import NAMESPACE, RULES, Town, tell
from watchdog.domain.annotations import HOLD
from watchdog.simulator.behaviour import Route
from watchdog.simulator.prometheus_faults import Hang, Status
from watchdog.simulator.traffic import Course

FAILING = Course.step(0.004, 0.6, after=45)
ROUTES = (
    Route("POST", "/checkout", 0.2, FAILING),
    Route("GET", "/checkout", 0.2),
    Route("GET", "/items", 0.5),
    Route("GET", "/health", 0.1),
)


def furnish(town: Town) -> None:
    town.furnish("research", replicas=3)
    town.furnish("brand")


def hurts(town: Town, topic: str) -> list[str]:
    """What the notices of a topic say of where it hurts."""
    lines = [line for notice, _ in town.channels["releases"].told if notice.topic == topic for line in notice.lines]
    return [line.removeprefix("Where it hurts: ") for line in lines if line.startswith("Where it hurts: ")]


async def page(town: Town, record: Mapping[str, Any]) -> str:
    """The watch's page."""
    assert town.watchdog is not None
    path = f"/watches/{record['watch']}"
    async with aiohttp.ClientSession(town.watchdog.url) as session, session.get(path) as answer:
        return await answer.text()


def test_the_route_that_carries_the_failures_is_named_after_the_act() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", routes=ROUTES)
        town.deploy("research", "research:v2")
        record = await town.outcome("research")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        [sentence] = record["slices"]
        assert sentence.startswith(("error-rate: 9", "error-rate: over 99"))
        assert "of the failures are POST /checkout (2" in sentence
        assert sentence.endswith("% of the requests); all 3 pods alike")
        assert hurts(town, "recovered") == [sentence]
        assert hurts(town, "rolled-back") == []  # told at once, before anything was asked
        shown = await page(town, record)
        assert "Where it hurts" in shown
        assert "POST /checkout" in shown

    tell(story, furnish)


def test_the_one_pod_that_carries_the_failures_is_named_with_its_node() -> None:
    async def story(town: Town) -> None:
        town.behaves_on("node-2", "research:v2", errors=FAILING)
        town.deploy("research", "research:v2")
        record = await town.outcome("research")

        assert record["outcome"] == "rolled-back"
        [sentence] = record["slices"]
        assert "one pod of 3 has" in sentence
        assert sentence.endswith(", on node node-2")

    tell(story, furnish)


def test_nothing_is_asked_before_the_act() -> None:
    async def story(town: Town) -> None:
        asked: list[str] = []
        acted: list[int] = []

        def noted(query: str) -> bool:
            asked.append(query)
            return False

        town.prometheus.faults.until_cleared(Hang(), only=noted)  # it never hangs: it only listens
        town.cluster.after_write(lambda write: acted.append(len(asked)) if write.resource == "deployments" else None)
        town.behaves("research:v2", routes=ROUTES)
        town.deploy("research", "research:v2")
        await town.outcome("research")

        slicing = [number for number, query in enumerate(asked) if query.startswith("count(")]
        assert slicing
        assert min(slicing) >= acted[-1]

    tell(story, furnish)


async def told_where(town: Town, record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record, once it says where it hurts."""

    def sliced() -> list[Mapping[str, Any]]:
        return [one for one in town.records() if one["watch"] == record["watch"] and one["slices"]]

    await town.until(sliced)
    return sliced()[0]


def test_a_held_release_is_sliced_once_it_is_decided_to_hold_it() -> None:
    async def story(town: Town) -> None:
        def annotate(text: str | None) -> None:
            town.cluster.patch("deployments", NAMESPACE, "research", {"metadata": {"annotations": {HOLD: text}}})

        town.behaves("research:v2", routes=ROUTES)
        town.deploy("research", "research:v2")
        annotate("until=2026-03-02T12:00:00Z; schema migration 42")
        record = await told_where(town, await town.phase("research", "holding"))
        assert record["phase"] == "holding"
        assert "POST /checkout" in record["slices"][0]

        annotate(None)
        record = await town.outcome("research")
        assert record["outcome"] == "rolled-back"
        assert hurts(town, "rolled-back") == record["slices"]  # it was known by then

    tell(story, furnish)


def test_a_guard_that_only_tells_says_it_with_the_outcome() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", routes=ROUTES)
        town.deploy("research", "research:v2")
        record = await town.outcome("research")
        assert record["outcome"] == "notified"
        assert "POST /checkout" in record["slices"][0]
        assert hurts(town, "notified") == record["slices"]

    rules = RULES.replace("[guards.services]\n", '[guards.services]\naction = "notify"\n')
    tell(story, furnish, rules=rules)


def moments(*, fault: object, everything: bool = False) -> tuple[Mapping[str, Any], list[str]]:
    """The record of a bad release, and what was told, where Prometheus has that fault from the act on."""
    came: list[tuple[Mapping[str, Any], list[str]]] = []

    async def story(town: Town) -> None:
        def acted(write: object) -> None:
            if getattr(write, "resource", "") == "deployments" and not getattr(write, "dry_run", True) and fault:
                town.prometheus.faults.until_cleared(
                    fault,  # type: ignore[arg-type]
                    only=lambda query: everything or query.startswith("count("),
                )

        town.cluster.after_write(acted)
        town.behaves("research:v2", routes=ROUTES)
        town.deploy("research", "research:v2")
        await town.outcome("research")
        await town.sleep(120)
        assert town.running
        assert len(town.writes("deployments")) == 1
        came.append((town.records("research")[0], town.told()))

    tell(story, furnish)
    return {**came[0][0]}, came[0][1]


@pytest.mark.parametrize("fault", [Hang(), Status.unavailable()], ids=["hangs", "fails"])
def test_a_prometheus_that_does_not_say_where_delays_neither_act_nor_follow_up(fault: object) -> None:
    usual, told = moments(fault=None)
    record, told_then = moments(fault=fault)
    assert record["slices"] == []
    assert usual["slices"]
    assert told_then == told
    for moment in ("acted_at", "put_back_complete_at", "ended_at"):
        late = datetime.fromisoformat(record[moment]) - datetime.fromisoformat(usual[moment])
        assert abs(late) < timedelta(seconds=1), moment


def test_a_prometheus_that_hangs_altogether_after_the_act_keeps_no_one_waiting() -> None:
    record, told = moments(fault=Hang(), everything=True)
    assert (record["outcome"], record["recovery"], record["slices"]) == ("rolled-back", "unknown", [])
    assert told[-1] == "not-recovered"
    late = datetime.fromisoformat(record["ended_at"]) - datetime.fromisoformat(record["recovery_until"])
    assert late < timedelta(seconds=30)


def test_a_watchdog_that_was_killed_after_the_act_says_where_it_hurt() -> None:
    async def story(town: Town) -> None:
        town.prometheus.faults.until_cleared(Hang(), only=lambda query: query.startswith("count("))
        town.behaves("research:v2", routes=ROUTES)
        town.deploy("research", "research:v2")
        record = await town.phase("research", "recovering")
        await town.kill()
        assert record["slices"] == []
        town.prometheus.faults.clear()
        await town.start()
        record = await town.outcome("research")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert "POST /checkout" in record["slices"][0]
        assert hurts(town, "recovered") == record["slices"]
        assert len(town.writes("deployments")) == 1

    tell(story, furnish)


def test_a_hostile_route_stays_text() -> None:
    async def story(town: Town) -> None:
        evil = "/<script>alert(1)</script>\u202e" + "x" * 5000
        town.behaves("research:v2", routes=(Route("POST", evil, 0.3, FAILING), Route("GET", "/items", 0.7)))
        town.deploy("research", "research:v2")
        record = await town.outcome("research")

        [sentence] = record["slices"]
        assert "POST /<script>alert(1)</script>\\u202ex" in sentence
        assert sentence.isprintable()
        assert len(sentence) < 400
        shown = await page(town, record)
        assert "<script>alert(1)" not in shown
        assert "&lt;script&gt;alert(1)" in shown

    tell(story, furnish)
