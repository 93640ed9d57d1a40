"""OnDelete and partitions: where an undo would change a template and no pod, people get the command that does."""

import pytest

from sets import DB, FAILING, PLACES, SETS, images, sets
from town import NAMESPACE, Town, tell

ON_DELETE = {"updateStrategy": {"type": "OnDelete"}}


@pytest.mark.parametrize("name", PLACES)
def test_with_on_delete_it_is_held_with_the_commands_that_put_it_back(name: str) -> None:
    async def story(town: Town) -> None:
        kind, namespace, _ = PLACES[name]
        word = kind.removesuffix("s")
        town.behaves(f"{name}:v2", errors=FAILING)
        town.cluster.roll(kind, namespace, name, f"{name}:v2")
        await town.sleep(300)
        assert town.records(name) == []  # a template that no pod has reaches no traffic

        victim = town.cluster.members(kind, namespace, name)[-1]["metadata"]["name"]
        town.cluster.delete("pods", namespace, victim)
        record = await town.phase(name, "holding")
        (bad,) = [
            pod["metadata"]["name"]
            for pod in town.cluster.members(kind, namespace, name)
            if pod["spec"]["containers"][0]["image"].endswith(":v2")
        ]
        assert record["state"]["refusal"]["reason"] == "not-reached"
        undo = f"kubectl -n {NAMESPACE} rollout undo {word}/{name} --to-revision=1"
        assert f"{undo} && kubectl -n {NAMESPACE} delete pod {bad}" in record["state"]["refusal"]["sentence"]
        assert town.told("oncall") == ["held"]

        # Somebody does what the command says.
        town.cluster.roll_back(kind, namespace, name)
        town.cluster.delete("pods", namespace, bad)
        ended = await town.outcome(name)
        assert ended["outcome"] == "superseded"
        assert images(town, name) == ["v1", "v1", "v1"]
        assert town.acts() == []

    tell(story, lambda town: sets(town, **ON_DELETE), rules=SETS)


def test_a_release_behind_a_partition_is_undone_as_far_as_it_went() -> None:
    async def story(town: Town) -> None:
        town.behaves("db:v2", errors=FAILING)
        town.cluster.roll(*DB, "db:v2", spec={"updateStrategy": {"rollingUpdate": {"partition": 2}}})
        await town.sleep(60)
        assert images(town, "db") == ["v1", "v1", "v2"]
        record = await town.outcome("db")
        assert (record["outcome"], record["recovery"]) == ("rolled-back", "recovered")
        assert images(town, "db") == ["v1", "v1", "v1"]

    tell(story, sets, rules=SETS)


def test_pods_below_a_partition_that_was_raised_since_would_stay_bad_and_that_is_held() -> None:
    async def story(town: Town) -> None:
        town.behaves("db:v2", errors=FAILING)
        town.cluster.roll(*DB, "db:v2")
        await town.until(lambda: town.cluster.has_rolled(*DB) and images(town, "db") == ["v2", "v2", "v2"])
        raised = {"spec": {"updateStrategy": {"rollingUpdate": {"partition": 2}}}}
        town.cluster.patch(*DB, raised)
        record = await town.phase("db", "holding")
        assert record["state"]["refusal"]["reason"] == "not-reached"
        sentence = record["state"]["refusal"]["sentence"]
        assert "its partition is 2, so an undo would leave db-0, db-1 as it is" in sentence
        patch = '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":0}}}}'
        assert f"kubectl -n {NAMESPACE} patch statefulset db -p '{patch}'" in sentence

        town.cluster.patch(*DB, {"spec": {"updateStrategy": {"rollingUpdate": {"partition": 0}}}})
        ended = await town.outcome("db")
        assert (ended["outcome"], ended["recovery"]) == ("rolled-back", "recovered")
        assert images(town, "db") == ["v1", "v1", "v1"]

    tell(story, sets, rules=SETS)


def test_a_template_behind_a_partition_above_all_pods_is_no_switch() -> None:
    async def story(town: Town) -> None:
        town.behaves("db:v2", errors=FAILING)
        town.cluster.roll(*DB, "db:v2", spec={"updateStrategy": {"rollingUpdate": {"partition": 3}}})
        await town.sleep(900)
        assert town.records("db") == []
        assert images(town, "db") == ["v1", "v1", "v1"]

    tell(story, sets, rules=SETS)
