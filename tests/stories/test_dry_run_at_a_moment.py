"""`watchdog dry-run --at` judges a moment of the past as if a switch had happened then, whatever was deployed."""

from datetime import timedelta

import pytest

from laptop import Laptop
from sets import DB, SETS, sets
from town import NAMESPACE, Town, tell
from watchdog.cli.rehearsed_lines import lines_of
from watchdog.rehearsal.connecting import NoSuchTarget
from watchdog.simulator.traffic import Course
from weights import HTTPROUTE, INGRESS

BAD = Course.step(0.004, 0.4, after=10)
RESEARCH = f"{NAMESPACE}/deployment/research"


def test_a_bad_hour_of_the_past_would_have_been_rolled_back_and_a_good_one_not() -> None:
    async def story(town: Town) -> None:
        town.behaves("research:v2", errors=BAD)
        switched = town.clock.now()
        town.deploy("research", "research:v2")
        await town.sleep(1200)
        assert await Laptop(town, "at-the-bad").at(RESEARCH, switched) == 3
        good = Laptop(town, "at-the-good")
        assert await good.at(RESEARCH, switched - timedelta(minutes=25)) == 0
        assert good.view.of("outcome")[0]["outcome"] == "passed"
        assert good.methods == {"GET"}
        assert good.view.of("begun")[1]["left_out"] == ["health", "crash"]

    tell(story, start=False)


def test_the_past_is_judged_at_the_same_blocks_as_it_was_live() -> None:
    async def story(town: Town) -> None:
        town.behaves("gateway:v2", errors=BAD)
        await town.sleep(30)
        town.flip()
        record = await town.phase("gateway", "recovering")
        await town.sleep(900)
        laptop = Laptop(town)
        switched = record["switched_at"]
        assert await laptop.at(f"{NAMESPACE}/service/gateway", town.moment(switched)) == 3
        live = [point for point in record["rules"]["error-rate"]["path"] if point[3] == "breach"]
        looked_back = [
            one for one in laptop.view.of("verdict") if one["rule"] == "error-rate" and one["verdict"] == "breach"
        ]
        assert looked_back[0]["at"] == live[0][0]
        assert looked_back[0]["value"] == live[0][1]

    tell(story, lambda town: town.furnish_colours())


def test_a_past_that_prometheus_does_not_remember_is_undecided() -> None:
    async def story(town: Town) -> None:
        laptop = Laptop(town)
        assert await laptop.at(RESEARCH, town.clock.now() - timedelta(days=3)) == 4
        assert laptop.view.of("outcome")[0]["outcome"] == "inconclusive"

    tell(story, start=False)


def test_a_bake_that_is_not_over_is_waited_for_or_once_judged_as_far_as_it_went() -> None:
    async def story(town: Town) -> None:
        at = town.clock.now() - timedelta(minutes=3)
        once = Laptop(town, "once")
        assert await once.at(RESEARCH, at, once=True) == 0
        assert once.view.of("outcome") == []
        began = town.clock.now()
        waits = Laptop(town, "waits")
        assert await waits.at(RESEARCH, at) == 0
        assert waits.view.of("outcome")[0]["outcome"] == "passed"
        assert town.clock.now() - began > timedelta(minutes=6)

    tell(story, start=False)


def test_a_moment_of_a_canary_is_judged_beside_what_had_the_rest_of_its_traffic() -> None:
    """At 5 % nobody would see it in the whole; the records tell who had which part then."""

    async def story(town: Town) -> None:
        before = town.clock.now()
        town.behaves("gateway:v2", errors=BAD)
        await town.sleep(30)
        HTTPROUTE.weigh(town, 5)
        record = await town.phase("gateway", "recovering")
        await town.sleep(900)
        laptop = Laptop(town)
        assert await laptop.at(HTTPROUTE.target, town.moment(record["switched_at"])) == 3
        (begun,) = [line for line in lines_of(laptop.view.of("begun")[1]) if "%" in line]
        assert begun.startswith("  by the records gateway-green-")
        assert "had 5 % of the traffic then, and is judged beside gateway-blue-" in begun
        live = [point for point in record["rules"]["error-rate"]["path"] if point[3] == "breach"]
        found = [one for one in laptop.view.of("verdict") if (one["rule"], one["verdict"]) == ("error-rate", "breach")]
        assert (found[0]["at"], found[0]["value"]) == (live[0][0], live[0][1])
        assert laptop.methods == {"GET"}

        earlier = Laptop(town, "earlier")
        assert await earlier.at(HTTPROUTE.target, before) == 0
        (whom,) = [line for line in lines_of(earlier.view.of("begun")[1]) if "weights" in line]
        assert whom == (
            "  no record tells what its weights were then: all pods behind it count, gateway-blue and gateway-green"
        )

    tell(story, HTTPROUTE.furnish, rules=HTTPROUTE.rules)


HEADER, WEIGHT = (f"nginx.ingress.kubernetes.io/canary-{what}" for what in ("by-header", "weight"))


def test_of_an_ingress_that_is_no_canary_nothing_is_judged_and_it_says_what_it_is() -> None:
    async def story(town: Town) -> None:
        with pytest.raises(NoSuchTarget, match=r"is no canary .* nothing there is ever a switch by weight"):
            await Laptop(town).at(f"{NAMESPACE}/ingress/gateway-main", town.clock.now() - timedelta(minutes=15))

    tell(story, INGRESS.furnish, rules=INGRESS.rules, start=False)


def test_of_a_canary_by_header_alone_it_says_that_only_a_weight_will_be_watched_and_how_it_ended_once() -> None:
    def furnish(town: Town) -> None:
        INGRESS.furnish(town)
        notes = {HEADER: "X-Canary", WEIGHT: None}
        town.cluster.patch("ingresses", NAMESPACE, "gateway", {"metadata": {"annotations": notes}})

    async def story(town: Town) -> None:
        laptop = Laptop(town)
        await town.sleep(900)
        assert await laptop.at(INGRESS.target, town.clock.now() - timedelta(minutes=12)) == 0
        lines = [line for fact in laptop.view.facts[1:] for line in lines_of(fact)]
        assert lines[1].startswith(
            "  requests reach it by canary-by-header alone: no watch opens until its weight rises, "
            "and no put-back keeps those requests away; "
        )
        assert [line for line in lines if line.startswith(f"{INGRESS.target} passed: ")] == [lines[-2]]
        assert lines[-1] == "all that was judged passes; nothing was written"

    tell(story, furnish, rules=INGRESS.rules, start=False)


def test_a_moment_of_a_statefulset_is_judged_and_what_is_not_there_or_not_guarded_is_said() -> None:
    async def story(town: Town) -> None:
        town.behaves("db:v2", errors=BAD)
        await town.sleep(30)
        town.cluster.roll(*DB, "db:v2")
        switched = town.clock.now()
        await town.sleep(1200)
        assert await Laptop(town, "bad").at(f"{NAMESPACE}/statefulset/db", switched) == 3
        assert await Laptop(town, "good").at(f"{NAMESPACE}/daemonset/agent", switched) == 0
        with pytest.raises(NoSuchTarget, match="production/statefulset/lost is not there, or in no guarded namespace"):
            await Laptop(town, "lost").at(f"{NAMESPACE}/statefulset/lost", switched)
        town.cluster.roll("statefulsets", NAMESPACE, "own", "db:v1", spec={"replicas": 1})
        with pytest.raises(NoSuchTarget, match="production/statefulset/own is there, but no guard covers it"):
            await Laptop(town, "own").at(f"{NAMESPACE}/statefulset/own", switched)

    tell(story, sets, rules=SETS, start=False)
