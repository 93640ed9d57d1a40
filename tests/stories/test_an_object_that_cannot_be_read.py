"""One object of a foreign shape, or a route that sends nobody anything, takes nothing else out of guard."""

from typing import Any

import pytest

from town import NAMESPACE, PART_OF, Town, tell
from watchdog.simulator.traffic import Course
from weights import HTTPROUTE, VIRTUALSERVICE, Weights

KEPT_BY_DEFINITIONS = [
    (HTTPROUTE, "httproutes", {"rules": ["x", None]}),
    (HTTPROUTE, "httproutes", {"rules": [{"backendRefs": [{"weight": 3}]}]}),
    (HTTPROUTE, "httproutes", "x"),
    (VIRTUALSERVICE, "virtualservices", {"http": [{"route": [{"destination": "x", "weight": "much"}]}]}),
]
stopping = pytest.mark.parametrize("route", [HTTPROUTE, VIRTUALSERVICE], ids=lambda route: str(route.kind))


def of_shape(spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "strange", "labels": dict(PART_OF)}, "spec": spec}


def said(caplog: pytest.LogCaptureFixture) -> list[Any]:
    return [one.facts for one in caplog.records if one.message == "cannot be read"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("route", "resource", "spec"), KEPT_BY_DEFINITIONS)
def test_it_is_told_once_and_all_others_stay_guarded(
    route: Weights, resource: str, spec: Any, caplog: pytest.LogCaptureFixture
) -> None:
    strange = f"{NAMESPACE}/{route.kind}/strange"

    async def story(town: Town) -> None:
        town.behaves("gateway:v2", errors=Course.constant(0.3))
        town.cluster.create(resource, NAMESPACE, of_shape(spec))
        await town.sleep(60)
        town.cluster.compact()  # all is listed once more
        await town.sleep(300)
        assert town.running
        assert [(one["target"], one["kind"]) for one in said(caplog)] == [(strange, route.proper)]
        assert "not the shape of its kind" in said(caplog)[0]["why"]
        assert town.told() == ["unguarded"]
        assert town.metric("watchdog_unguarded", target=strange, reason="unreadable") == 1

        town.cluster.patch(resource, NAMESPACE, "strange", {"metadata": {"annotations": {"touched": "again"}}})
        await town.sleep(5)
        assert len(said(caplog)) == 2  # of each version once
        assert town.told() == ["unguarded"]

        route.weigh(town, 5)
        assert (await town.outcome("gateway"))["outcome"] == "rolled-back"
        assert route.of(town) == (100, 0)

        town.cluster.patch(resource, NAMESPACE, "strange", [{"op": "replace", "path": "/spec", "value": {}}])
        town.cluster.patch(resource, NAMESPACE, "strange", [_spec_of(town, route)])
        await town.sleep(30)
        assert town.metric("watchdog_unguarded", target=strange, reason="unreadable") is None

    tell(story, route.furnish, rules=route.rules)


@pytest.mark.parametrize("covered", ["by no guard", "by another kind"])
def test_once_no_guard_covers_it_any_more_it_is_not_said_to_be_out_of_guard(covered: str) -> None:
    strange = f"{NAMESPACE}/httproute/strange"
    kept = HTTPROUTE.rules.replace(', "httproute"]', "]")
    if covered == "by no guard":
        kept = HTTPROUTE.rules.replace("part-of=plasma-engine", "part-of=elsewhere")

    async def story(town: Town) -> None:
        town.cluster.create("httproutes", NAMESPACE, of_shape("x"))
        await town.sleep(60)
        assert town.metric("watchdog_unguarded", target=strange, reason="unreadable") == 1
        town.edit_rules(HTTPROUTE.rules + "\n# still covered\n")
        await town.sleep(30)
        assert town.metric("watchdog_unguarded", target=strange, reason="unreadable") == 1
        assert town.told() == ["unguarded"]
        town.edit_rules(kept)
        await town.sleep(30)
        assert town.metric("watchdog_unguarded", target=strange, reason="unreadable") is None
        town.edit_rules(HTTPROUTE.rules)
        await town.sleep(60)
        assert town.metric("watchdog_unguarded", target=strange, reason="unreadable") == 1

    tell(story, HTTPROUTE.furnish, rules=HTTPROUTE.rules)


def _spec_of(town: Town, route: Weights) -> dict[str, Any]:
    spec = town.cluster.get(route.resource, NAMESPACE, "gateway")["spec"]
    return {"op": "replace", "path": "/spec", "value": spec}


@stopping
def test_a_route_that_never_sent_anything_anywhere_is_no_switch(route: Weights) -> None:
    async def story(town: Town) -> None:
        for parts in ((0, 0), (100, 0), (0, 0)):
            town.cluster.patch(route.resource, NAMESPACE, "gateway", route.steps(*parts))
            await town.sleep(60)
        assert town.running
        assert town.records() == []

    tell(story, route.furnish, rules=route.rules)


@stopping
def test_a_candidate_whose_route_is_stopped_by_somebody_is_superseded_and_watched_when_it_comes_again(
    route: Weights,
) -> None:
    async def story(town: Town) -> None:
        route.weigh(town, 5)
        await town.sleep(40)
        town.cluster.patch(route.resource, NAMESPACE, "gateway", route.steps(0, 0), "kubectl")
        record = await town.outcome("gateway", within=10)
        assert record["outcome"] == "superseded"
        assert record["reason"] == "all its weights are 0, by kubectl: the candidate has no traffic any more"
        await town.sleep(60)
        assert town.acts() == []

        town.behaves("gateway:v2", errors=Course.constant(0.3))
        route.weigh(town, 10)
        again = await town.outcome("gateway", number=2)
        assert again["outcome"] == "rolled-back"
        assert route.of(town) == (100, 0)  # from before the first step of all: not to nothing

    tell(story, route.furnish, rules=route.rules)


@stopping
def test_a_stop_after_the_put_back_leaves_it_rolled_back(route: Weights) -> None:
    async def story(town: Town) -> None:
        town.behaves("gateway:v2", errors=Course.constant(0.3))
        route.weigh(town, 5)
        await town.phase("gateway", "recovering")
        town.cluster.patch(route.resource, NAMESPACE, "gateway", route.steps(0, 0), "kubectl")
        assert (await town.outcome("gateway"))["outcome"] == "rolled-back"
        assert route.of(town) == (0, 0)

    tell(story, route.furnish, rules=route.rules)
