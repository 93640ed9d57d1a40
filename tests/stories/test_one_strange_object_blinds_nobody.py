"""What cannot even be taken in, in a list or as it comes, is left out alone: all others of its kind stay guarded."""

from typing import Any

import pytest

from sets import FAILING as FAILING_SETS
from sets import SETS, images, sets
from stories.test_a_rollout_is_aborted import ABORTING, FAILING, release, search, status
from stories.test_an_object_that_cannot_be_read import of_shape, said
from town import NAMESPACE, Town, tell
from watchdog.simulator.traffic import Course
from weights import VIRTUALSERVICE

STRANGE = f"{NAMESPACE}/rollout/strange"
SHAPES = [{"template": "x"}, "x", {"strategy": ["canary"]}, {"template": {"spec": {"containers": "x"}}}]


@pytest.mark.parametrize("listed", [True, False], ids=["in-the-list", "as-it-comes"])
@pytest.mark.parametrize("spec", SHAPES)
def test_a_rollout_of_a_strange_shape_is_told_once_and_the_others_are_aborted(
    spec: Any, listed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    def furnish(town: Town) -> None:
        search(town)
        if listed:
            town.cluster.create("rollouts", NAMESPACE, of_shape(spec))

    async def story(town: Town) -> None:
        if not listed:
            town.cluster.create("rollouts", NAMESPACE, of_shape(spec))
        release(town, errors=FAILING)
        record = await town.outcome("search")
        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert status(town)["abort"] is True
        assert town.watchdog is not None
        assert town.watchdog._cache is not None
        assert town.watchdog._cache.troubles == ()

        town.cluster.compact()  # all is listed once more
        await town.sleep(600)
        assert [(one["target"], one["kind"]) for one in said(caplog)] == [(STRANGE, "Rollout")]
        assert "not the shape of its kind" in said(caplog)[0]["why"]
        assert town.told().count("unguarded") == 1
        assert town.metric("watchdog_unguarded", target=STRANGE, reason="unreadable") == 1
        town.cluster.delete("rollouts", NAMESPACE, "strange")
        await town.sleep(30)
        assert town.metric("watchdog_unguarded", target=STRANGE, reason="unreadable") is None
        assert town.told().count("unguarded") == 1

    tell(story, furnish, rules=ABORTING)


def test_one_that_is_mended_is_guarded_as_if_nothing_had_been(caplog: pytest.LogCaptureFixture) -> None:
    async def story(town: Town) -> None:
        whole = town.cluster.get("rollouts", NAMESPACE, "search")["spec"]
        town.cluster.patch("rollouts", NAMESPACE, "search", [{"op": "replace", "path": "/spec", "value": "x"}])
        await town.sleep(120)
        assert [one["target"] for one in said(caplog)] == [f"{NAMESPACE}/rollout/search"]
        town.cluster.patch("rollouts", NAMESPACE, "search", [{"op": "replace", "path": "/spec", "value": whole}])
        await town.sleep(30)
        assert town.records() == []  # the same serves as before
        release(town, errors=FAILING)
        record = await town.outcome("search")
        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")

    tell(story, search, rules=ABORTING)


def test_a_watch_waits_while_its_own_object_cannot_be_taken_in(caplog: pytest.LogCaptureFixture) -> None:
    async def story(town: Town) -> None:
        release(town, errors=FAILING)
        await town.sleep(30)
        whole = town.cluster.get("rollouts", NAMESPACE, "search")["spec"]
        town.cluster.patch("rollouts", NAMESPACE, "search", [{"op": "replace", "path": "/spec", "value": "x"}])
        await town.until(lambda: "held" in town.told("oncall"))
        assert [one["outcome"] for one in town.records("search")] == [None]  # it is not taken for gone
        town.cluster.patch("rollouts", NAMESPACE, "search", [{"op": "replace", "path": "/spec", "value": whole}])
        record = await town.outcome("search")
        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")

    tell(story, search, rules=ABORTING)


def a_revision(name: str, owner: dict[str, Any] | None = None) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "labels": {"app": "db"}}
    return {
        "metadata": metadata | ({"ownerReferences": [owner]} if owner else {}),
        "data": {"spec": "x"},
        "revision": 9,
    }


def test_what_others_keep_as_a_controller_revision_takes_no_set_out_of_guard(caplog: pytest.LogCaptureFixture) -> None:
    async def story(town: Town) -> None:
        town.cluster.create("controllerrevisions", NAMESPACE, a_revision("of-somebody"))
        await town.sleep(5)
        town.behaves("db:v2", errors=FAILING_SETS)
        town.cluster.roll("statefulsets", NAMESPACE, "db", "db:v2")
        record = await town.outcome("db")
        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert images(town, "db") == ["v1"] * 3
        assert [one["target"] for one in said(caplog)] == [f"{NAMESPACE}/controllerrevision/of-somebody"]
        assert "unguarded" not in town.told()

    tell(story, sets, rules=SETS)


def test_a_set_one_of_whose_revisions_cannot_be_read_is_told_as_unguarded_itself(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nobody can tell whether it is the one that serves."""
    target = f"{NAMESPACE}/statefulset/db"

    async def story(town: Town) -> None:
        own = town.cluster.get("statefulsets", NAMESPACE, "db")["metadata"]
        owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": own["uid"], "controller": True}
        town.cluster.create("controllerrevisions", NAMESPACE, a_revision("db-strange", owner))
        await town.sleep(30)
        assert town.metric("watchdog_unguarded", target=target, reason="unreadable") == 1
        (told,) = [one for one, _ in town.channels["releases"].told if one.topic.value == "unguarded"]
        assert "ControllerRevision db-strange: not the shape of its kind" in str(told)
        town.cluster.delete("controllerrevisions", NAMESPACE, "db-strange")
        await town.sleep(30)
        assert town.metric("watchdog_unguarded", target=target, reason="unreadable") is None
        town.behaves("agent:v2", errors=FAILING_SETS)
        town.cluster.roll("daemonsets", NAMESPACE, "agent", "agent:v2")
        assert (await town.outcome("agent"))["outcome"] == "rolled-back"

    tell(story, sets, rules=SETS)


def a_rule_of_no_shape(subsets: Any, host: str) -> dict[str, Any]:
    return {"metadata": {"name": "strange"}, "spec": {"host": host, "subsets": subsets}}


@pytest.mark.parametrize("subsets", ["x", [1], [{"labels": ["x"]}]])
def test_a_destination_rule_of_a_strange_shape_leaves_those_routes_guarded_that_do_without(
    subsets: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(town: Town) -> None:
        town.cluster.create("destinationrules", NAMESPACE, a_rule_of_no_shape(subsets, "of-somebody"))
        town.behaves("gateway:v2", errors=Course.constant(0.3))
        await town.sleep(60)
        VIRTUALSERVICE.weigh(town, 5)
        assert (await town.outcome("gateway"))["outcome"] == "rolled-back"
        assert VIRTUALSERVICE.of(town) == (100, 0)
        assert [one["target"] for one in said(caplog)] == [f"{NAMESPACE}/destinationrule/strange"]

    tell(story, VIRTUALSERVICE.furnish, rules=VIRTUALSERVICE.rules)


def test_a_route_whose_subsets_cannot_be_read_waits_in_the_middle_of_its_watch() -> None:
    async def story(town: Town) -> None:
        town.behaves("gateway:v2", errors=Course.step(0.004, 0.3, after=60))
        VIRTUALSERVICE.weigh(town, 5)
        await town.sleep(30)
        (rule,) = town.cluster.list("destinationrules", NAMESPACE)
        name, whole = rule["metadata"]["name"], rule["spec"]
        town.cluster.patch(
            "destinationrules", NAMESPACE, name, [{"op": "replace", "path": "/spec/subsets", "value": "x"}]
        )
        await town.until(lambda: "held" in town.told("oncall"))
        (held,) = [one for one, _ in town.channels["oncall"].told if one.topic.value == "held"]
        assert "cannot be read" in str(held)
        assert town.metric("watchdog_unguarded", target=VIRTUALSERVICE.target, reason="unreadable") == 1
        town.cluster.patch("destinationrules", NAMESPACE, name, [{"op": "replace", "path": "/spec", "value": whole}])
        assert (await town.outcome("gateway"))["outcome"] == "rolled-back"
        assert VIRTUALSERVICE.of(town) == (100, 0)

    tell(story, VIRTUALSERVICE.furnish, rules=VIRTUALSERVICE.rules)
