"""A candidate whose weights are taken back, by us or by somebody: whose watch ends, and when it is watched again."""

import pytest

from meanwhile import just_before_the_put_back
from town import NAMESPACE, OWN, Town, tell
from watchdog.domain.rollout import Target
from watchdog.domain.state import Phase
from watchdog.remote import rollback_by_hand
from watchdog.settings import load
from weights import BAD, INGRESS, Weights, kinds


@kinds
def test_a_person_who_takes_all_of_it_back_ends_the_watch_and_opens_none(route: Weights) -> None:
    async def story(town: Town) -> None:
        route.weigh(town, 25)
        await town.sleep(60)
        route.weigh(town, 0, manager="ann")
        record = await town.outcome("gateway")
        assert record["outcome"] == "superseded"
        assert "ann" in record["reason"]
        await town.sleep(1200)
        assert len(town.records()) == 1
        assert town.acts() == []

    tell(story, route.furnish, rules=route.rules)


@kinds
def test_who_takes_the_weights_back_in_the_same_second_is_not_overwritten_and_is_named(route: Weights) -> None:
    async def story(town: Town) -> None:
        town.behaves("gateway:v2", errors=BAD)
        route.weigh(town, 25)
        just_before_the_put_back(town, lambda: route.weigh(town, 0, manager="mesh-operator"), of=[route.resource])
        record = await town.outcome("gateway")
        assert record["outcome"] == "superseded"
        assert "mesh-operator" in record["reason"]
        assert town.acts(refused=True) == [route.path]
        assert town.acts() == []

    tell(story, route.furnish, rules=route.rules)


@kinds
def test_a_step_in_the_same_second_is_read_again_and_put_back_with_nothing_else_lost(route: Weights) -> None:
    async def story(town: Town) -> None:
        def mesh() -> None:
            route.weigh(town, 50, manager="mesh-operator")
            note = {"metadata": {"annotations": {"example.com/note": "mine"}}}
            town.cluster.patch(route.resource, NAMESPACE, "gateway", note, "mesh-operator")

        town.behaves("gateway:v2", errors=BAD)
        route.weigh(town, 25)
        just_before_the_put_back(town, mesh, of=[route.resource])
        record = await town.outcome("gateway")
        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert route.of(town) == (100, 0)
        assert town.acts(refused=True) == [route.path]
        assert town.acts() == [route.path]
        now = town.cluster.get(route.resource, NAMESPACE, "gateway")
        assert now["metadata"]["annotations"]["example.com/note"] == "mine"
        (conflict,) = record["conflicts"]
        assert "last by mesh-operator" in conflict["what"]

    tell(story, route.furnish, rules=route.rules)


@kinds
@pytest.mark.parametrize("steps", [(100,), (5, 100), (50,)], ids=str)
def test_a_candidate_that_was_put_back_is_watched_again_when_it_gets_weight_again(
    route: Weights, steps: tuple[int, ...]
) -> None:
    async def story(town: Town) -> None:
        town.behaves("gateway:v2", errors=BAD)
        for green in steps:
            route.weigh(town, green)
            await town.sleep(15)
        first = await town.outcome("gateway")
        assert (first["outcome"], first["recovery"]) == ("rolled-back", "recovered")
        assert route.of(town) == (100, 0)
        await town.sleep(600)

        route.weigh(town, 5)
        again = await town.outcome("gateway", number=2)
        assert (again["outcome"], again["candidate"], again["part"]) == ("rolled-back", first["candidate"], 0.05)
        assert route.of(town) == (100, 0)
        await town.sleep(1200)
        assert len(town.records()) == 2  # neither of them watches what was put back
        assert town.told("oncall") == ["rolled-back", "rolled-back"]

    tell(story, route.furnish, rules=route.rules)


@kinds
def test_who_takes_all_of_it_back_before_it_proved_good_and_gives_it_a_part_again_has_it_watched(
    route: Weights,
) -> None:
    async def story(town: Town) -> None:
        route.weigh(town, 100)
        await town.sleep(60)
        route.weigh(town, 0, manager="ann")
        await town.sleep(60)
        town.behaves("gateway:v2", errors=BAD)
        route.weigh(town, 10)
        await town.sleep(300)
        records = town.records("gateway")
        assert [one["part"] for one in records] == [1.0, 1.0, 0.1]
        assert [one["outcome"] for one in records] == ["superseded", "superseded", "rolled-back"]
        assert records[2]["candidate"] == records[0]["candidate"]
        assert route.of(town) == (100, 0)

    tell(story, route.furnish, rules=route.rules)


def test_a_canary_that_is_switched_off_ends_its_watch_and_is_a_new_switch_when_it_is_on_again() -> None:
    def switched(town: Town, on: str) -> None:
        note = {"metadata": {"annotations": {"nginx.ingress.kubernetes.io/canary": on}}}
        town.cluster.patch(INGRESS.resource, NAMESPACE, "gateway", note, "ann")

    async def story(town: Town) -> None:
        INGRESS.weigh(town, 30)
        await town.sleep(40)
        switched(town, "false")
        record = await town.outcome("gateway")
        assert record["outcome"] == "superseded"
        assert "ann" in record["reason"]
        await town.sleep(60)
        switched(town, "true")
        await town.sleep(10)
        again = town.records("gateway")[1]
        assert (again["phase"], again["candidate"], again["part"]) == ("watching", record["candidate"], 0.3)

    tell(story, INGRESS.furnish, rules=INGRESS.rules)


def test_a_canary_that_becomes_an_ordinary_ingress_ends_its_watch_though_nobody_saw_it() -> None:
    async def story(town: Town) -> None:
        INGRESS.weigh(town, 30)
        await town.sleep(40)
        await town.kill()
        gone = {f"nginx.ingress.kubernetes.io/{one}": None for one in ("canary", "canary-weight")}
        town.cluster.patch(INGRESS.resource, NAMESPACE, "gateway", {"metadata": {"annotations": gone}}, "ann")
        await town.start()
        record = await town.outcome("gateway")
        assert record["outcome"] == "superseded"
        assert "shares no traffic by weights any more" in record["reason"]
        assert town.acts() == []

    tell(story, INGRESS.furnish, rules=INGRESS.rules)


@kinds
@pytest.mark.parametrize("steps", [(5,), (10, 25)])
def test_a_person_rolls_back_a_candidate_that_has_the_smaller_part(route: Weights, steps: tuple[int, ...]) -> None:
    async def story(town: Town) -> None:
        for green in steps:
            route.weigh(town, green)
            await town.sleep(40)
        settings = load(
            kubeconfig=town.cluster.kubeconfig(town.folder / "ann", town.cluster.user("ann")), namespace=OWN
        )
        async with rollback_by_hand(settings, town.clock, Target.parse(route.target), reason="it smells") as asked:
            assert asked.watch.phase is Phase.ACTING, asked.watch.refusal
            assert asked.watch.switch.candidate.workload == "gateway-green"
            await asked.carry_out()
        assert route.of(town) == (100, 0)
        await town.sleep(600)
        assert route.of(town) == (100, 0)

    tell(story, route.furnish, rules=route.rules)
