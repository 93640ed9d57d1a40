"""One candidate gets weight in two routes, one for guests and one for the house: whatever they are, both come back."""

from typing import Any

import pytest

from town import NAMESPACE, Town, tell
from watchdog.simulator.traffic import Course
from weights import HTTPROUTE, VIRTUALSERVICE, Weights

FAILING = Course.step(0.004, 0.3, after=400)
twice = pytest.mark.parametrize("route", [HTTPROUTE, VIRTUALSERVICE], ids=lambda route: str(route.kind))


def second(route: Weights, town: Town) -> None:
    body: dict[str, Any] = dict(route.body(100, 0))
    body["metadata"] = {**body["metadata"], "name": "house"}
    town.cluster.create(route.resource, NAMESPACE, body)


def weigh(route: Weights, town: Town, name: str, green: int) -> None:
    town.cluster.patch(route.resource, NAMESPACE, name, route.steps(100 - green, green), "kubectl")


def of(route: Weights, town: Town, name: str) -> tuple[int, int]:
    return route.read(town.cluster.get(route.resource, NAMESPACE, name))


@twice
def test_moved_together_they_are_one_watch_and_one_act(route: Weights) -> None:
    def furnish(town: Town) -> None:
        route.furnish(town)
        second(route, town)

    async def story(town: Town) -> None:
        town.behaves("gateway:v2", errors=Course.constant(0.3))
        weigh(route, town, "gateway", 25)
        await town.sleep(10)
        weigh(route, town, "house", 10)
        record = await town.outcome("gateway")
        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert (of(route, town, "gateway"), of(route, town, "house")) == ((100, 0), (100, 0))
        await town.sleep(900)
        assert len(town.records()) == 1
        assert sorted(town.acts()) == [f"{route.resource}/gateway", f"{route.resource}/house"]
        assert town.told("oncall") == ["rolled-back"]

    tell(story, furnish, rules=route.rules)


@twice
def test_moved_minutes_apart_they_are_two_watches_each_of_which_takes_back_its_own(route: Weights) -> None:
    """It is the same candidate, so both breach; neither writes the other's route, and neither act undoes the other."""

    def furnish(town: Town) -> None:
        route.furnish(town)
        second(route, town)

    async def story(town: Town) -> None:
        town.behaves("gateway:v2", errors=FAILING)
        weigh(route, town, "gateway", 25)
        await town.sleep(180)
        weigh(route, town, "house", 10)
        await town.until(lambda: len(town.records()) == 2)
        for name in ("gateway", "house"):
            record = await town.outcome(name)
            assert record["outcome"] == "rolled-back", record["reason"]
        assert (of(route, town, "gateway"), of(route, town, "house")) == ((100, 0), (100, 0))
        await town.sleep(1800)
        assert len(town.records()) == 2
        assert sorted(town.acts()) == [f"{route.resource}/gateway", f"{route.resource}/house"]
        assert town.acts(refused=True) == []

    tell(story, furnish, rules=route.rules)


def test_routes_of_two_kinds_are_two_watches_and_both_come_back() -> None:
    rules = HTTPROUTE.rules.replace('"httproute"', '"httproute", "virtualservice"')

    def furnish(town: Town) -> None:
        HTTPROUTE.furnish(town)
        for resource, body in VIRTUALSERVICE.more.items():
            town.cluster.create(resource, NAMESPACE, body)
        second(VIRTUALSERVICE, town)

    async def story(town: Town) -> None:
        town.behaves("gateway:v2", errors=Course.constant(0.3))
        weigh(HTTPROUTE, town, "gateway", 25)
        weigh(VIRTUALSERVICE, town, "house", 25)
        for name in ("gateway", "house"):
            record = await town.outcome(name)
            assert record["outcome"] == "rolled-back", record["reason"]
        assert of(HTTPROUTE, town, "gateway") == (100, 0)
        assert of(VIRTUALSERVICE, town, "house") == (100, 0)
        await town.sleep(1800)
        assert sorted(town.acts()) == ["httproutes/gateway", "virtualservices/house"]
        assert len(town.records()) == 2

    tell(story, furnish, rules=rules)
