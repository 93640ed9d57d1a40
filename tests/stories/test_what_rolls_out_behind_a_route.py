"""A guard of a route alone watches its weights; one that covers the Deployments behind it, their rollouts too."""

from town import NAMESPACE, Town, tell
from watchdog.simulator.traffic import Course
from weights import HTTPROUTE, Weights, kinds

FAILING = Course.step(0.004, 0.3, after=60)
ALONE = HTTPROUTE.rules.replace('["deployment", "service", "httproute"]', '["httproute"]')


def test_of_a_route_alone_a_rollout_behind_it_opens_no_watch_and_is_not_undone() -> None:
    async def story(town: Town) -> None:
        town.behaves("gateway:v3", errors=FAILING)
        town.deploy("gateway-blue", "gateway:v3")
        await town.sleep(900)
        assert (town.records(), town.acts()) == ([], [])
        assert town.serving_image("gateway-blue") == "gateway:v3"

    tell(story, HTTPROUTE.furnish, rules=ALONE)


@kinds
def test_with_the_deployments_behind_it_their_rollouts_are_watched_as_their_own(route: Weights) -> None:
    async def story(town: Town) -> None:
        town.behaves("gateway:v3", errors=FAILING)
        town.deploy("gateway-blue", "gateway:v3")
        record = await town.outcome("gateway-blue")
        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert town.acts() == ["deployments/gateway-blue"]
        assert town.serving_image("gateway-blue") == "gateway:v1"
        assert route.of(town) == (100, 0)
        assert len(town.records()) == 1

    tell(story, route.furnish, rules=route.rules)


def test_what_gets_nothing_by_one_route_and_some_by_another_is_watched() -> None:
    def furnish(town: Town) -> None:
        HTTPROUTE.furnish(town)
        body = dict(HTTPROUTE.body(0, 100))
        body["metadata"] = {**body["metadata"], "name": "house"}
        town.cluster.create("httproutes", NAMESPACE, body)

    async def story(town: Town) -> None:
        town.behaves("gateway:v3", errors=FAILING)
        town.deploy("gateway-green", "gateway:v3")
        record = await town.outcome("gateway-green")
        assert (record["outcome"], record["target"]) == ("rolled-back", f"{NAMESPACE}/deployment/gateway-green")
        assert town.acts() == ["deployments/gateway-green"]

    tell(story, furnish, rules=HTTPROUTE.rules)


def test_what_is_rolled_out_and_given_weight_in_one_breath_is_the_routes_switch_alone() -> None:
    async def story(town: Town) -> None:
        town.behaves("gateway:v3", errors=Course.constant(0.3))
        town.deploy("gateway-green", "gateway:v3")
        HTTPROUTE.weigh(town, 10)
        record = await town.outcome("gateway")
        assert record["outcome"] == "rolled-back", record["reason"]
        await town.sleep(600)
        assert town.acts() == ["httproutes/gateway"]
        assert [one["target"] for one in town.records()] == [HTTPROUTE.target]

    tell(story, HTTPROUTE.furnish, rules=HTTPROUTE.rules)
