"""Argo's controller moves the traffic of a Rollout: it is told to abort on our verdict, and the rest is its own."""

from typing import Any

import pytest

from meanwhile import just_before_the_put_back
from town import NAMESPACE, PART_OF, RULES, Town, image_of, tell
from watchdog.domain.rollout import Target
from watchdog.domain.state import Phase
from watchdog.remote import rollback_by_hand
from watchdog.settings import load
from watchdog.simulator.traffic import Course

ABORTING = RULES.replace(
    'selector   = "app.kubernetes.io/part-of=plasma-engine"',
    'selector   = "app.kubernetes.io/part-of=plasma-engine"\nkinds = ["rollout"]\naction = "abort"',
)
LEFT = ABORTING.replace('action = "abort"', 'action = "rollback"')
FAILING = Course.step(0.004, 0.3, after=60)


def search(town: Town) -> None:
    """A Rollout of four pods that goes to a half, and waits there for a person."""
    town.cluster.release(NAMESPACE, "search", "search:v1", labels=PART_OF)
    town.cluster.service(NAMESPACE, "search")


def images(town: Town) -> list[str]:
    pods = [pod for pod in town.cluster.pods(NAMESPACE) if pod["metadata"]["labels"].get("app") == "search"]
    return sorted(image_of(pod).rpartition(":")[2] for pod in pods if "deletionTimestamp" not in pod["metadata"])


def status(town: Town) -> dict[str, Any]:
    found: dict[str, Any] = town.cluster.get("rollouts", NAMESPACE, "search")["status"]
    return found


def release(town: Town, **behaviour: Any) -> None:
    town.behaves("search:v2", **behaviour)
    town.cluster.release(NAMESPACE, "search", "search:v2")


def test_a_bad_canary_is_aborted_once_and_stable_serves_alone_again() -> None:
    async def story(town: Town) -> None:
        release(town, errors=FAILING)
        record = await town.outcome("search")

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert record["target"] == "production/rollout/search"
        assert town.acts() == ["rollouts/search/status"]
        assert status(town)["abort"] is True
        assert status(town)["phase"] == "Degraded"
        assert images(town) == ["v1"] * 4
        assert town.told("oncall") == ["rolled-back"]
        (told,) = [notice for notice, _ in town.channels["releases"].told if notice.topic.value == "rolled-back"]
        assert any("its template is still the bad one" in line for line in told.lines)
        await town.sleep(1800)
        assert [r["outcome"] for r in town.records("search")] == ["rolled-back"]
        assert town.acts() == ["rollouts/search/status"]

    tell(story, search, rules=ABORTING)


def test_a_good_one_is_promoted_by_a_person_and_passes_after_its_bake() -> None:
    async def story(town: Town) -> None:
        release(town)
        await town.sleep(900)
        assert [one["phase"] for one in town.records("search")] == ["watching"]  # it waits for a person at its half
        town.cluster.promote(NAMESPACE, "search")
        record = await town.outcome("search")
        assert record["outcome"] == "passed"
        assert images(town) == ["v2"] * 4
        assert town.acts() == []

    tell(story, search, rules=ABORTING)


def test_after_its_promotion_an_abort_would_do_nothing_and_the_command_is_told() -> None:
    async def story(town: Town) -> None:
        release(town, errors=Course.step(0.004, 0.3, after=400))
        await town.sleep(120)
        town.cluster.promote(NAMESPACE, "search")
        record = await town.outcome("search")
        assert record["outcome"] == "held"
        assert "kubectl argo rollouts undo search -n production --to-revision=1" in record["reason"]
        assert town.acts() == []

    tell(story, search, rules=ABORTING)


def test_under_rollback_it_is_left_to_its_controller_with_the_command() -> None:
    async def story(town: Town) -> None:
        release(town, errors=FAILING)
        await town.until(lambda: "held" in town.told("oncall"))
        (notice,) = [one for one, _ in town.channels["oncall"].told if one.topic.value == "held"]
        assert "kubectl argo rollouts abort search -n production" in str(notice)
        assert town.acts() == []
        assert not status(town).get("abort")
        town.cluster.abort(NAMESPACE, "search")
        record = await town.outcome("search")
        assert record["outcome"] == "superseded"
        assert town.told("oncall") == ["held"]

    tell(story, search, rules=LEFT)


def test_a_person_aborts_first() -> None:
    async def story(town: Town) -> None:
        release(town, errors=FAILING)
        await town.until(lambda: town.records("search"))
        await town.sleep(30)
        town.cluster.abort(NAMESPACE, "search")
        record = await town.outcome("search")
        assert record["outcome"] == "superseded"
        await town.sleep(1800)
        assert town.acts() == []

    tell(story, search, rules=ABORTING)


def test_a_person_who_aborts_in_the_same_second_is_not_overwritten() -> None:
    async def story(town: Town) -> None:
        release(town, errors=FAILING)
        just_before_the_put_back(town, lambda: town.cluster.abort(NAMESPACE, "search"), of=["rollouts"])
        record = await town.outcome("search")
        assert record["outcome"] == "superseded"
        assert (town.acts(refused=True), town.acts()) == (["rollouts/search/status"], [])

    tell(story, search, rules=ABORTING)


def test_a_person_who_retries_the_aborted_release_is_not_fought() -> None:
    async def story(town: Town) -> None:
        release(town, errors=FAILING)
        await town.until(lambda: town.acts() == ["rollouts/search/status"])
        await town.sleep(20)
        town.cluster.abort(NAMESPACE, "search", abort=False, manager="ann")
        record = await town.outcome("search")
        assert (record["outcome"], record["recovery"]) == ("rolled-back", "not-recovered")
        assert "serves again" in record["reason"]
        await town.sleep(1800)
        assert town.acts() == ["rollouts/search/status"]

    tell(story, search, rules=ABORTING)


def test_killed_as_it_aborts_it_aborts_once() -> None:
    async def story(town: Town) -> None:
        town.cluster.faults.lose_answer(
            method="PATCH", path="/apis/argoproj.io/v1alpha1/namespaces/production/rollouts"
        )
        release(town, errors=FAILING)
        await town.until(lambda: status(town).get("abort"))
        await town.kill()
        await town.sleep(20)
        await town.start()
        record = await town.outcome("search")
        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert town.acts() == ["rollouts/search/status"]

    tell(story, search, rules=ABORTING)


def test_a_definition_that_is_installed_later_is_taken_up() -> None:
    async def story(town: Town) -> None:
        absent = town.cluster.faults.answer(404, path="/apis/argoproj.io", count=None)
        await town.start()
        await town.sleep(300)
        assert town.watchdog is not None
        assert town.watchdog._cache is not None
        assert town.watchdog._cache.troubles == ()
        absent.remove()
        await town.sleep(120)
        release(town, errors=FAILING)
        record = await town.outcome("search")
        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")

    tell(story, search, rules=ABORTING, start=False)


@pytest.mark.parametrize("rules", [ABORTING, LEFT], ids=["abort", "rollback"])
def test_a_person_aborts_by_hand_whatever_the_guard_says(rules: str) -> None:
    async def story(town: Town) -> None:
        release(town)
        await town.until(lambda: status(town)["phase"] == "Paused")
        await town.sleep(60)
        ann = town.cluster.kubeconfig(town.folder / "ann", town.cluster.user("ann"))
        settings = load(kubeconfig=ann, namespace="watchdog")
        target = Target.parse("production/rollout/search")
        async with rollback_by_hand(settings, town.clock, target, reason="it smells") as asked:
            assert asked.watch.phase is Phase.ACTING
            await asked.carry_out()
        await town.until(lambda: images(town) == ["v1"] * 4)

    tell(story, search, rules=rules)
