"""`watchdog switch --weight`: the steps of a canary, each after the checks of a flip, and waited for."""

import pytest

from pipeline import Pipeline, ended
from town import NAMESPACE, Town, tell
from watchdog.domain.flipping import FlipCheck, Objection
from watchdog.engine.flipping import Considered
from watchdog.simulator.traffic import Course, Health
from weights import HTTPROUTE, KINDS, Weights

TO = {"httproute": "gateway-green", "virtualservice": "green", "ingress": "gateway-green"}


@pytest.mark.parametrize("route", KINDS, ids=lambda route: str(route.kind))
def test_each_step_is_one_patch_and_the_watch_of_them_all_is_waited_for(route: Weights) -> None:
    async def story(town: Town) -> None:
        pipeline = Pipeline(town)
        for weight in (5, 25, 100):
            found, answer = await pipeline.switch(
                TO[route.kind], kind=route.kind, weight=weight, reason=f"step {weight}"
            )
            assert answer is None
            assert isinstance(found, Considered), found
            assert found.flip is not None
            assert route.of(town) == (100 - weight, weight)
            await town.sleep(60)
        assert town.acts() == [route.path] * 3
        waited = await pipeline.wait("gateway", kind=route.kind, candidate=found.candidate, others=found.watches)
        assert ended(waited) == ("passed", None)
        (record,) = town.records("gateway")
        assert record["switched_by"] == "kubernetes-admin: step 5"
        assert "kubernetes-admin: step 100" in record["steps"][-1]["what"]

    tell(story, route.furnish, rules=route.rules)


def test_a_bad_first_step_is_put_back_and_the_next_is_refused() -> None:
    async def story(town: Town) -> None:
        pipeline = Pipeline(town)
        town.behaves("gateway:v2", errors=Course.constant(0.3))
        found, _ = await pipeline.switch("gateway-green", kind="httproute", weight=5)
        assert isinstance(found, Considered)
        waited = await pipeline.wait("gateway", kind="httproute", candidate=found.candidate, others=found.watches)
        assert ended(waited) == ("rolled-back", "recovered")
        again, _ = await pipeline.switch("gateway-green", kind="httproute", weight=25)
        assert isinstance(again, Objection)
        assert again.check is FlipCheck.KNOWN_BAD
        assert HTTPROUTE.of(town) == (100, 0)

    tell(story, HTTPROUTE.furnish, rules=HTTPROUTE.rules)


@pytest.mark.parametrize("route", KINDS, ids=lambda route: str(route.kind))
def test_who_names_the_route_alone_waits_for_the_watch_of_the_newest_step(route: Weights) -> None:
    async def story(town: Town) -> None:
        pipeline = Pipeline(town)
        found, _ = await pipeline.switch(TO[route.kind], kind=route.kind, weight=5)
        assert isinstance(found, Considered)
        first = await pipeline.wait("gateway", kind=route.kind, opening=10)
        assert ended(first) == ("passed", None)

        town.behaves("gateway:v2", errors=Course.constant(0.3))
        await pipeline.switch(TO[route.kind], kind=route.kind, weight=25)
        second = await pipeline.wait("gateway", kind=route.kind, opening=10)  # not the outcome of the step before
        assert ended(second) == ("rolled-back", "recovered")
        assert second.watch is not None
        assert second.watch.switch.candidate == found.candidate
        late = await pipeline.wait("gateway", kind=route.kind, opening=10)
        assert late.watch is not None
        assert late.watch.id == second.watch.id

    tell(story, route.furnish, rules=route.rules)


def test_who_waits_for_weights_that_no_watchdog_has_seen_is_told_so() -> None:
    async def story(town: Town) -> None:
        await town.kill()
        HTTPROUTE.weigh(town, 5)
        waited = await Pipeline(town).wait("gateway", kind="httproute", opening=10)
        assert waited.watch is None
        assert f"has not seen the weights of {HTTPROUTE.target} as they are" in waited.why

    tell(story, HTTPROUTE.furnish, rules=HTTPROUTE.rules)


def test_what_is_not_there_or_not_healthy_gets_nothing_and_taking_back_asks_for_no_health() -> None:
    async def story(town: Town) -> None:
        pipeline = Pipeline(town)
        missing, _ = await pipeline.switch("gateway-red", kind="httproute", weight=5)
        assert isinstance(missing, Objection)
        assert "has no backend 'gateway-red'; there are gateway-blue, gateway-green" in missing.sentence
        ill, _ = await pipeline.switch("gateway-green", kind="httproute", weight=5)
        assert isinstance(ill, Objection)
        assert ill.check is FlipCheck.UNHEALTHY
        assert town.acts() == []
        HTTPROUTE.weigh(town, 25)
        await town.sleep(5)
        back, answer = await pipeline.switch("deployment/gateway-green", kind="httproute", weight=0)
        assert isinstance(back, Considered)
        assert answer is None
        assert HTTPROUTE.of(town) == (100, 0)

    def furnish(town: Town) -> None:
        town.behaves("gateway:v2", health=Health.constant(503))
        HTTPROUTE.furnish(town)

    tell(story, furnish, rules=HTTPROUTE.rules)


def test_the_others_keep_their_proportions_in_every_rule_of_the_candidate() -> None:
    async def story(town: Town) -> None:
        def refs(**weights: int) -> list[dict[str, object]]:
            return [{"name": f"gateway-{name}", "port": 80, "weight": weight} for name, weight in weights.items()]

        rules = [
            {
                "name": "api",
                "backendRefs": [*refs(blue=3), {"name": "research", "port": 80, "weight": 1}, *refs(green=0)],
            },
            {"name": "web", "backendRefs": refs(blue=1000, green=0)},
            {"name": "old", "backendRefs": refs(blue=1)},
        ]
        town.cluster.patch("httproutes", NAMESPACE, "gateway", {"spec": {"rules": rules}})
        await town.sleep(5)
        found, answer = await Pipeline(town).switch("gateway-green", kind="httproute", weight=20)
        assert isinstance(found, Considered), found
        assert answer is None
        now = town.cluster.get("httproutes", NAMESPACE, "gateway")["spec"]["rules"]
        assert [[one["weight"] for one in rule["backendRefs"]] for rule in now] == [[60, 20, 20], [800, 200], [1]]

    tell(story, HTTPROUTE.furnish, rules=HTTPROUTE.rules, start=False)


def test_traffic_is_given_to_nobody_that_was_not_named_or_is_not_ready() -> None:
    async def story(town: Town) -> None:
        pipeline = Pipeline(town)
        nobody, _ = await pipeline.switch("gateway-blue", kind="httproute", weight=0)
        assert isinstance(nobody, Objection)
        assert "--to gateway-green --weight 100" in nobody.sentence
        assert HTTPROUTE.of(town) == (100, 0)

        HTTPROUTE.weigh(town, 25)
        town.cluster.scale(NAMESPACE, "gateway-blue", 0)
        await town.sleep(60)
        unready, _ = await pipeline.switch("gateway-green", kind="httproute", weight=0)
        assert isinstance(unready, Objection)
        assert (unready.check, unready.sentence) == (FlipCheck.NOT_READY, "gateway-blue is scaled to zero")
        assert town.acts() == []
        passed, answer = await pipeline.switch(
            "gateway-green", kind="httproute", weight=0, override=[FlipCheck.NOT_READY], reason="it burns"
        )
        assert isinstance(passed, Considered)
        assert answer is None

    tell(story, HTTPROUTE.furnish, rules=HTTPROUTE.rules)


def test_what_cannot_be_told_gains_nothing_unless_somebody_says_so() -> None:
    async def story(town: Town) -> None:
        town.cluster.service(NAMESPACE, "orphan", {"app": "nobody"})
        names = {"gateway-blue": 75, "orphan": 20, "gateway-green": 5}
        refs = [{"name": name, "port": 80, "weight": weight} for name, weight in names.items()]
        town.cluster.patch("httproutes", NAMESPACE, "gateway", {"spec": {"rules": [{"backendRefs": refs}]}})
        await town.sleep(5)
        found, _ = await Pipeline(town).switch("gateway-green", kind="httproute", weight=0)
        assert isinstance(found, Objection)
        assert found.check is FlipCheck.NOT_READY
        assert found.sentence == "orphan would get more of the traffic, and it cannot be told what runs there"

    tell(story, HTTPROUTE.furnish, rules=HTTPROUTE.rules)
