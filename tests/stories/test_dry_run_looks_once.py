"""One look of a dry run at a cluster: what it can judge, and what it says it cannot."""

import pytest

from laptop import Laptop
from sets import SETS, sets
from stories.test_dry_run_from_a_laptop import BAD
from town import NAMESPACE, RULES, Town, tell
from watchdog.cli.rehearsed_lines import lines_of
from watchdog.rehearsal.connecting import NoSuchTarget
from watchdog.simulator.access import Rule
from weights import Weights, kinds


def test_once_judges_the_switch_that_the_watchdog_in_the_cluster_watches() -> None:
    """Under the laptop's rules: the cluster's guard only tells."""

    async def story(town: Town) -> None:
        await town.sleep(30)
        town.behaves("gateway:v2", errors=BAD)
        town.flip()
        await town.phase("gateway", "watching")
        await town.sleep(150)
        assert [record["outcome"] for record in town.records("gateway")] == [None]
        town.edit_rules(RULES)
        laptop = Laptop(town)
        assert await laptop.once() == 3
        assert laptop.methods == {"GET"}
        assert town.colour() == "green"

    notify = RULES.replace("[rules.error-rate]", 'action = "notify"\n[rules.error-rate]', 1)
    tell(story, lambda town: town.furnish_colours(), rules=notify)


def test_once_in_the_midst_of_a_good_bake_passes_so_far() -> None:
    async def story(town: Town) -> None:
        town.deploy("research", "research:v2")
        await town.sleep(180)
        laptop = Laptop(town)
        assert await laptop.once() == 0
        assert laptop.view.of("summary")[0]["watches"][0]["standing"] == "watching"

    tell(story, start=False)


def test_once_with_nothing_switched_has_nothing_to_judge() -> None:
    async def story(town: Town) -> None:
        assert await Laptop(town).once() == 4

    tell(story, start=False)


@kinds
def test_it_names_what_is_guarded_of_every_kind_and_which_one_look_can_judge_only_from_what_is_remembered(
    route: Weights,
) -> None:
    plural = {"httproute": "HTTPRoutes", "virtualservice": "VirtualServices", "ingress": "Ingresses"}[route.kind]

    async def story(town: Town) -> None:
        laptop = Laptop(town)
        assert await laptop.once() == 4
        (begun,) = laptop.view.of("begun")
        assert route.target in begun["targets"]
        assert f"{NAMESPACE}/ingress/gateway-main" not in begun["targets"]  # no canary, but what one stands beside
        assert begun["unjudged"] == [plural]
        (line,) = [line for line in lines_of(begun) if "remembers alone" in line]
        assert line.startswith(f"  of {plural} it judges what that watchdog remembers alone")
        with pytest.raises(NoSuchTarget, match=f'did you mean "{route.target}"'):
            await laptop.at(f"{NAMESPACE}/{route.kind}/gatewy", town.clock.now())

    tell(story, route.furnish, rules=route.rules, start=False)


def test_of_kinds_that_may_not_be_listed_it_says_so_and_goes_on() -> None:
    most = ["deployments", "replicasets", "pods", "services", "configmaps", "controllerrevisions", "statefulsets"]

    async def story(town: Town) -> None:
        async with Laptop(town, rules=(Rule(["get", "list", "watch"], most),)).follows() as notes:
            (begun,) = notes.of("begun")
        assert f"{NAMESPACE}/statefulset/db" in begun["targets"]
        assert f"{NAMESPACE}/daemonset/agent" not in begun["targets"]
        (why,) = begun["notes"]
        assert why.startswith(f"DaemonSets of namespace {NAMESPACE} cannot be listed: ")
        assert f"  {why}" in list(lines_of(begun))

    tell(story, sets, rules=SETS, start=False)
