"""A Rollout whose controller gives its canary its part by weights: judged step by step, aborted to nothing."""

from typing import Any

import pytest

from stories.test_a_rollout_is_aborted import ABORTING, images, release, status
from town import NAMESPACE, PART_OF, RULES, Town, tell
from watchdog.simulator.traffic import Course

FAILING = Course.step(0.004, 0.3, after=60)
ROUTES = RULES.replace("rules      =", 'kinds = ["virtualservice"]\nrules      =')
STABLE, CANARY = "search-stable", "search-canary"


def search(town: Town, *, steps: Any = ({"setWeight": 25}, {"pause": {}}, {"setWeight": 50}, {"pause": {}})) -> None:
    for name in (STABLE, CANARY):
        town.cluster.service(NAMESPACE, name, {"app": "search"})
    route = [{"destination": {"host": name}, "weight": weight} for name, weight in ((STABLE, 100), (CANARY, 0))]
    virtual = {"hosts": ["search"], "http": [{"name": "primary", "route": route}]}
    metadata = {"name": "search", "labels": dict(PART_OF)}
    town.cluster.create("virtualservices", NAMESPACE, {"metadata": metadata, "spec": virtual})
    routing = {"istio": {"virtualService": {"name": "search", "routes": ["primary"]}}}
    canary = {"stableService": STABLE, "canaryService": CANARY, "trafficRouting": routing, "steps": list(steps)}
    town.cluster.release(NAMESPACE, "search", "search:v1", labels=PART_OF, strategy={"canary": canary})


def weights(town: Town) -> tuple[int, ...]:
    """Of stable and the canary."""
    route = town.cluster.get("virtualservices", NAMESPACE, "search")["spec"]["http"][0]["route"]
    return tuple(each["weight"] for each in route)


def test_a_bad_one_is_aborted_at_its_first_step_and_has_no_traffic_from_then_on() -> None:
    async def story(town: Town) -> None:
        release(town, errors=FAILING)
        await town.until(lambda: weights(town) == (75, 25))
        assert images(town) == ["v1"] * 4 + ["v2"]
        record = await town.outcome("search")
        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert town.acts() == ["rollouts/search/status"]
        assert weights(town) == (100, 0)
        assert (status(town)["abort"], status(town)["phase"]) == (True, "Degraded")
        await town.sleep(120)
        assert images(town) == ["v1"] * 4

    tell(story, search, rules=ABORTING)


def test_a_good_one_goes_through_its_steps_and_passes_after_its_promotion() -> None:
    async def story(town: Town) -> None:
        release(town)
        await town.until(lambda: weights(town) == (75, 25))
        await town.sleep(300)
        town.cluster.promote(NAMESPACE, "search")
        record = await town.outcome("search")
        assert record["outcome"] == "passed"
        assert (weights(town), images(town)) == ((100, 0), ["v2"] * 4)
        assert town.acts() == []
        assert len(town.records("search")) == 1

    tell(story, search, rules=ABORTING)


def test_after_its_promotion_it_is_held_with_the_command() -> None:
    async def story(town: Town) -> None:
        release(town, errors=Course.step(0.004, 0.3, after=200))
        await town.until(lambda: weights(town) == (75, 25))
        town.cluster.promote(NAMESPACE, "search")
        record = await town.outcome("search")
        assert record["outcome"] == "held"
        assert "kubectl argo rollouts undo search -n production --to-revision=1" in record["reason"]
        assert town.acts() == []

    tell(story, search, rules=ABORTING)


def with_deployments(town: Town) -> None:
    """A VirtualService between two Deployments, as Flagger has it."""
    for name in ("blue", "green"):
        labels = {"app": "gateway", "colour": name}
        town.cluster.deploy(NAMESPACE, f"gateway-{name}", f"gateway:{name}", labels=PART_OF, pod_labels=labels)
        town.cluster.service(NAMESPACE, f"gateway-{name}", labels)
    route = [{"destination": {"host": f"gateway-{one}"}, "weight": part} for one, part in (("blue", 100), ("green", 0))]
    body = {"metadata": {"name": "gateway", "labels": dict(PART_OF)}, "spec": {"http": [{"route": route}]}}
    town.cluster.create("virtualservices", NAMESPACE, body)


OWNERS = [
    ("rollouts", {"strategy": {"canary": {"trafficRouting": {"istio": {"virtualService": {"name": "gateway"}}}}}}),
    ("rollouts", {"strategy": {"canary": {"trafficRouting": {"istio": {"virtualServices": [{"name": "gateway"}]}}}}}),
    ("canaries", {"targetRef": {"kind": "Deployment", "name": "gateway"}, "service": {"port": 80}}),
]


@pytest.mark.parametrize(("kind", "spec"), OWNERS, ids=["Argo", "Argo-several", "Flagger"])
def test_a_route_whose_weights_they_write_is_left_to_them(kind: str, spec: dict[str, Any]) -> None:
    async def story(town: Town) -> None:
        town.cluster.create(kind, NAMESPACE, {"metadata": {"name": "mine"}, "spec": spec})
        town.cluster.create(kind, NAMESPACE, {"metadata": {"name": "strange"}, "spec": "x"})
        town.behaves("gateway:green", errors=FAILING)
        steps = [{"op": "replace", "path": f"/spec/http/0/route/{at}/weight", "value": 50} for at in (0, 1)]
        town.cluster.patch("virtualservices", NAMESPACE, "gateway", steps, "rollouts-controller")
        record = await town.outcome("gateway")
        assert (record["outcome"], record["refusal"]) == ("held", "owned")
        assert town.acts() == []

    tell(story, with_deployments, rules=ROUTES)
