"""Argo's blue and green: judged from the switch on, aborted while that has an effect, else held with the command."""

from typing import Any

from stories.test_a_rollout_is_aborted import ABORTING, images, release, status
from town import NAMESPACE, PART_OF, Town, tell
from watchdog.simulator.pod_behaviour import PodBehaviour
from watchdog.simulator.traffic import Course

HASH = "rollouts-pod-template-hash"
FAILING = Course.constant(0.3)  # from its first request on
SERVICES: dict[str, Any] = {"activeService": "search", "previewService": "search-preview"}
ANALYSED = {"postPromotionAnalysis": {"templates": [{"templateName": "slow"}]}}
UNDO = "kubectl argo rollouts undo search -n production --to-revision=1"


def search(town: Town, **strategy: Any) -> None:
    town.cluster.service(NAMESPACE, "search")
    town.cluster.service(NAMESPACE, "search-preview", {"app": "search"})
    blue_green = {"blueGreen": {**SERVICES, **strategy}}
    town.cluster.release(NAMESPACE, "search", "search:v1", labels=PART_OF, strategy=blue_green)


def waiting(town: Town) -> None:
    search(town, autoPromotionEnabled=False)


def analysed(town: Town) -> None:
    search(town, **ANALYSED)


def active(town: Town) -> str:
    """The tag of what the active Service reaches."""
    aimed = town.cluster.get("services", NAMESPACE, "search")["spec"]["selector"][HASH]
    (tag,) = {
        pod["spec"]["containers"][0]["image"].rpartition(":")[2]
        for pod in town.cluster.pods(NAMESPACE)
        if pod["metadata"]["labels"].get(HASH) == aimed
    }
    return tag


def test_a_preview_is_nothing_to_judge_however_bad_it_is_and_its_abort_is_no_switch() -> None:
    async def story(town: Town) -> None:
        release(town, errors=FAILING)
        await town.until(lambda: status(town)["phase"] == "Paused")
        await town.sleep(600)
        assert (active(town), images(town)) == ("v1", ["v1"] * 4 + ["v2"] * 4)
        assert town.records() == []
        town.cluster.abort(NAMESPACE, "search")  # by a person, or by an analysis before the promotion
        await town.sleep(600)
        assert (active(town), images(town)) == ("v1", ["v1"] * 4)
        assert (town.records(), town.acts()) == ([], [])

    tell(story, waiting, rules=ABORTING)


def test_a_good_one_is_watched_from_its_promotion_on_and_passes() -> None:
    async def story(town: Town) -> None:
        release(town)
        await town.until(lambda: status(town)["phase"] == "Paused")
        await town.sleep(300)
        promoted = town.clock.now()
        town.cluster.promote(NAMESPACE, "search")
        record = await town.outcome("search")
        assert record["outcome"] == "passed"
        assert abs((town.moment(record["switched_at"]) - promoted).total_seconds()) < 5
        assert (active(town), images(town)) == ("v2", ["v2"] * 4)
        assert town.acts() == []

    tell(story, waiting, rules=ABORTING)


def test_a_bad_one_is_aborted_while_its_analysis_runs_and_blue_serves_at_once() -> None:
    async def story(town: Town) -> None:
        release(town, errors=FAILING)
        await town.until(lambda: active(town) == "v2")
        record = await town.outcome("search")
        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert town.acts() == ["rollouts/search/status"]
        assert (status(town)["abort"], status(town)["phase"]) == (True, "Degraded")
        assert active(town) == "v1"
        await town.sleep(1800)
        assert images(town) == ["v1"] * 4
        assert [one["outcome"] for one in town.records("search")] == ["rolled-back"]
        assert town.acts() == ["rollouts/search/status"]

    tell(story, analysed, rules=ABORTING)


def test_a_switch_without_an_analysis_is_a_promotion_and_is_held_with_the_command_that_takes_it_back() -> None:
    """Even while blue's pods are still there."""

    async def story(town: Town) -> None:
        release(town, errors=FAILING)
        await town.until(lambda: "held" in town.told("oncall"))
        (held,) = [one for one, _ in town.channels["oncall"].told if one.topic.value == "held"]
        assert UNDO in str(held)
        assert town.acts() == []
        town.cluster.take_back(NAMESPACE, "search", to=1)
        await town.until(lambda: active(town) == "v1")
        record = await town.outcome("search")
        assert record["outcome"] == "superseded"
        await town.sleep(1800)
        assert (active(town), images(town)) == ("v1", ["v1"] * 4)
        assert town.acts() == []

    tell(story, search, rules=ABORTING)


def test_one_whose_pods_are_not_all_ready_is_not_aborted_since_its_controller_would_leave_the_traffic_there() -> None:
    async def story(town: Town) -> None:
        town.lives_as("search:v2", PodBehaviour(unready_after=60.0))
        release(town)
        await town.until(lambda: "held" in town.told("oncall"))
        (held,) = [one for one, _ in town.channels["oncall"].told if one.topic.value == "held"]
        assert "not all of its pods are ready" in str(held)
        assert UNDO in str(held)
        assert town.acts() == []

    tell(story, analysed, rules=ABORTING)
