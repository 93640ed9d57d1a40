"""Flagger's Canaries and Argo's Rollouts take back by themselves: what is theirs is judged and told, never undone."""

import logging
from typing import Any

import pytest

from rights_used import granted
from town import NAMESPACE, OWN, Town, tell
from watchdog.adapters.kubernetes.rights import RUNNERS
from watchdog.simulator.traffic import Course

FAILING = Course.step(0.004, 0.5, after=20)

CANARY = (
    "canaries",
    {"targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "research"}, "service": {"port": 80}},
    "Flagger Canary production/mine",
    "kubectl -n production rollout undo deployment/research",
)
ROLLOUT = (
    "rollouts",
    {
        "replicas": 0,
        "selector": {"matchLabels": {"app": "other"}},
        "workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "research"},
        "strategy": {"canary": {}},
    },
    "Argo Rollout production/mine",
    "kubectl argo rollouts abort mine -n production",
)
both = pytest.mark.parametrize(("kind", "spec", "owner", "command"), [CANARY, ROLLOUT], ids=["Flagger", "Argo"])


def bad_release(town: Town, name: str = "research") -> None:
    town.behaves(f"{name}:v2", errors=FAILING)
    town.deploy(name, f"{name}:v2")


@both
def test_a_deployment_that_they_name_is_held_and_told_once(
    kind: str, spec: dict[str, Any], owner: str, command: str
) -> None:
    async def story(town: Town) -> None:
        town.cluster.create(kind, NAMESPACE, {"metadata": {"name": "mine"}, "spec": spec})
        bad_release(town)
        record = await town.outcome("research")
        assert record["outcome"] == "held"
        assert record["refusal"] == "owned"
        assert f"{owner} rolls it out and takes it back itself; by hand: {command}" in record["reason"]
        assert town.acts() == []
        assert town.told("oncall") == ["held"]

    tell(story)


def test_flaggers_copy_says_itself_whose_it_is_and_no_right_is_needed() -> None:
    async def story(town: Town) -> None:
        await town.start(token=town.cluster.user("half", granted(OWN, without=RUNNERS)))
        mark = {"apiVersion": "flagger.app/v1beta1", "kind": "Canary", "name": "brand", "uid": "u", "controller": True}
        town.cluster.patch("deployments", NAMESPACE, "brand", {"metadata": {"ownerReferences": [mark]}})
        bad_release(town, "brand")
        record = await town.outcome("brand")
        assert record["outcome"] == "held"
        assert "Flagger Canary production/brand" in record["reason"]
        assert town.acts() == []

    tell(story, start=False)


def test_a_service_whose_selector_argo_writes_is_not_flipped_back() -> None:
    async def story(town: Town) -> None:
        mark = {"metadata": {"annotations": {"argo-rollouts.argoproj.io/managed-by-rollouts": "gateway"}}}
        town.cluster.patch("services", NAMESPACE, "gateway", mark)
        town.behaves("gateway:v2", errors=FAILING)
        town.flip()
        record = await town.outcome("gateway")
        assert record["outcome"] == "held"
        assert "kubectl argo rollouts abort gateway -n production" in record["reason"]
        assert town.colour() == "green"

    tell(story, lambda town: town.furnish_colours())


@pytest.mark.parametrize("status", [404, 403, 503])
def test_where_they_are_not_or_may_not_be_read_a_release_is_undone_as_ever(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    async def story(town: Town) -> None:
        for group in ("flagger.app", "argoproj.io"):
            town.cluster.faults.answer(status, path=f"/apis/{group}", count=None)
        for name in ("research", "brand"):
            bad_release(town, name)
            record = await town.outcome(name)
            assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        said = [one for one in caplog.records if one.name.endswith("runners") and "may not list" in one.getMessage()]
        assert len(said) == {404: 0, 403: 2, 503: 0}[status]  # once for each kind

    tell(story)


def test_a_definition_that_is_installed_later_is_found() -> None:
    async def story(town: Town) -> None:
        absent = town.cluster.faults.answer(404, path="/apis/flagger.app", count=None)
        bad_release(town, "brand")
        assert (await town.outcome("brand"))["outcome"] == "rolled-back"
        absent.remove()
        await town.sleep(60)
        town.cluster.create("canaries", NAMESPACE, {"metadata": {"name": "mine"}, "spec": CANARY[1]})
        bad_release(town)
        assert (await town.outcome("research"))["outcome"] == "held"

    tell(story)
