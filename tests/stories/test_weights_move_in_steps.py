"""A canary by weights: its steps are one watch, a bad one gets nothing again, and nobody is overwritten."""

from town import NAMESPACE, PART_OF, Town, tell
from watchdog.domain.account import account_of
from watchdog.simulator.traffic import Course
from weights import BAD, HTTPROUTE, Weights, kinds


@kinds
def test_a_bad_candidate_at_five_percent_gets_nothing_again(route: Weights) -> None:
    async def story(town: Town) -> None:
        town.behaves("gateway:v2", errors=BAD)
        route.weigh(town, 5)
        record = await town.outcome("gateway")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert (record["target"], record["kind"], record["part"]) == (route.target, "route", 0.05)
        assert record["rules"]["error-rate"]["finding"] == "breach"
        assert route.of(town) == (100, 0)
        assert town.acts() == [route.path]
        assert town.told("oncall") == ["rolled-back"]
        again = f"watchdog switch {route.target} --to deployment/gateway-green --weight 5 --override known-bad"
        assert any(step.command.startswith(again) for step in account_of(record).next)
        await town.sleep(1200)
        assert [(one["target"], one["outcome"]) for one in town.records()] == [(route.target, "rolled-back")]

    tell(story, route.furnish, rules=route.rules)


@kinds
def test_a_good_candidate_goes_through_all_its_steps_in_one_watch(route: Weights) -> None:
    async def story(town: Town) -> None:
        for green in (5, 25, 100):
            route.weigh(town, green)
            last = town.clock.now()
            await town.sleep(240)
        record = await town.outcome("gateway")

        assert record["outcome"] == "passed", record["reason"]
        assert len(town.records()) == 1
        assert [step["what"].partition(" of")[0] for step in record["steps"]] == ["25 %", "100 %"]
        assert abs((town.moment(record["bake_from"]) - last).total_seconds()) < 2
        assert town.moment(record["ended_at"]) >= town.moment(record["bake_until"])
        assert town.acts() == []

    tell(story, route.furnish, rules=route.rules)


@kinds
def test_what_was_seen_at_five_percent_counts_at_twenty_five(route: Weights) -> None:
    """A fault that is too small to be proven at 5 % in time is proven with what was seen there, soon after a step."""

    async def story(town: Town) -> None:
        town.behaves("gateway:v2", errors=Course.constant(0.09))
        route.weigh(town, 5)
        await town.sleep(90)
        assert town.records("gateway")[0]["phase"] == "watching"
        route.weigh(town, 25)
        record = await town.outcome("gateway")

        assert record["outcome"] == "rolled-back"
        assert route.of(town) == (100, 0)  # from before the first step, not the last one
        assert len(town.records()) == 1

    tell(story, route.furnish, rules=route.rules)


@kinds
def test_a_step_back_is_no_new_switch(route: Weights) -> None:
    async def story(town: Town) -> None:
        for green in (25, 5, 25, 100, 90):
            route.weigh(town, green)
            await town.sleep(120)
        record = await town.outcome("gateway")
        assert record["outcome"] == "passed", record["reason"]
        assert len(record["steps"]) == 4
        assert len(town.records()) == 1
        assert route.of(town) == (10, 90)

    tell(story, route.furnish, rules=route.rules)


@kinds
def test_a_step_after_the_bake_is_watched_with_the_same_way_back(route: Weights) -> None:
    async def story(town: Town) -> None:
        route.weigh(town, 5)
        first = await town.outcome("gateway")
        assert first["outcome"] == "passed", first["reason"]
        await town.sleep(600)
        town.behaves("gateway:v2", errors=BAD)
        route.weigh(town, 50)
        second = await town.outcome("gateway", number=2)
        assert (second["outcome"], second["candidate"]) == ("rolled-back", first["candidate"])
        assert route.of(town) == (100, 0)

    tell(story, route.furnish, rules=route.rules)


@kinds
def test_killed_between_two_steps_it_goes_on_with_the_same_watch(route: Weights) -> None:
    async def story(town: Town) -> None:
        route.weigh(town, 5)
        await town.sleep(120)
        await town.kill()
        route.weigh(town, 25)
        await town.sleep(20)
        await town.start()
        await town.sleep(30)
        (record,) = town.records("gateway")
        assert record["phase"] == "watching"
        assert [step["what"].partition(" of")[0] for step in record["steps"]] == ["25 %"]
        assert (await town.outcome("gateway"))["outcome"] == "passed"
        assert len(town.records()) == 1

    tell(story, route.furnish, rules=route.rules)


@kinds
def test_a_fault_that_stable_shows_too_sends_nothing_back(route: Weights) -> None:
    """A database that fails for both: the two-sample form compares the same moments."""

    async def story(town: Town) -> None:
        age = 3600.0 + 2
        failing = Course.step(0.004, 0.2, after=age + 120, until=age + 300)
        town.behaves("gateway:v1", errors=failing)
        town.behaves("gateway:v2", errors=failing)
        route.weigh(town, 25)
        record = await town.outcome("gateway")
        assert record["outcome"] != "rolled-back", record["reason"]
        assert town.acts() == []

    tell(story, route.furnish, rules=route.rules)


@kinds
def test_a_candidate_that_rolls_out_while_it_has_no_traffic_opens_no_watch(route: Weights) -> None:
    async def story(town: Town) -> None:
        town.cluster.deploy(NAMESPACE, "gateway-green", "gateway:v3")
        await town.sleep(300)
        assert town.records() == []
        town.behaves("gateway:v3", errors=BAD)
        route.weigh(town, 10)
        record = await town.outcome("gateway")
        assert (record["outcome"], record["target"]) == ("rolled-back", route.target)
        assert town.acts() == [route.path]

    tell(story, route.furnish, rules=route.rules)


def test_beside_what_gets_more_a_put_back_to_what_served_last_is_seen_to_help() -> None:
    """Red passed at 40 %, blue has the rest: green goes back to red, and that is no switch to blue."""

    def weigh(town: Town, **parts: int) -> None:
        refs = [{"name": f"gateway-{name}", "port": 80, "weight": weight} for name, weight in parts.items()]
        town.cluster.patch("httproutes", NAMESPACE, "gateway", {"spec": {"rules": [{"backendRefs": refs}]}})

    def furnish(town: Town) -> None:
        HTTPROUTE.furnish(town)
        labels = {"app": "gateway", "colour": "red"}
        town.cluster.deploy(NAMESPACE, "gateway-red", "gateway:v3", replicas=2, labels=PART_OF, pod_labels=labels)
        town.cluster.service(NAMESPACE, "gateway-red", labels)

    async def story(town: Town) -> None:
        weigh(town, blue=60, green=0, red=40)
        assert (await town.outcome("gateway"))["outcome"] == "passed"
        town.behaves("gateway:v2", errors=BAD)
        weigh(town, blue=50, green=20, red=30)
        record = await town.outcome("gateway", number=2)
        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered"), record["reason"]
        refs = town.cluster.get("httproutes", NAMESPACE, "gateway")["spec"]["rules"][0]["backendRefs"]
        assert [one["weight"] for one in refs] == [60, 0, 40]
        await town.sleep(1200)
        assert len(town.records()) == 2

    tell(story, furnish, rules=HTTPROUTE.rules)
