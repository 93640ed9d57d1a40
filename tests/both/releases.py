"""Releases and flips, good and bad, and what people do meanwhile."""

from both.told import FAILING, SHORT, STORIES, UNDONE, ended, held
from e2e.controlplane.behaviour import Behaviour
from stage import App, Colours, Stage


@STORIES.told_of(App("research"))
async def an_error_spike_is_undone_once_and_told(stage: Stage) -> None:
    await stage.deploy("research", "v2", Behaviour(errors=0.5, after=4))
    record = await stage.outcome("research")

    assert ended(record) == ("rolled-back", "recovered"), record["reason"]
    assert record["rules"]["error-rate"]["finding"] == "breach"
    assert await stage.version("research") == "v1"
    assert await stage.told() == UNDONE
    assert await stage.told("oncall") == ["rolled-back"]
    assert await stage.acts() == ["deployments/research"]
    assert len(await stage.records()) == 1


@STORIES.told_of(App("brand"), bake=SHORT)
async def a_good_release_passes_and_is_left_alone(stage: Stage) -> None:
    await stage.deploy("brand", "v2")
    record = await stage.outcome("brand")

    assert record["outcome"] == "passed", record["reason"]
    assert [line for line in record["changes"] if " image: " in line and line.endswith("brand:v2")], record["changes"]
    assert await stage.version("brand") == "v2"
    assert await stage.told() == ["switch", "passed"]
    assert await stage.told("oncall") == []
    assert await stage.acts() + await stage.acts(refused=True) == []


@STORIES.told_of(Colours("gateway", green=Behaviour(latency=0.4)))
async def a_slow_green_is_flipped_back_by_one_patch_of_the_service(stage: Stage) -> None:
    await stage.flip("gateway", "green")
    record = await stage.outcome("gateway")

    assert ended(record) == ("rolled-back", "recovered"), record["reason"]
    assert record["rules"]["latency"]["finding"] == "breach"
    assert await stage.colour("gateway") == "blue"
    assert await stage.told() == UNDONE
    assert await stage.acts() == ["services/gateway"]
    assert len(await stage.records()) == 1


@STORIES.told_of(Colours("gateway"), bake=SHORT)
async def a_flip_to_a_good_green_is_left_alone(stage: Stage) -> None:
    await stage.flip("gateway", "green")
    record = await stage.outcome("gateway")

    assert record["outcome"] == "passed", record["reason"]
    assert await stage.colour("gateway") == "green"
    assert await stage.told() == ["switch", "passed"]
    assert await stage.acts() + await stage.acts(refused=True) == []


@STORIES.told_of(Colours("gateway", green=FAILING, also=("admin",)))
async def two_services_flipped_together_are_one_watch_and_put_back_together(stage: Stage) -> None:
    await stage.flip("gateway", "green")
    await stage.flip("admin", "green")
    record = await stage.outcome()  # of the one that was seen first

    assert ended(record) == ("rolled-back", "recovered"), record["reason"]
    assert [await stage.colour(service) for service in ("gateway", "admin")] == ["blue", "blue"]
    assert sorted(await stage.acts()) == ["services/admin", "services/gateway"]
    assert len(await stage.records()) == 1


@STORIES.told_of(App("content"))
async def a_memory_leak_is_undone(stage: Stage) -> None:
    await stage.deploy("content", "v2", Behaviour(leak=20, after=3))
    record = await stage.outcome("content")

    assert ended(record) == ("rolled-back", "recovered"), record["reason"]
    assert record["rules"]["memory"]["finding"] == "breach"
    assert await stage.acts() == ["deployments/content"]


@STORIES.told_of(App("content"))
async def a_cpu_spike_is_undone(stage: Stage) -> None:
    await stage.deploy("content", "v2", Behaviour(cpu=0.6, after=3))
    record = await stage.outcome("content")

    assert ended(record) == ("rolled-back", "recovered"), record["reason"]
    assert record["rules"]["cpu"]["finding"] == "breach"
    assert await stage.acts() == ["deployments/content"]


@STORIES.told_of(App("agent"), rules=("error-rate", "health"))
async def a_failing_health_check_is_undone(stage: Stage) -> None:
    await stage.deploy("agent", "v2", Behaviour(health=503, after=3))
    record = await stage.outcome("agent")

    assert ended(record) == ("rolled-back", "recovered"), record["reason"]
    assert record["rules"]["health"]["finding"] == "breach"
    assert await stage.acts() == ["deployments/agent"]


@STORIES.told_of(App("agent"))
async def a_crash_loop_that_never_gets_ready_is_undone(stage: Stage) -> None:
    await stage.deploy("agent", "v2", Behaviour(pod="crash-loop"))
    record = await stage.outcome("agent")

    assert ended(record) == ("rolled-back", "recovered"), record["reason"]
    assert "crash loop" in record["rules"]["crash"]["sentence"]
    assert await stage.version("agent") == "v1"
    assert await stage.told() == UNDONE
    assert await stage.acts() == ["deployments/agent"]
    assert len(await stage.records()) == 1


@STORIES.told_of(App("research"))
async def a_release_on_hold_is_undone_once_the_hold_is_taken_off(stage: Stage) -> None:
    await held(stage, "research")
    assert await stage.told("oncall") == ["held"]
    await stage.hold("deployment/research", "")
    record = await stage.outcome("research")

    assert ended(record) == ("rolled-back", "recovered"), record["reason"]
    assert await stage.told() == ["switch", "held", "rolled-back", "recovered"]
    assert await stage.told("oncall") == ["held", "rolled-back"]
    assert await stage.acts() == ["deployments/research"]


@STORIES.told_of(App("research"))
async def a_paused_deployment_is_undone_once_it_is_resumed(stage: Stage) -> None:
    await held(stage, "research")
    await stage.pause("research")
    await stage.hold("deployment/research", "")
    await stage.phase("research", "holding", because="paused")
    assert await stage.acts() == []
    await stage.pause("research", paused=False)
    record = await stage.outcome("research")

    assert ended(record) == ("rolled-back", "recovered"), record["reason"]
    assert await stage.version("research") == "v1"
    assert await stage.acts() == ["deployments/research"]


@STORIES.told_of(App("research"), bake=SHORT)
async def a_fix_that_is_deployed_while_the_watch_is_held_supersedes_it(stage: Stage) -> None:
    await held(stage, "research")
    await stage.deploy("research", "v3")
    bad, fix = await stage.outcome("research"), await stage.outcome("research", 2)

    assert (bad["outcome"], fix["outcome"]) == ("superseded", "passed"), (bad["reason"], fix["reason"])
    assert await stage.version("research") == "v3"
    assert await stage.acts() + await stage.acts(refused=True) == []


# Nothing is left to compare what they went back to with: no rule of a baseline could fire.
@STORIES.told_of(App("research"), rules=("error-rate", "crash"), bake=SHORT)
async def a_person_who_undoes_first_has_done_it_and_nothing_is_done_twice(stage: Stage) -> None:
    await held(stage, "research")
    await stage.deploy("research", "v1")
    bad, undone = await stage.outcome("research"), await stage.outcome("research", 2)

    assert (bad["outcome"], undone["outcome"]) == ("superseded", "passed"), (bad["reason"], undone["reason"])
    assert await stage.version("research") == "v1"
    assert await stage.acts() + await stage.acts(refused=True) == []


@STORIES.told_of(App("research", config="research-v1"))
async def an_old_template_whose_configmap_is_gone_is_undone_to_once_it_is_back(stage: Stage) -> None:
    await stage.configmap("research-v2", there=True)
    await stage.configmap("research-v1", there=False)
    await stage.deploy("research", "v2", FAILING, config="research-v2")
    await stage.phase("research", "holding", because="configmap/research-v1")
    assert await stage.acts() == []
    await stage.configmap("research-v1", there=True)
    record = await stage.outcome("research")

    assert ended(record) == ("rolled-back", "recovered"), record["reason"]
    assert await stage.version("research") == "v1"
    assert await stage.acts() == ["deployments/research"]


@STORIES.told_of(Colours("gateway", green=FAILING), more="restore_replicas = true")
async def a_blue_that_was_scaled_down_is_scaled_up_before_it_is_flipped_back_to(stage: Stage) -> None:
    await stage.hold("service/gateway", "schema migration 42")
    await stage.flip("gateway", "green")
    await stage.scale("gateway-blue", 0)
    await stage.phase("gateway", "holding", because="schema migration 42")
    await stage.rolled_out("gateway-blue")
    await stage.hold("service/gateway", "")
    record = await stage.outcome("gateway")

    assert ended(record) == ("rolled-back", "recovered"), record["reason"]
    assert await stage.colour("gateway") == "blue"
    assert await stage.acts() == ["deployments/gateway-blue/scale", "services/gateway"]


@STORIES.told_of(App("brand"), bake=SHORT)
async def an_autoscaler_in_the_middle_is_no_switch_and_hides_nothing(stage: Stage) -> None:
    await stage.deploy("brand", "v2")
    await stage.phase("brand", "watching")
    await stage.rolled_out("brand")
    await stage.scale("brand", 4)
    record = await stage.outcome("brand")

    assert record["outcome"] == "passed", record["reason"]
    assert len(await stage.records()) == 1
    assert await stage.acts() + await stage.acts(refused=True) == []


@STORIES.told_of(App("research", cpu="100m"))
async def a_vertical_autoscaler_that_resizes_the_pods_is_no_switch_and_hides_nothing(stage: Stage) -> None:
    await stage.deploy("research", "v2", Behaviour(errors=0.5, after=10))
    await stage.phase("research", "watching")
    await stage.rolled_out("research")
    await stage.resize("research", "150m")
    record = await stage.outcome("research")

    assert ended(record) == ("rolled-back", "recovered"), record["reason"]
    assert await stage.version("research") == "v1"
    assert await stage.acts() == ["deployments/research"]
    assert len(await stage.records()) == 1


@STORIES.told_of(Colours("gateway"), bake=SHORT)
async def the_rollout_of_an_idle_colour_opens_no_watch_and_the_flip_to_it_does(stage: Stage) -> None:
    await stage.deploy("gateway-green", "v3")
    await stage.rolled_out("gateway-green")
    await stage.flip("gateway", "green")
    record = await stage.outcome("gateway")

    assert record["outcome"] == "passed", record["reason"]
    assert [one["target"].partition("/")[2] for one in await stage.records()] == ["service/gateway"]
    assert await stage.acts() + await stage.acts(refused=True) == []


@STORIES.told_of(App("research"), rules=("error-rate",), bake=SHORT, more='matchers = { cluster = "elsewhere" }')
async def a_guard_to_whom_prometheus_tells_nothing_is_inconclusive_and_never_acts(stage: Stage) -> None:
    await stage.deploy("research", "v2", FAILING)
    record = await stage.outcome("research")

    assert record["outcome"] == "inconclusive", record["reason"]
    assert await stage.version("research") == "v2"
    assert await stage.told() == ["switch", "inconclusive"]
    assert await stage.acts() + await stage.acts(refused=True) == []


@STORIES.told_of(App("research"), intercepts=True)
async def a_fix_that_is_deployed_in_the_same_second_stays_and_supersedes_the_watch(stage: Stage) -> None:
    async def fix() -> None:
        await stage.deploy("research", "v3")

    await stage.before_the_put_back(fix)
    await stage.deploy("research", "v2", FAILING)
    record = await stage.outcome("research")

    assert record["outcome"] == "superseded", record["reason"]
    assert await stage.version("research") == "v3"
    assert await stage.acts() == []
    assert await stage.acts(refused=True) == ["deployments/research"]
    assert await stage.told("oncall") == []


@STORIES.told_of(Colours("gateway", green=FAILING), intercepts=True)
async def a_flip_to_another_colour_in_the_same_second_stays(stage: Stage) -> None:
    async def flip() -> None:
        await stage.flip("gateway", "red")

    await stage.before_the_put_back(flip)
    await stage.flip("gateway", "green")
    record = await stage.outcome("gateway")

    assert record["outcome"] == "superseded", record["reason"]
    assert await stage.colour("gateway") == "red"
    assert await stage.acts() == []
    assert await stage.acts(refused=True) == ["services/gateway"]


@STORIES.told_of(App("research"), intercepts=True)
async def a_label_in_the_same_second_is_no_reason_to_give_up(stage: Stage) -> None:
    async def label() -> None:
        await stage.label("deployment/research", team="edge")

    await stage.before_the_put_back(label)
    await stage.deploy("research", "v2", FAILING)
    record = await stage.outcome("research")

    assert ended(record) == ("rolled-back", "recovered"), record["reason"]
    assert await stage.version("research") == "v1"
    assert await stage.acts(refused=True) == ["deployments/research"]
    assert await stage.acts() == ["deployments/research"]
