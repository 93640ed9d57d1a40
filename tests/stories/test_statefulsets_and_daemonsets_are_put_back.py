"""A StatefulSet's pods keep their names over its revisions, a DaemonSet's names tell none: both are judged apart."""

import pytest

from meanwhile import just_before_the_put_back
from rights_used import granted
from sets import AGENT, DB, FAILING, PLACES, SETS, images, sets
from town import NAMESPACE, OWN, Town, tell
from watchdog.adapters.kubernetes.rights import BY_KIND
from watchdog.domain.rollout import Target
from watchdog.domain.state import Phase
from watchdog.remote import rollback_by_hand
from watchdog.settings import load
from watchdog.simulator.pod_behaviour import PodBehaviour
from watchdog.simulator.traffic import Course


@pytest.mark.parametrize("name", PLACES)
def test_a_bad_release_is_undone_once_and_recovers(name: str) -> None:
    async def story(town: Town) -> None:
        kind, namespace, _ = PLACES[name]
        town.behaves(f"{name}:v2", errors=FAILING)
        before = [pod["metadata"]["name"] for pod in town.cluster.members(*PLACES[name])]
        town.cluster.roll(kind, namespace, name, f"{name}:v2")
        record = await town.outcome(name)

        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert record["target"] == f"{NAMESPACE}/{kind.removesuffix('s')}/{name}"
        assert images(town, name) == ["v1", "v1", "v1"]
        assert town.acts() == [f"{kind}/{name}"]
        assert town.told("oncall") == ["rolled-back"]
        after = [pod["metadata"]["name"] for pod in town.cluster.members(*PLACES[name])]
        assert (after == before) is (name == "db")
        await town.sleep(1200)
        assert [r["outcome"] for r in town.records(name)] == ["rolled-back"]

    tell(story, sets, rules=SETS)


@pytest.mark.parametrize("name", PLACES)
def test_a_good_release_passes(name: str) -> None:
    async def story(town: Town) -> None:
        kind, namespace, _ = PLACES[name]
        town.cluster.roll(kind, namespace, name, f"{name}:v2")
        record = await town.outcome(name)
        assert record["outcome"] == "passed"
        assert town.acts() == []

    tell(story, sets, rules=SETS)


@pytest.mark.parametrize("name", PLACES)
def test_what_the_old_pods_did_is_not_the_releases(name: str) -> None:
    """The old revision fails in the very minutes in which it is rolled away, under the new one's pods' names."""

    async def story(town: Town) -> None:
        kind, namespace, _ = PLACES[name]
        age = 3600.0 + 2  # of the old pods, about now
        town.behaves(f"{name}:v1", errors=Course.step(0.004, 1.0, after=age, until=age + 600))
        town.lives_as(f"{name}:v2", PodBehaviour(ready_after=90.0))
        town.cluster.roll(kind, namespace, name, f"{name}:v2")
        record = await town.outcome(name)
        assert record["outcome"] == "passed", record["reason"]
        shares = [value for _, value, *_ in record["rules"]["error-rate"]["path"] if value is not None]
        assert len(shares) > 30
        assert max(shares) < 0.02
        assert town.acts() == []

    tell(story, sets, rules=SETS)


@pytest.mark.parametrize("name", PLACES)
def test_a_fix_in_the_same_second_stays(name: str) -> None:
    async def story(town: Town) -> None:
        kind, namespace, _ = PLACES[name]
        town.behaves(f"{name}:v2", errors=FAILING)
        town.cluster.roll(kind, namespace, name, f"{name}:v2")
        fix = f"{name}:v3"
        just_before_the_put_back(town, lambda: town.cluster.roll(kind, namespace, name, fix, manager="ann"), of=[kind])
        bad = await town.outcome(name)
        good = await town.outcome(name, number=2)

        assert (bad["outcome"], good["outcome"]) == ("superseded", "passed")
        assert images(town, name) == ["v3", "v3", "v3"]
        assert (town.acts(refused=True), town.acts()) == ([f"{kind}/{name}"], [])

    tell(story, sets, rules=SETS)


def test_a_broken_pod_of_an_ordered_statefulset_is_in_the_way_of_the_undo_and_the_command_is_told() -> None:
    async def story(town: Town) -> None:
        town.lives_as("db:v2", PodBehaviour.crash_loop())
        town.cluster.roll(*DB, "db:v2")
        await town.until(lambda: town.acts() == ["statefulsets/db"])
        await town.until(lambda: "not-recovered" in town.told())
        assert images(town, "db") == ["v1", "v1", "v2"]
        (notice,) = [one for one, _ in town.channels["oncall"].told if one.topic == "not-recovered"]
        assert "kubectl -n production delete pod db-2" in str(notice)

        town.cluster.delete("pods", NAMESPACE, "db-2")
        record = await town.outcome("db")
        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert images(town, "db") == ["v1", "v1", "v1"]
        assert town.acts() == ["statefulsets/db"]  # it deletes no pod itself

    tell(story, sets, rules=SETS)


def test_a_broken_pod_of_a_daemonset_is_replaced_by_the_undo_alone() -> None:
    async def story(town: Town) -> None:
        town.lives_as("agent:v2", PodBehaviour.crash_loop())
        town.cluster.roll(*AGENT, "agent:v2")
        record = await town.outcome("agent")
        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert images(town, "agent") == ["v1", "v1", "v1"]

    tell(story, sets, rules=SETS)


def test_without_kinds_nobody_watches_them_and_no_right_to_them_is_used() -> None:
    async def story(town: Town) -> None:
        town.behaves("db:v2", errors=FAILING)
        town.cluster.roll(*DB, "db:v2")
        await town.sleep(1200)
        assert town.records("db") == []
        asked = [one.path for one in town.cluster.requests if one.user == "system:serviceaccount:watchdog:watchdog"]
        assert asked
        assert not [path for path in asked if "statefulsets" in path or "controllerrevisions" in path]

    tell(story, sets)


def test_kinds_that_are_added_while_it_runs_are_watched_from_then_on() -> None:
    async def story(town: Town) -> None:
        town.edit_rules(SETS)
        await town.sleep(60)
        town.behaves("db:v2", errors=FAILING)
        town.cluster.roll(*DB, "db:v2")
        record = await town.outcome("db")
        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")

    tell(story, sets)


def test_killed_in_the_middle_it_goes_on_and_undoes_once() -> None:
    async def story(town: Town) -> None:
        town.behaves("db:v2", errors=FAILING)
        town.cluster.roll(*DB, "db:v2")
        await town.until(lambda: town.records("db"))
        await town.sleep(45)
        await town.kill()
        await town.sleep(20)
        await town.start()
        record = await town.outcome("db")
        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert town.acts() == ["statefulsets/db"]

    tell(story, sets, rules=SETS)


def test_without_the_rights_to_a_kind_the_others_are_guarded_as_ever_and_the_trouble_is_told() -> None:
    async def story(town: Town) -> None:
        of_kinds = [right for rights in BY_KIND.values() for right in rights]
        await town.start(token=town.cluster.user("half", granted(OWN, without=of_kinds)))
        for image in ("db:v2", "research:v2"):
            town.behaves(image, errors=FAILING)
        town.cluster.roll(*DB, "db:v2")
        town.deploy("research", "research:v2")
        record = await town.outcome("research")
        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert town.records("db") == []
        assert town.watchdog is not None
        cache = town.watchdog._cache
        assert cache is not None
        assert cache.synced
        assert any("may not list statefulsets" in trouble for trouble in cache.troubles), cache.troubles

    tell(story, sets, rules=SETS, start=False)


def test_a_person_puts_a_statefulset_back_by_hand() -> None:
    async def story(town: Town) -> None:
        town.cluster.roll(*DB, "db:v2")
        await town.until(lambda: images(town, "db") == ["v2", "v2", "v2"])
        settings = load(
            kubeconfig=town.cluster.kubeconfig(town.folder / "ann", town.cluster.user("ann")), namespace=OWN
        )
        target = Target.parse("production/statefulset/db")
        async with rollback_by_hand(settings, town.clock, target, reason="it smells") as asked:
            assert asked.watch.phase is Phase.ACTING
            await asked.carry_out()
        await town.until(lambda: images(town, "db") == ["v1", "v1", "v1"])

    tell(story, sets, rules=SETS)


@pytest.mark.parametrize("after", [3, 20])
@pytest.mark.parametrize("name", PLACES)
def test_what_somebody_brings_back_after_its_undo_is_watched_and_only_told_of(name: str, after: float) -> None:
    async def story(town: Town) -> None:
        kind, namespace, _ = PLACES[name]
        town.behaves(f"{name}:v2", errors=FAILING)
        town.cluster.roll(kind, namespace, name, f"{name}:v2")
        await town.phase(name, "recovering")
        await town.sleep(after)
        town.cluster.roll(kind, namespace, name, f"{name}:v2")
        first, again = await town.outcome(name), await town.outcome(name, number=2)

        assert (first["outcome"], first["recovery"]) == ("rolled-back", "not-recovered")
        assert again["outcome"] == "notified", again["reason"]
        assert "brought back" in again["notify_only"]
        assert town.acts() == [f"{kind}/{name}"]

    tell(story, sets, rules=SETS)
