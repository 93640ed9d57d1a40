"""How a Deployment replaces its pods, or cannot."""

from both.told import FAILING, SHORT, STORIES, UNDONE, ended, held
from e2e.controlplane.behaviour import Behaviour
from stage import App, Rollout, Stage


# Nothing serves for a moment after its put back: twice as long to be scraped again as where the others overlap.
@STORIES.told_of(App("research", rollout=Rollout(recreate=True)), recovery="20s")
async def a_bad_release_of_a_deployment_that_recreates_is_undone(stage: Stage) -> None:
    await stage.deploy("research", "v2", Behaviour(errors=0.5, after=4))
    record = await stage.outcome("research")

    assert ended(record) == ("rolled-back", "recovered"), record["reason"]
    assert record["rules"]["error-rate"]["finding"] == "breach"
    assert await stage.version("research") == "v1"
    assert await stage.told() == UNDONE
    assert await stage.acts() == ["deployments/research"]


@STORIES.told_of(App("brand", rollout=Rollout(recreate=True)), bake=SHORT)
async def a_good_release_of_a_deployment_that_recreates_passes_though_nothing_served_for_a_moment(stage: Stage) -> None:
    await stage.deploy("brand", "v2")
    record = await stage.outcome("brand")

    assert record["outcome"] == "passed", record["reason"]
    assert await stage.told() == ["switch", "passed"]
    assert await stage.acts() + await stage.acts(refused=True) == []


@STORIES.told_of(App("research", rollout=Rollout(ready_for=6)))
async def pods_that_count_as_available_late_are_judged_from_when_they_are_ready(stage: Stage) -> None:
    await stage.deploy("research", "v2", FAILING)
    record = await stage.outcome("research")

    assert ended(record) == ("rolled-back", "recovered"), record["reason"]
    assert record["rules"]["error-rate"]["finding"] == "breach"
    assert await stage.version("research") == "v1"
    assert await stage.acts() == ["deployments/research"]


@STORIES.told_of(App("brand", rollout=Rollout(ready_for=3)), bake=SHORT)
async def a_good_release_whose_pods_count_as_available_late_passes(stage: Stage) -> None:
    await stage.deploy("brand", "v2")
    record = await stage.outcome("brand")

    assert record["outcome"] == "passed", record["reason"]
    assert await stage.acts() + await stage.acts(refused=True) == []


@STORIES.told_of(App("agent", rollout=Rollout(surge=1, unavailable=0, deadline=8)))
async def a_release_that_never_gets_ready_is_undone_though_no_old_pod_had_to_go_for_it(stage: Stage) -> None:
    await stage.deploy("agent", "v2", Behaviour(pod="never-ready"))
    record = await stage.outcome("agent")

    assert ended(record) == ("rolled-back", "recovered"), record["reason"]
    assert record["rules"]["crash"]["sentence"] == "the rollout missed its progress deadline"
    assert await stage.version("agent") == "v1"
    assert await stage.acts() == ["deployments/agent"]


QUOTA = "exceeded quota: pods, requested: pods=1, used: pods=2, limited: pods=2"


@STORIES.told_of(App("research", rollout=Rollout(deadline=8)), rules=("error-rate", "crash"))
async def a_release_for_whose_pods_the_quota_has_no_room_is_undone_and_the_quota_named(stage: Stage) -> None:
    await stage.quota(2)
    await stage.deploy("research", "v2")
    record = await stage.outcome("research")

    assert ended(record) == ("rolled-back", "recovered"), record["reason"]
    assert "missed its progress deadline: no pods can be made" in record["rules"]["crash"]["sentence"]
    assert QUOTA in record["rules"]["crash"]["sentence"]
    assert await stage.version("research") == "v1"
    assert await stage.told() == UNDONE
    assert await stage.acts() == ["deployments/research"]


# A busy controller manager may take many seconds to try the pod and to say why there is none.
@STORIES.told_of(App("research", rollout=Rollout(deadline=8)), rules=("error-rate", "crash"), recovery="30s")
async def an_undo_for_whose_pods_the_quota_has_no_room_did_not_recover_and_says_why(stage: Stage) -> None:
    await held(stage, "research")
    await stage.rolled_out("research")
    await stage.quota(2)
    await stage.hold("deployment/research", "")
    record = await stage.outcome("research")

    assert ended(record) == ("rolled-back", "not-recovered"), record["reason"]
    assert record["reason"].startswith("the put-back never completed: no pods can be made: ")
    assert QUOTA in record["reason"]
    assert await stage.told() == ["switch", "held", "rolled-back", "not-recovered"]
    assert await stage.told("oncall") == ["held", "rolled-back", "not-recovered"]
    assert await stage.acts() == ["deployments/research"]
